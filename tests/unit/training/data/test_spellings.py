"""The contract knows how the table spells the names and values of its features."""

from pathlib import Path
from typing import Any

import pytest

from skylift.numerals import Numerals
from tests.support.tables import feature_of, lines, one_feature, table_of


@pytest.mark.parametrize(
    ("cells", "sections", "numerals"),
    [
        (("1.5", "2"), {}, None),
        (("1.5", ""), {}, None),
        (("1.5", "?"), {}, Numerals()),
        (("True", "none"), {}, Numerals()),
        (("1.5", "k.A."), {"data_keys": {"missing": ["k.A."]}}, Numerals()),
        (("61%", "7%"), {}, Numerals(unit="%")),
        (('"1.234,5"', '"0,5"'), {}, Numerals(",", ".")),
        (('"1,5"', "2"), {"data_keys": {"decimal": ","}}, Numerals(",")),
        (("a", "?"), {}, None),
    ],
)
def test_a_column_with_texts_among_its_numbers_is_known_with_their_form(
    tmp_path: Path, cells: tuple[str, str], sections: dict[str, Any], numerals: Numerals | None
) -> None:
    table = table_of(tmp_path, one_feature(lambda number: cells[number % 2]), **sections)

    assert feature_of(table, "x").numerals == numerals


def test_a_column_that_is_numbers_without_a_row_of_units_is_one(tmp_path: Path) -> None:
    text = lines("x,n,y", lambda number: "kg,7,-" if number == 0 else f"{number % 9},{number},{'ab'[number % 2]}")

    table = table_of(tmp_path, text)

    assert (feature_of(table, "x").kind, feature_of(table, "x").numerals) == ("integer", Numerals())
    assert feature_of(table, "n").numerals is None


def test_a_renamed_feature_keeps_the_name_of_its_column(tmp_path: Path) -> None:
    table = table_of(tmp_path, one_feature(lambda number: str(number % 9)), data_keys={"rename": {"x": "size"}})

    assert (feature_of(table, "size").column, feature_of(table, "n").column) == ("x", None)


def test_a_name_that_another_column_has_now_is_not_kept(tmp_path: Path) -> None:
    swapped = {"x": "n", "n": "x"}

    table = table_of(tmp_path, one_feature(lambda number: str(number % 9)), data_keys={"rename": swapped})

    assert (feature_of(table, "x").column, feature_of(table, "n").column) == (None, None)


def test_what_model_yaml_calls_missing_is_so_in_every_feature(tmp_path: Path) -> None:
    text = lines("x,c,y", lambda number: f"{number % 9},{'FM'[number // 2 % 2]},{'ab'[number % 2]}")

    table = table_of(tmp_path, text, data_keys={"missing": ["-999"]})

    assert [feature.missing for feature in table.contract.features] == [("-999",), ("-999",)]
