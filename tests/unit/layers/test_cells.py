"""A cell is read by one rule, in tables and in requests."""

import unicodedata

import pytest

from skylift.cells import MISSING_WORDS, clean_text, may_be_missing


@pytest.mark.parametrize(("text", "value"), [(" M\t", "M"), ("x  y", "x  y"), (" ", None), ("", None)])
def test_a_text_loses_the_blanks_around_it_and_is_missing_where_nothing_is_left(text: str, value: str | None) -> None:
    assert clean_text(text) == value


def test_two_forms_of_the_same_letters_are_one_text() -> None:
    assert clean_text(unicodedata.normalize("NFD", "Köln")) == unicodedata.normalize("NFC", "Köln")


def test_a_long_text_is_not_composed_which_would_take_minutes() -> None:
    marks = "a" + "\u0315\u0327" * 1_000_000

    assert clean_text(f" {marks}") == marks


@pytest.mark.parametrize("word", ["NA", "N/A", "nan", "None", "NULL", "?", "-", "Unknown"])
def test_words_for_missing_are_known_in_any_case(word: str) -> None:
    assert may_be_missing(word)
    assert not may_be_missing(f"{word}mibia")
    assert all(word == word.casefold() for word in MISSING_WORDS)
