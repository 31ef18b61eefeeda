"""A vocabulary makes the same numbers of a text everywhere, and its file is trusted with nothing."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skylift.cells import clean_text
from skylift.text_encoder import MAX_DIRECTIONS
from skylift.vocabulary import MAX_TERMS, Vocabulary, terms
from tests.support.contracts import modest


def vocabulary(known: tuple[str, ...] = (" cheap ", "ch", "hea", " ! ", "価格", " 😀 ")) -> Vocabulary:
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(len(known), 3)).astype(np.float32)
    return Vocabulary(known, rng.uniform(1, 3, len(known)).astype(np.float32), directions)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No", [" n", "no", "o ", " no", "no ", " no "]),
        ("a", [" a", "a ", " a "]),
        ("ÉTÉ", [" é", "ét", "té", "é ", " ét", "été", "té ", " été "]),
        ("😀", [" 😀", "😀 ", " 😀 "]),
        ("価格", [" 価", "価格", "格 ", " 価格", "価格 ", " 価格 "]),
        ("\x00", [" \x00", "\x00 ", " \x00 "]),
        (" \t\n", []),
        ("", []),
    ],
)
def test_terms_are_words_and_letters_in_a_row(text: str, expected: list[str]) -> None:
    assert list(terms(text)) == expected


def test_a_very_long_word_is_known_by_its_letters_only() -> None:
    assert f" {'x' * 31} " not in set(terms("x" * 31))
    assert f" {'x' * 30} " in set(terms("x" * 30))


def test_a_text_is_its_length_and_a_weighted_mean_of_terms() -> None:
    made = vocabulary((" cheap ", "ch"))
    (row,) = made.rows(["Cheap cheap, ch"])
    values = np.array([1 + math.log(2), 1 + math.log(3)]) * made.weights
    assert row[0] == 15
    assert row[1:] == pytest.approx(values @ made.directions / np.linalg.norm(values))


def test_a_missing_text_has_no_length_and_no_direction() -> None:
    missing, unknown = vocabulary().rows([None, "zzz"])
    assert math.isnan(missing[0])
    assert unknown.tolist() == [3, 0, 0, 0]
    assert not missing[1:].any()


@pytest.mark.parametrize(
    ("text", "share"), [("Cheap", 0), ("cheap ! zebra zebra", 0.5), ("hea", 1), ("", math.nan), (None, math.nan)]
)
def test_words_that_it_lacks_are_counted(text: str | None, share: float) -> None:
    assert vocabulary().unknown(text) == pytest.approx(share, nan_ok=True)


def test_a_text_is_the_same_alone_and_among_others() -> None:
    made = vocabulary()
    rng = np.random.default_rng(1)
    letters = list("cheap! 価格 😀")
    texts = ["".join(rng.choice(letters, rng.integers(0, 400))) for _ in range(200)]
    together = made.rows(texts)
    assert np.array_equal(together, np.vstack([vocabulary().rows([text]) for text in texts]))
    assert made.row(texts[7]) == together[7].tolist()


def test_without_texts_there_are_no_rows() -> None:
    assert vocabulary().rows([]).shape == (0, 4)


@modest
@given(st.text(st.sampled_from("ab İß!?\x00\t価😀\u0301\udc00"), max_size=60))
@example("ab" * 15)
@example("ab" * 15 + "a")
def test_a_text_has_the_terms_that_training_counts(text: str) -> None:
    counts = Counter(terms(clean_text(text) or ""))
    known = [*counts][:MAX_DIRECTIONS] or ["none"]
    values = np.array([1 + math.log(counts[term]) if counts[term] else 0 for term in known])
    made = Vocabulary(known, np.ones(len(known), np.float32), np.eye(len(known), dtype=np.float32))
    assert made.row(text)[1:] == pytest.approx(values / (np.linalg.norm(values) or 1))


def test_a_typical_text_is_of_known_words() -> None:
    made = vocabulary()
    nearest = made.typical(made.directions[3].astype(np.float64)).split()
    assert nearest[0] == "!"
    assert set(nearest) == {"cheap", "!", "😀"}
    assert vocabulary(("ch", "he")).typical(np.ones(3)).split()


def test_a_vocabulary_is_bounded() -> None:
    known = [str(number) for number in range(MAX_TERMS + 1)]
    with pytest.raises(ValueError, match="at most"):
        Vocabulary(known, np.ones(len(known), np.float32), np.ones((len(known), 1), np.float32))
