"""Texts are cut and weighed as the vectorizers of scikit-learn do it."""

from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from skylift.analysis import WORD, Analysis, Unit
from tests.support.contracts import modest

TEXTS = ["Not so good, not at all", "a  good\tDay!", "ß İ É 価格 😀 the", "x"]


def test_words_are_theirs_by_default() -> None:
    assert CountVectorizer().token_pattern == WORD


@modest
@given(st.text(max_size=30), st.sampled_from(["word", "char", "char_wb"]), st.booleans())
def test_terms_are_those_of_a_vectorizer(text: str, unit: Unit, lowercase: bool) -> None:
    stop = {"not", "so"} if unit == "word" else set()
    cut = CountVectorizer(
        analyzer=unit, ngram_range=(1, 3), lowercase=lowercase, stop_words=sorted(stop) or None
    ).build_analyzer()
    ours = Analysis(unit, 1, 3, lowercase=lowercase, stop_words=frozenset(stop))

    for each in (text, *TEXTS):
        assert sorted(ours.terms(each)) == sorted(cut(each))
