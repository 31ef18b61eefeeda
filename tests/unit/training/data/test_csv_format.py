"""How a file is written is found out, noted, or refused with the key."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.tables import config_of, feature_names, feature_of, lines, noted, one_feature, refusal, table_of
from training.data.encoded import read_table


class TestFiles:
    def test_delimiters_in_quoted_names_do_not_count(self, tmp_path: Path) -> None:
        text = lines('"Rent, cold, in EUR";"Area, m2";y', lambda number: f"0.{number};{number % 7};{number % 2}")

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
        table = table_of(tmp_path, gzip.compress(one_feature(str).encode()), validate={"trusted": ["x", "n"]})

        assert feature_names(table) == ["x", "n"]

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
            read_table(config_of(tmp_path / name).table)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b'{"x": 1, "y": "a"}\n{"x": 2, "y": "b"}\n', "is JSON, not CSV"),
            (b'[{"x": 1, "y": "a"}]', "is JSON, not CSV"),
            (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "is HTML or XML, not CSV"),
            (b"BZh91AY&SY", "is packed by bzip2, and only gzip is read: unpack it"),
            (b"ARROW1\0\0\0\0", "is not text: it has zero bytes"),
            ("x,y\n1,a\n".encode("utf-16-le"), "without its mark: set data.encoding: utf-16-le"),
            (
                b"Sales of 2024\n\nx,n,y\n1,2,a\n2,3,b\n",
                "is not a header: it names 1 of 3 columns: remove the lines above",
            ),
            (b"Sales;;\nx;n;y\n1;2;a\n2;3;b\n", "is not a header: it names 1 of 3 columns: remove the lines above"),
        ],
    )
    def test_what_is_not_csv_says_what_it_is(self, tmp_path: Path, content: bytes, said: str) -> None:
        assert said in refusal(tmp_path, content)


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
