"""A column is what all of its cells say: words for missing, and texts that look like numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.tables import config_of, feature_of, lines, noted, one_feature, table_of
from training.data.encoded import read_table


def feature_x(folder: Path, value: Callable[[int], str], **sections: Any) -> tuple[str, list[str]]:
    """The kind of a column, and the notes of its table."""
    table = table_of(folder, one_feature(value), **sections)
    return feature_of(table, "x").kind, list(table.notes)


class TestWordsForMissing:
    def test_a_class_none_is_a_class(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{('None', 'Mild', 'Severe')[number % 3]}")

        table = table_of(tmp_path, text)

        assert table.contract.target.classes == ("Mild", "None", "Severe")
        assert len(table.rows) == 40
        assert noted(table.notes, "column y holds 'None' in 14 rows", "data.missing: ['None']")

    @pytest.mark.parametrize("form", ["csv", "parquet"])
    def test_a_country_na_is_a_text_in_every_form(self, tmp_path: Path, form: str) -> None:
        raw = pd.DataFrame({"country": ["NA", "ZA"] * 20, "y": range(40)})
        path = tmp_path / f"table.{form}"
        raw.to_csv(path, index=False) if form == "csv" else raw.to_parquet(path)

        table = read_table(config_of(path).table)

        assert feature_of(table, "country").categories == ("NA", "ZA")
        assert noted(table.notes, "column country holds 'NA' in 20 rows")

    @pytest.mark.parametrize("form", ["csv", "parquet"])
    def test_words_that_are_listed_are_missing_everywhere(self, tmp_path: Path, form: str) -> None:
        raw = pd.DataFrame({"country": ["NA", "ZA"] * 20, "age": [-9, 7, 8, 9] * 10, "y": range(40)})
        path = tmp_path / f"table.{form}"
        raw.to_csv(path, index=False) if form == "csv" else raw.to_parquet(path)

        table = read_table(config_of(path, data_keys={"missing": ["NA", -9, "n.d."]}).table)

        assert (feature_of(table, "country").categories, feature_of(table, "country").required) == (("ZA",), False)
        assert feature_of(table, "age").min == 7
        assert noted(table.notes, "'NA' of data.missing was found in 20 cells")
        assert noted(table.notes, "data.missing names 'n.d.', which no cell holds")

    @pytest.mark.parametrize("word", ["NA", "None", "null", "nan", "n/a", "N/A", "NaN", "?", "-", "unknown"])
    def test_among_numbers_a_word_is_missing(self, tmp_path: Path, word: str) -> None:
        kind, notes = feature_x(tmp_path, lambda number: word if number in {3, 5} else str(number))

        assert kind == "integer"
        assert f"{word!r} counts as missing in x (2)" in notes

    def test_among_true_and_false_too(self, tmp_path: Path) -> None:
        assert feature_x(tmp_path, lambda number: ("TRUE", "FALSE", "NA")[number % 3])[0] == "boolean"

    def test_a_word_among_few_numbers_of_the_target_is_a_class(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, lines("x,y", lambda number: f"{number},{('1', '2', 'unknown')[number % 3]}"))

        assert table.contract.target.classes == ("1", "2", "unknown")

    def test_a_word_among_many_numbers_of_the_target_is_missing(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, lines("x,y", lambda number: f"{number},{'NA' if number == 7 else number / 4}"))

        assert (table.contract.task, len(table.rows)) == ("regression", 39)
        assert "1 rows without y were left out" in table.notes

    def test_a_column_of_nothing_but_a_word_holds_texts(self, tmp_path: Path) -> None:
        _, notes = feature_x(tmp_path, lambda number: "a" if number % 2 else "NA")

        assert noted(notes, "column x holds 'NA' in 20 rows")

    def test_the_parts_make_no_difference(self, tmp_path: Path) -> None:
        kind, notes = feature_x(tmp_path, lambda number: "NA" if number < 20 else "red" if number == 39 else "7")

        assert (kind, noted(notes, "'NA' in 20 rows")) == ("category", True)


class TestTextsThatLookLikeNumbers:
    def test_classes_keep_their_leading_zeros(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, lines("x,y", lambda number: f"{number},{('01', '1', '02')[number % 3]}"))

        assert table.contract.target.classes == ("01", "02", "1")
        assert noted(table.notes, "column y is read as texts: '01' has leading zeros")

    def test_identifiers_that_a_double_cannot_hold_stay_apart(self, tmp_path: Path) -> None:
        ids = ("12000000000000000000", "18446744073709551001", "18446744073709551003")

        table = table_of(tmp_path, lines("x,y", lambda number: f"{number},{ids[number % 3]}"))

        assert table.contract.target.classes == ids
        assert noted(table.notes, "column y is read as texts", "more digits than a number holds exactly")

    @pytest.mark.parametrize("number", [9007199254740993, 2**64 - 1])
    def test_so_do_those_of_parquet(self, tmp_path: Path, number: int) -> None:
        raw = pd.DataFrame({"x": pd.array([number, 7] * 20, dtype="UInt64"), "y": range(40)})
        raw.to_parquet(tmp_path / "table.parquet")

        assert feature_of(read_table(config_of(tmp_path / "table.parquet").table), "x").categories == tuple(
            sorted((str(number), "7"))
        )

    def test_a_postcode_is_a_text(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, one_feature(lambda number: ("01067", "10115")[number % 2]))

        assert feature_of(table, "x").categories == ("01067", "10115")

    @pytest.mark.parametrize("cell", ["0", "0.5", "-0.25", "1e-05", "9007199254740992", "1e30", ".5"])
    def test_plain_numbers_are_numbers(self, tmp_path: Path, cell: str) -> None:
        assert feature_x(tmp_path, lambda number: cell if number else "3")[0] in {"integer", "number"}
