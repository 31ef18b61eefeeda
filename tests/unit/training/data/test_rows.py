"""Rows are left out by value, and with them what only they held."""

from pathlib import Path

import pytest

from tests.support.tables import feature_of, lines, noted, one_feature, refusal, table_of


@pytest.mark.parametrize(
    ("cells", "value", "kept"),
    [
        (("red", "blue", "green"), "green", 27),
        (("1", "2", "3.5"), 3.5, 27),
        (("true", "false", ""), True, 26),
        (("01", "02", "1"), "1", 27),
    ],
)
def test_rows_are_left_out_by_their_value(tmp_path: Path, cells: tuple[str, ...], value: object, kept: int) -> None:
    text = one_feature(lambda number: cells[number % 3])

    table = table_of(tmp_path, text, data_keys={"exclude": {"x": [value]}})

    assert len(table.rows) == kept
    assert noted(table.notes, f"{40 - kept} rows with x", "were left out by data.exclude")


def test_a_dropped_or_renamed_column_can_name_the_rows(tmp_path: Path) -> None:
    keys = {"rename": {"x": "length"}, "drop": ["x"], "exclude": {"length": [3]}}

    assert len(table_of(tmp_path, one_feature(str), data_keys=keys).rows) == 39


def test_an_unknown_column_is_refused(tmp_path: Path) -> None:
    assert "data.exclude names 'z'" in refusal(tmp_path, one_feature(str), data_keys={"exclude": {"z": [1]}})


def test_a_value_that_no_row_has_is_noted(tmp_path: Path) -> None:
    table = table_of(tmp_path, one_feature(str), data_keys={"exclude": {"x": [99]}})

    assert "0 rows with x 99 were left out by data.exclude" in table.notes


def test_a_class_with_one_row_is_left_out_with_a_note(tmp_path: Path) -> None:
    text = lines("x,y", lambda number: f"{number},{2 if number == 7 else number % 2}")

    table = table_of(tmp_path, text)

    assert table.contract.target.classes == (0, 1)
    assert noted(table.notes, "the only row with y 2 was left out")


def test_a_row_of_units_below_the_header_is_not_a_row(tmp_path: Path) -> None:
    text = lines("speed,weight,ok\nkm/h,kg,-", lambda number: f"{number % 9},{number % 7},{'yn'[number % 2]}")

    table = table_of(tmp_path, text, target="ok")

    assert [feature_of(table, name).kind for name in ("speed", "weight")] == ["integer", "integer"]
    assert table.contract.target.classes == ("n", "y")


def test_where_most_classes_have_one_row_none_is_left_out(tmp_path: Path) -> None:
    text = lines("x,y", lambda number: f"{number},{number if number > 30 else number % 2}t")

    assert "target.rare: {below: 2}" in refusal(tmp_path, text)
