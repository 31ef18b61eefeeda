"""One sign of numbers leaves the other in its usual place, and some keys are of CSV files alone."""

import pytest

from skylift.numerals import Numerals
from training.data.options import ReadOptions


@pytest.mark.parametrize(
    ("given", "numerals"),
    [
        ({}, None),
        ({"decimal": ","}, Numerals(",")),
        ({"thousands": "."}, Numerals(",", ".")),
        ({"thousands": ","}, Numerals(".", ",")),
        ({"decimal": ",", "thousands": " "}, Numerals(",", " ")),
    ],
)
def test_one_sign_tells_the_other(given: dict[str, str], numerals: Numerals | None) -> None:
    assert ReadOptions(**given).numerals == numerals  # type: ignore[arg-type]


def test_a_key_of_csv_files_is_named() -> None:
    assert ReadOptions(missing=("-",)).csv_key is None
    assert ReadOptions(delimiter=";").csv_key == "delimiter"
