"""Numbers as tables write them."""

import re

import pytest

from skylift.numerals import LIKE_NUMBER, NUMBER, WITH_UNIT, ZERO_LED, Numerals, is_number


@pytest.mark.parametrize("text", ["5", "-5.1", ".5", "5.", "1e-3", "007", "+3", "inf"])
def test_what_python_reads_as_a_number_is_one(text: str) -> None:
    assert is_number(text)


@pytest.mark.parametrize("text", ["", "1_000", "1,5", "0x1", "\u0663", "nan", "5 ", "--5"])
def test_nothing_else_is(text: str) -> None:
    assert not is_number(text)


@pytest.mark.parametrize(
    ("numerals", "text", "plain"),
    [
        (Numerals(thousands=","), "1,119", "1119"),
        (Numerals(thousands=","), "11,19", "11,19"),
        (Numerals(thousands=","), "-12,34,567", "-1234567"),
        (Numerals(thousands=","), "1,12,345,678", "1,12,345,678"),
        (Numerals(thousands=","), "123,45,678", "123,45,678"),
        (Numerals(thousands=","), "1,x34", "1,x34"),
        (Numerals(",", " "), "1 234,5", "1234.5"),
        (Numerals(unit="$", thousands=","), "-$1,119.50", "-1119.50"),
        (Numerals(unit="$"), "80", "80"),
        (Numerals(unit="$"), "80 %", "80 %"),
    ],
)
def test_a_number_is_read_in_its_form_and_anything_else_stays(numerals: Numerals, text: str, plain: str) -> None:
    assert numerals.plain(text) == plain


@pytest.mark.parametrize("pattern", [NUMBER, ZERO_LED, LIKE_NUMBER, WITH_UNIT])
def test_no_digit_is_given_back_so_that_a_long_text_is_read_once(pattern: re.Pattern[str]) -> None:
    gives_back = re.compile(r"[\])][*+](?![+])")

    assert gives_back.search("[0-9]+") is not None
    assert gives_back.search(pattern.pattern) is None
