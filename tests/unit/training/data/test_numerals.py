"""Decimal signs, thousands and units are told by the whole column, or refused with the key."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.tables import feature_of, lines, noted, one_feature, refusal, table_of


def feature_x(folder: Path, value: Callable[[int], str], **sections: Any) -> tuple[str, list[str]]:
    """The kind of a column, and the notes of its table."""
    table = table_of(folder, one_feature(value), **sections)
    return feature_of(table, "x").kind, list(table.notes)


class TestNumberFormats:
    def test_dots_between_thousands_are_told_by_the_whole_column(self, tmp_path: Path) -> None:
        text = lines("Einwohner;y", lambda number: f"{1 + number}.{15 + number:03d};{number % 2}")

        table = table_of(tmp_path, text.replace("7.021;", "171;").replace("6.020;", "1.020;"))

        assert (feature_of(table, "Einwohner").kind, feature_of(table, "Einwohner").min) == ("integer", 171)
        assert noted(table.notes, "column Einwohner holds numbers with '.' between thousands", "is 1015")

    def test_three_digits_behind_each_dot_may_be_either(self, tmp_path: Path) -> None:
        text = lines("x;y", lambda number: f"{1 + number}.{115 + number:03d};{number % 2}")

        found = refusal(tmp_path, text)

        assert "column x holds '1.115'" in found
        assert "data.decimal: '.' or data.thousands: '.'" in found
        decimal = table_of(tmp_path, text, data_keys={"decimal": "."})
        thousands = table_of(tmp_path, text, data_keys={"thousands": "."})
        assert [decimal.rows[0, 0], thousands.rows[0, 0]] == [1.115, 1115]

    def test_another_column_with_fractions_decides_it(self, tmp_path: Path) -> None:
        points = lines("x;z;y", lambda number: f"{1 + number}.{115 + number:03d};0.{number + 1};{number % 2}")
        commas = lines("x;z;y", lambda number: f"{1 + number}.{115 + number:03d};0,{number + 1};{number % 2}")

        assert table_of(tmp_path, points).rows[0].tolist() == [1.115, 0.1]
        assert table_of(tmp_path, commas).rows[0].tolist() == [1115, 0.1]

    @pytest.mark.parametrize(
        ("cells", "kind", "first"),
        [
            (('"$1,119"', "$80"), "integer", 1119),
            (("61%", "7%"), "integer", 61),
            (("1.5 %", "?"), "number", 1.5),
            (('"1,234.50"', '"12.25"'), "number", 1234.5),
            (('"1.234,50"', '"12,25"'), "number", 1234.5),
            (('"0,5"', '"1,234"'), "number", 0.5),
            (("1 234", "950"), "integer", 1234),
            (("€ 5", "€ 7"), "integer", 5),
        ],
    )
    def test_amounts_and_shares_are_numbers(
        self, tmp_path: Path, cells: tuple[str, str], kind: str, first: float
    ) -> None:
        table = table_of(tmp_path, one_feature(lambda number: cells[number % 2]))

        assert (feature_of(table, "x").kind, table.rows[0, 0]) == (kind, first)
        assert noted(table.notes, "column x holds numbers with", "features.x.kind: category keeps the texts")

    def test_of_the_target_no_key_is_named_that_it_cannot_have(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, lines("x,y", lambda number: f"{number % 7},{number * 37 % 100}%"))

        assert noted(table.notes, "column y holds numbers with")
        assert "features.y" not in " ".join(table.notes)

    def test_an_empty_cell_among_them_is_missing(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, one_feature(lambda number: "" if number == 3 else f"{number}%"))

        assert (feature_of(table, "x").kind, feature_of(table, "x").required) == ("integer", False)

    @pytest.mark.parametrize("cells", [("5 kg", "7 kg"), ("$5", "€7"), ("1-2", "3-4"), ("10.1.2", "10.1.3")])
    def test_other_signs_are_texts(self, tmp_path: Path, cells: tuple[str, str]) -> None:
        assert feature_x(tmp_path, lambda number: cells[number % 2])[0] == "category"
