"""Tables are read as they were written: what was guessed is noted, and what is ambiguous is refused with its key."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.tables import config_of, feature_names, feature_of, lines, one_feature, refusal, table_of
from training.data.table import read_table


def feature_x(folder: Path, value: Callable[[int], str], **sections: Any) -> tuple[str, list[str]]:
    """The kind of a column, and the notes of its table."""
    table = table_of(folder, one_feature(value), **sections)
    return feature_of(table, "x").kind, list(table.notes)


def noted(notes: tuple[str, ...] | list[str], *parts: str) -> bool:
    return any(all(part in note for part in parts) for note in notes)


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

        table = read_table(config_of(path))

        assert feature_of(table, "country").categories == ("NA", "ZA")
        assert noted(table.notes, "column country holds 'NA' in 20 rows")

    @pytest.mark.parametrize("form", ["csv", "parquet"])
    def test_words_that_are_listed_are_missing_everywhere(self, tmp_path: Path, form: str) -> None:
        raw = pd.DataFrame({"country": ["NA", "ZA"] * 20, "age": [-9, 7, 8, 9] * 10, "y": range(40)})
        path = tmp_path / f"table.{form}"
        raw.to_csv(path, index=False) if form == "csv" else raw.to_parquet(path)

        table = read_table(config_of(path, data_keys={"missing": ["NA", -9, "n.d."]}))

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

        assert feature_of(read_table(config_of(tmp_path / "table.parquet")), "x").categories == tuple(
            sorted((str(number), "7"))
        )

    def test_a_postcode_is_a_text(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, one_feature(lambda number: ("01067", "10115")[number % 2]))

        assert feature_of(table, "x").categories == ("01067", "10115")

    @pytest.mark.parametrize("cell", ["0", "0.5", "-0.25", "1e-05", "9007199254740992", "1e30", ".5"])
    def test_plain_numbers_are_numbers(self, tmp_path: Path, cell: str) -> None:
        assert feature_x(tmp_path, lambda number: cell if number else "3")[0] in {"integer", "number"}


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

    @pytest.mark.parametrize("cells", [("5 kg", "7 kg"), ("$5", "€7"), ("1-2", "3-4"), ("10.1.2", "10.1.3")])
    def test_other_signs_are_texts(self, tmp_path: Path, cells: tuple[str, str]) -> None:
        assert feature_x(tmp_path, lambda number: cells[number % 2])[0] == "category"


class TestFiles:
    def test_delimiters_in_quoted_names_do_not_count(self, tmp_path: Path) -> None:
        text = lines('"Rent, cold, in EUR";"Area, m2";y', lambda number: f"0.{number};{number};{number % 2}")

        assert feature_names(table_of(tmp_path, text)) == ["Rent, cold, in EUR", "Area, m2"]

    def test_a_line_that_names_the_delimiter_is_skipped(self, tmp_path: Path) -> None:
        text = lines("sep=;\nx;y", lambda number: f"{number},5;{number % 2}")

        assert table_of(tmp_path, text).rows[1, 0] == 1.5

    @pytest.mark.parametrize("ends", ["\n", "\r\n"])
    def test_blanks_delimit_where_nothing_else_does(self, tmp_path: Path, ends: str) -> None:
        text = lines(" x   n  y", lambda number: f"  0.{number}  {number}\t {number % 2} ").replace("\n", ends)

        table = table_of(tmp_path, text)

        assert feature_names(table) == ["x", "n"]
        assert noted(table.notes, "blanks separate the cells")

    def test_a_delimiter_that_is_given_is_used(self, tmp_path: Path) -> None:
        text = lines("x~y", lambda number: f"{number}~{number % 2}")

        assert feature_names(table_of(tmp_path, text, data_keys={"delimiter": "~"})) == ["x"]

    def test_gzip_is_read(self, tmp_path: Path) -> None:
        assert feature_names(table_of(tmp_path, gzip.compress(one_feature(str).encode()))) == ["x", "n"]

    def test_a_broken_gzip_is_refused(self, tmp_path: Path) -> None:
        assert "table.csv cannot be read" in refusal(tmp_path, gzip.compress(one_feature(str).encode())[:40])

    @pytest.mark.parametrize(
        ("encoding", "keys", "note"),
        [
            ("cp1252", {}, True),
            ("utf-16", {}, False),
            ("cp1250", {"encoding": "cp1250"}, False),
            ("utf-8-sig", {"encoding": "utf-8"}, False),
        ],
    )
    def test_encodings_are_found_or_given(
        self, tmp_path: Path, encoding: str, keys: dict[str, str], note: bool
    ) -> None:
        text = lines("größe,y", lambda number: f"{('Köln', 'Zürich')[number % 2]},{number}")

        table = table_of(tmp_path, text.encode(encoding), data_keys=keys)

        assert feature_of(table, "größe").categories == ("Köln", "Zürich")
        assert noted(table.notes, "Windows-1252") == note

    @pytest.mark.parametrize("name", ["table.xlsx", "table.csv"])
    def test_a_workbook_is_refused_with_how_to_save_it(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(b"PK\x03\x04\x14\x00")

        with pytest.raises(Exception, match="save the table as CSV: in Excel: File, Save As, CSV UTF-8"):
            read_table(config_of(tmp_path / name))


class TestBrokenLines:
    def test_stray_quotes_are_named_by_their_lines(self, tmp_path: Path) -> None:
        text = lines("a,note,b,y", lambda number: f"{number},{chr(34) if number in {10, 30} else ''}late,{number},p")

        assert "line 12 of table.csv opens a quote that line 32 closes" in refusal(tmp_path, text)

    def test_a_quote_that_is_never_closed_is_named_by_its_line(self, tmp_path: Path) -> None:
        text = one_feature(lambda number: '"7' if number == 20 else "7")

        assert "line 22 opens a quote that is never closed" in refusal(tmp_path, text)

    def test_texts_of_several_lines_are_texts(self, tmp_path: Path) -> None:
        text = one_feature(lambda number: '"one,\ntwo,\nthree"' if number % 2 else "four")

        assert feature_of(table_of(tmp_path, text), "x").categories == ("four", "one,\ntwo,\nthree")

    def test_a_delimiter_at_the_end_of_lines_is_none_more(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{number % 2},")

        assert len(table_of(tmp_path, text).rows) == 40


HEADERLESS = {
    "numbers": lambda number: f"{number / 8},{-number},{number % 2}",
    "numbers and classes": lambda number: f"{number / 8},{-number},{('yes', 'no')[number % 2]}",
    "letters": lambda number: f"{'abc'[number % 3]},{'xy'[number % 2]},{'pq'[number % 2]}",
    "dates": lambda number: f"2026-01-{1 + number % 28:02d},{number % 7},{'pq'[number % 2]}",
    "unknown values": lambda number: f"{number % 7},?,{'pq'[number % 2]}",
}


class TestHeaders:
    @pytest.mark.parametrize("row", HEADERLESS.values(), ids=HEADERLESS.keys())
    def test_a_file_without_one_is_refused_with_the_key(self, tmp_path: Path, row: Callable[[int], str]) -> None:
        text = "\n".join(map(row, range(40)))

        found = refusal(tmp_path, text)

        assert "table.csv has no header: its first line holds values" in found
        assert "data.columns: [name, name, ...]" in found
        table = table_of(tmp_path, text, data_keys={"columns": ["x", "n", "y"]})
        assert len(table.rows) == 40

    @pytest.mark.parametrize("header", ["region,2020,y", "0,1,2", ",0,y", "2019,2020,y"])
    def test_numbers_may_be_names(self, tmp_path: Path, header: str) -> None:
        text = lines(header, lambda number: f"{number},{number % 5},{number % 2}")

        assert len(table_of(tmp_path, text, target=header.rpartition(",")[2]).rows) == 40

    def test_a_header_that_looks_like_values_can_be_named(self, tmp_path: Path) -> None:
        text = lines("0.05,0.95,y", lambda number: f"{number},{number % 5},{number % 2}")

        assert "has no header" in refusal(tmp_path, text)
        assert len(table_of(tmp_path, text, data_keys={"columns": ["0.05", "0.95", "y"]}).rows) == 40

    def test_as_many_names_as_cells_are_needed(self, tmp_path: Path) -> None:
        found = refusal(tmp_path, one_feature(str), data_keys={"columns": ["x", "y"]})

        assert "data.columns names 2 columns, but table.csv has 3" in found
