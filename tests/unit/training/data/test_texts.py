"""Free text is told from names, and learned from what many rows share."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from skylift.text_encoder import to_bytes
from skylift.vocabulary import Vocabulary, terms
from tests.support.texts import messages
from training.data.texts import ROWS_OF_A_TERM, is_free_text, learn_vocabulary, longest_allowed, tells

TEXTS = [text for _, text in messages(300)]


def learned(texts: list[str] = TEXTS, seed: int = 0) -> Vocabulary:
    vocabulary = learn_vocabulary(texts, seed)
    assert vocabulary is not None
    return vocabulary


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (TEXTS, True),
        ([f"Braund, Mr. Owen{number} Harris" for number in range(50)], True),
        ([f"この製品{number}はとても良いです" for number in range(50)], True),
        ([f"user{number}@example.com" for number in range(50)], False),
        ([f"{number:064x}" for number in range(50)], False),
        ([f"New York {number}"[:8] for number in range(50)], False),
        (["a rather long name of a thing", "and a rather long other one"] * 25, False),
        ([f"北京{number}" for number in range(50)], False),
        ([None, None], False),
    ],
)
def test_free_text_is_of_several_words_and_mostly_different(texts: list[str], expected: bool) -> None:
    assert is_free_text(pd.Series(texts, dtype="string[python]")) is expected


def test_texts_are_encoded_as_scikit_learn_does() -> None:
    vocabulary = learned()
    weighted = TfidfVectorizer(analyzer=terms, sublinear_tf=True, vocabulary=vocabulary.terms).fit_transform(TEXTS)
    expected = TruncatedSVD(30, random_state=0).fit_transform(weighted)
    assert vocabulary.rows(TEXTS)[:, 1:] == pytest.approx(expected, abs=1e-5)


def test_the_same_texts_and_seed_give_the_same_vocabulary() -> None:
    assert to_bytes([learned()]) == to_bytes([learned()])


def test_no_term_is_of_a_few_rows_or_a_long_number() -> None:
    texts = [*TEXTS, *["call Zebedee at 123456 now"] * (ROWS_OF_A_TERM - 1)]
    known = set(learned(texts).terms)
    assert " zebedee " not in known
    assert not any(term.strip().isdigit() and len(term) > 6 for term in known)
    assert " zebedee " in learned([*texts, "Zebedee!"]).terms
    assert not any("654321" in term for term in learned([*TEXTS, *["call 654321"] * 20]).terms)


@pytest.mark.parametrize("texts", [[], [None], ["one text", "other words"], ["", None]])
def test_texts_that_share_no_terms_have_no_vocabulary(texts: list[str | None]) -> None:
    assert learn_vocabulary(texts, 0) is None


def test_texts_without_a_difference_have_a_vocabulary() -> None:
    assert np.isfinite(learned(["the same old words"] * 20).rows(["the same old words"])).all()


def test_a_large_table_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = learned()
    monkeypatch.setattr("training.data.texts._SAMPLE", 100)
    sampled = learned()
    assert 0 < len(sampled.terms) < len(whole.terms)
    assert sampled.terms == learned().terms != learned(seed=1).terms


def test_a_request_may_hold_twice_the_longest_text() -> None:
    assert longest_allowed(["x" * 10, None]) == 1_000
    assert longest_allowed(["x" * 900]) == 1_800


class TestTelling:
    def test_words_of_one_class_tell_it(self) -> None:
        targets = np.array([kind == "spam" for kind, _ in messages(300)]).astype(np.int64)
        assert tells(learned().rows(TEXTS), targets, "classification", 0)

    def test_a_length_tells_a_value(self) -> None:
        assert tells(learned().rows(TEXTS), np.array([3.0 * len(text) for text in TEXTS]), "regression", 0)

    def test_missing_texts_tell_nothing_by_themselves(self) -> None:
        encoded = learned().rows([None] * 100)
        assert not tells(encoded, np.arange(100) % 2, "classification", 0)

    def test_chance_tells_nothing(self) -> None:
        encoded = learned().rows(TEXTS)
        wrong = [
            tells(encoded, np.random.default_rng(seed).permutation(300) % 3, "classification", 0) for seed in range(10)
        ]
        assert sum(wrong) <= 1
