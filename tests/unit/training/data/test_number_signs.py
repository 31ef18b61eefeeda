"""Signs of numbers are told by all cells, whatever the parts they come in."""

import pytest

from skylift.errors import DataError
from skylift.numerals import Numerals
from training.data.number_signs import Dots, Signs


def signs_of(*parts: list[str]) -> Signs:
    signs = Signs()
    for part in parts:
        signs.add(part)
    return signs


def test_a_text_in_a_later_part_makes_all_of_them_texts() -> None:
    assert signs_of(["1,234", "5,678"], ["red"]).numerals(delimiter=";", decimal=None) is None


def test_fractions_of_a_later_part_make_all_of_them_numbers_with_fractions() -> None:
    signs = signs_of(["1,234", "950"], ["12,345.5"])
    numerals = signs.numerals(delimiter=",", decimal=None)

    assert numerals is not None
    assert (numerals.plain("1,234"), signs.family(numerals)) == ("1234", "number")


@pytest.mark.parametrize("parts", [(["1,015", "7"], ["1,020"]), (["1,015"], ["1,020"], ["7"])])
def test_one_number_without_a_mark_and_a_last_zero_tell_thousands(parts: tuple[list[str], ...]) -> None:
    numerals = signs_of(*parts).numerals(delimiter=";", decimal=None)

    assert numerals is not None
    assert (numerals.decimal, numerals.thousands) == (".", ",")


def test_what_may_be_either_is_refused_with_the_key() -> None:
    with pytest.raises(DataError, match=r"'1,015' may have a fraction or be 1015.*data\.decimal: ','"):
        signs_of(["1,015", "2,115"]).numerals(delimiter=";", decimal=None)


def test_blanks_between_thousands_need_no_decimal_sign() -> None:
    numerals = signs_of(["1 234", "950"]).numerals(delimiter=";", decimal=None)

    assert numerals is not None
    assert numerals.plain("1 234") == "1234"


def test_two_blanks_or_two_units_are_texts() -> None:
    assert signs_of(["1 234", "1'234"]).numerals(delimiter=",", decimal=None) is None
    assert signs_of(["$5"], ["7%"]).numerals(delimiter=",", decimal=None) is None


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("cells", [["0.5", "12"], ["1.5", "-2.25"], ["7", "8"], ["0.5"]])
def test_numbers_that_are_written_plainly_need_no_signs(cells: list[str], delimiter: str) -> None:
    assert signs_of(cells).numerals(delimiter=delimiter, decimal=None) is None


def test_what_decides_is_kept_among_very_many_numbers() -> None:
    dots = Dots()
    dots.add([f"1.{number:03}" for number in range(101, 200) if number % 10])
    dots.add(["171"])
    dots.add(["1.020"])

    assert dots.verdict == "thousands"


@pytest.mark.parametrize(
    ("cells", "first", "plain"),
    [
        (["12 kg", "7.5 kg", "3 kg", "4 kg", "80 kg"], "12 kg", "12"),
        (["1,200CC", "998CC", "999CC", "1,000CC", "796CC"], "1,200CC", "1200"),
        (["1 year", "2 years", "3 years", "4 years", "10 years"], "1 year", "1"),
        (["12 m²", "13 m²", "15 m²", "90 m²", "70 m²"], "12 m²", "12"),
        (["12,34,567", "99,999", "1,00,000.50"], "12,34,567", "1234567"),
        (["EUR 1,200.50", "EUR 80.00"], "EUR 1,200.50", "1200.50"),
        (["\u20b91,200", "\u20b980"], "\u20b91,200", "1200"),
        (["14:30", "09:05"], "14:30", "14.5"),
        (["2:30 PM", "12:05 am"], "2:30 PM", "14.5"),
        (["0 days 02:30:00", "1 days 00:00:00"], "1 days 00:00:00", "24.0"),
        (["2h 30m", "45m", "19h"], "2h 30m", "2.5"),
        (["PT2H", "PT30M"], "PT30M", "0.5"),
        (["(4,168)", "3", "1,200"], "(4,168)", "-4168"),
        (["4.50-", "2.10"], "4.50-", "-4.50"),
        (["1,5-", "2,25"], "1,5-", "-1.5"),
        (["\u22125", "3"], "\u22125", "-5"),
        (["\u20133 %", "(2%)", "4%"], "\u20133 %", "-3"),
        (["-$5", "($3)", "$7"], "($3)", "-3"),
        (["19M", "201k", "8.7M", "3k", "12"], "8.7M", "8.7e6"),
        (["$1.2B", "$300M", "$45M", "$7K", "$9"], "$7K", "7e3"),
    ],
)
def test_units_and_clocks_make_numbers(cells: list[str], first: str, plain: str) -> None:
    numerals = signs_of(cells).numerals(delimiter=",", decimal=None)

    assert numerals is not None
    assert numerals.plain(first) == plain


@pytest.mark.parametrize(
    "cells",
    [
        ["2WD", "4WD"],
        ["12 kg", "300 g", "5 kg", "7 kg", "9 kg", "1 kg"],
        ["A12", "A13", "A14", "A15", "A16", "A17"],
        ["SKU 12", "SKU 13", "SKU 14", "SKU 15", "SKU 16", "SKU 17"],
        ["14:30", "noon"],
        ["1:2", "2:1"],
        ["14:70", "15:00"],
        ["13:30 PM", "1:30 PM"],
        ["2010-Q1", "2011-Q2"],
        ["12a", "13a", "14a", "15a", "16a", "17a"],
        ["5m", "10m", "20m", "25m", "90m", "7m"],
        ["$5 kg", "$7 kg", "$8 kg", "$9 kg", "$10 kg"],
        ["(1)", "(2)", "(3)"],
        ["3-", "2-", "1"],
        ["2010-", "2011"],
        ["12", "12B", "14K", "7", "8", "9"],
        ["12B", "13B", "14M", "15K", "16K", "17M"],
        ["1.5M", "2k"],
    ],
)
def test_names_with_digits_stay_texts(cells: list[str]) -> None:
    assert signs_of(cells).numerals(delimiter=",", decimal=None) is None


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["-$5", "($3)", "$7"], "numbers with '$' beside each and another minus than '-' in front: '($3)' is -3"),
        (["19M", "201k", "8.7M", "3k", "12"], "numbers with letters for thousands and millions: '19M' is 19000000"),
    ],
)
def test_the_note_shows_the_number_that_is_least_expected(cells: list[str], words: str) -> None:
    signs = signs_of(cells)
    numerals = signs.numerals(delimiter=",", decimal=None)

    assert numerals is not None
    assert signs.described(numerals) == words


def test_a_clock_in_a_later_part_is_one_with_those_before() -> None:
    assert signs_of(["14:30"], ["07:00:30"]).numerals(delimiter=",", decimal=None) == Numerals(clock=True)
    assert signs_of(["14:30"], ["late"]).numerals(delimiter=",", decimal=None) is None
