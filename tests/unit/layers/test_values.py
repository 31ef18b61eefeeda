"""A value is read as training reads a cell, and refused with what was expected."""

from typing import Any

import pytest

from skylift.feature import Feature
from skylift.numerals import Numerals
from skylift.values import Fault, clean, fault

PLAIN = Feature(name="x", kind="number")
SHARE = Feature(name="x", kind="number", numerals=Numerals(",", ".", "%"))
WORDY = Feature(name="x", kind="number", numerals=Numerals())
FLAG = Feature(name="x", kind="boolean", numerals=Numerals())
CITY = Feature(name="x", kind="category", categories=("Bonn", "NA"))


@pytest.mark.parametrize(
    ("feature", "value", "read"),
    [
        (SHARE, "1.234,5 %", 1234.5),
        (SHARE, "12.5", 12.5),
        (WORDY, " 127 ", 127.0),
        (WORDY, "1,5", "1,5"),
        (WORDY, "?", None),
        (PLAIN, "?", None),
        (PLAIN, "127", "127"),
        (PLAIN, " ", None),
        (PLAIN, 127, 127),
        (PLAIN, True, True),
        (FLAG, "TRUE", True),
        (FLAG, "0", False),
        (FLAG, "N/A", None),
        (FLAG, "maybe", "maybe"),
        (CITY, " Bonn", "Bonn"),
        (CITY, "NA", "NA"),
        (CITY, "n/a", "n/a"),
        (CITY, 3, 3),
    ],
)
def test_a_text_is_read_as_a_cell_of_its_column(feature: Feature, value: object, read: object) -> None:
    assert repr(clean(feature, value)) == repr(read)


@pytest.mark.parametrize("value", ["-9", -9, -9.0, "k.A.", " k.A.\t"])
@pytest.mark.parametrize("feature", [PLAIN, SHARE])
def test_what_stands_for_missing_in_the_table_is_missing(feature: Feature, value: object) -> None:
    assert clean(feature.model_copy(update={"missing": ("-9", "k.A.")}), value) is None


def test_a_boolean_is_not_the_number_that_stands_for_missing() -> None:
    assert clean(PLAIN.model_copy(update={"missing": ("1",)}), True) is True


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("number", "5.10", "expected a finite number: send 5.1"),
        ("number", "1e400", "expected a finite number"),
        ("integer", "5.0", "expected an integer: send 5"),
        ("integer", "5.5", "expected an integer"),
        ("boolean", "False", "expected true or false: send false"),
        ("boolean", 1.0, "expected true or false: send true"),
        ("boolean", [1], "expected true or false"),
        ("category", 2, 'expected a string: send "2"'),
        ("category", 2.0, 'expected a string: send "2"'),
        ("category", 3, "expected one of 'a', '2'"),
    ],
)
def test_a_value_of_another_type_is_answered_with_what_to_send(kind: Any, value: object, message: str) -> None:
    feature = Feature(name="x", kind=kind, categories=("a", "2") if kind == "category" else ())

    assert fault(feature, value) == Fault("wrong_type", message)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("\u2003" * 100_000 + "n/a", "'n/a' counts as missing, which is not allowed: expected a finite number"),
        ("-9" + " " * 100_000, "'-9' counts as missing, which is not allowed: expected a finite number"),
        (-9.0, "-9.0 counts as missing, which is not allowed: expected a finite number"),
        (" " * 100_000, "a blank is not allowed: expected a finite number"),
    ],
)
def test_what_counts_as_missing_is_told_without_the_blanks_around_it(value: object, message: str) -> None:
    assert fault(PLAIN.model_copy(update={"missing": ("-9",)}), value) == Fault("wrong_type", message)
