"""A vocabulary makes the same numbers of a text everywhere, and its file is trusted with nothing."""

import io
import math
import zipfile
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skylift.cells import clean_text
from skylift.errors import UnservableModel
from skylift.vocabulary import MAX_DIRECTIONS, MAX_TERMS, Vocabulary, from_bytes, terms, to_bytes
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


class TestFile:
    def test_reading_returns_what_was_written(self) -> None:
        made = vocabulary(), vocabulary((" ok ", "ok"))
        read = from_bytes(to_bytes(made), [4, 4])
        texts = ["Cheap! 価格 ok", None]
        for before, after in zip(made, read, strict=True):
            assert after.terms == before.terms
            assert np.array_equal(after.rows(texts), before.rows(texts), equal_nan=True)

    def test_it_has_the_same_bytes_each_time(self) -> None:
        assert to_bytes([vocabulary()]) == to_bytes([vocabulary()])

    @pytest.mark.parametrize("count", [0, 2])
    def test_another_number_of_vocabularies_is_refused(self, count: int) -> None:
        with pytest.raises(UnservableModel, match="it holds other arrays"):
            from_bytes(to_bytes([vocabulary()]), [4] * count)

    def test_another_width_than_the_contracts_is_refused(self) -> None:
        with pytest.raises(UnservableModel, match="another width"):
            from_bytes(to_bytes([vocabulary()]), [5])

    def test_damaged_bytes_are_refused(self) -> None:
        data = to_bytes([vocabulary()])
        for broken in (b"", b"no archive", data[:-40], data[:200] + b"\xff" * 40 + data[240:]):
            with pytest.raises(UnservableModel, match=r"encoding\.npz cannot be read"):
                from_bytes(broken, [4])

    @pytest.mark.parametrize(
        "changed",
        [
            {"terms": np.array(["a", object()], dtype=object)},
            {"terms": np.array(["a", "b"])},
            {"terms": np.frombuffer(b"a\na", np.uint8)},
            {"terms": np.frombuffer(b"a\n\xff", np.uint8)},
            {"terms": np.frombuffer(b"a\nb\nc", np.uint8)},
            {"weights": np.array([1.0, 2.0])},
            {"weights": np.array([1, np.nan], np.float32)},
            {"weights": np.array([1, -1], np.float32)},
            {"directions": np.ones((2, 3))},
            {"directions": np.ones((2, 0), np.float32)},
            {"directions": np.ones((2, 101), np.float32)},
            {"directions": np.ones(2, np.float32)},
            {"directions": np.array([[np.inf], [1]], np.float32)},
            {"other": np.ones(1)},
        ],
    )
    def test_arrays_of_another_form_are_refused(self, changed: dict[str, Any]) -> None:
        sound: dict[str, Any] = {
            "terms": np.frombuffer(b"a\nb", np.uint8),
            "weights": np.ones(2, np.float32),
            "directions": np.ones((2, 3), np.float32),
        }
        file = io.BytesIO()
        np.savez(file, allow_pickle=True, **{f"0.{name}": array for name, array in (sound | changed).items()})
        with pytest.raises(UnservableModel):
            from_bytes(file.getvalue(), [4])

    def test_compressed_arrays_are_refused(self) -> None:
        packed = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(to_bytes([vocabulary()]))) as plain,
            zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name in plain.namelist():
                archive.writestr(name, plain.read(name))
        with pytest.raises(UnservableModel, match="compressed"):
            from_bytes(packed.getvalue(), [4])


def test_a_vocabulary_is_bounded() -> None:
    known = [str(number) for number in range(MAX_TERMS + 1)]
    with pytest.raises(ValueError, match="at most"):
        Vocabulary(known, np.ones(len(known), np.float32), np.ones((len(known), 1), np.float32))
