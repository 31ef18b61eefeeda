"""The rows of CSV files are read as people save them, each with its number in the file."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from skylift.bulk import batches, csv_rows, plan
from skylift.errors import DataError
from tests.support.batches import numbers, read, xs


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"x,y\n1,2\n\n3,4\n", {}),
        (b"\xef\xbb\xbfx,y\r\n1,2\r\n3,4\r\n", {"encoding": "utf-8-sig"}),
        ("x;y\n1;ä\n3;4\n".encode("cp1252"), {"encoding": "cp1252", "delimiter": ";"}),
        ("x,y\n1,2\n3,4\n".encode("utf-16"), {"encoding": "utf-16"}),
        (b"x y\n 1   2\n3\t4 \n", {"delimiter": "whitespace"}),
        (b'sep=,\nx,y\n1,5" pipe\n3,4\n', {"first": 2}),
        (b"1,2\n3,4\n", {"first": 0}),
        (b"x,y\r1,2\r3,4\r", {}),
        (b"x,y\n1,2,\n3,4, \n", {}),
    ],
)
def test_csv_files_as_people_save_them(content: bytes, form: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)

    found = read(tmp_path / "t.csv", form)

    assert (xs(found), numbers(found)) == (["1", "3"], [1, 2])


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv"])
def test_a_compressed_file_is_read(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"x,y\n1,2\n3\n4,5\n"))

    found = read(tmp_path / name)

    assert (xs(found), numbers(found)) == (["1", "4"], [1, 3])
    assert found[0].broken[0].row == 2


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_rows_keep_their_numbers_however_they_are_cut(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_ROWS", rows)
    monkeypatch.setattr(plan, "PART_BYTES", 9)
    (tmp_path / "t.csv").write_text("x,y\n1,1\n2\n3,3\n\n4,4\n5\n6\n7,7\n8\n")

    found = read(tmp_path / "t.csv")

    assert xs(found) == list(map(str, numbers(found))) == ["1", "3", "4", "7"]
    assert [row.row for each in found for row in each.broken] == [2, 5, 6, 8]


def test_many_records_of_another_width_are_told_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "_MOST_SKIPPED", 5)
    monkeypatch.setattr(batches, "MAX_ROWS", 4)
    (tmp_path / "t.csv").write_text("x,y\n1,1\n" + "2\n" * 20 + "22,22\n")

    found = read(tmp_path / "t.csv")

    assert (xs(found), numbers(found)) == (["1", "22"], [1, 22])
    assert [row.row for each in found for row in each.broken] == list(range(2, 22))
    assert max(len(each.broken) for each in found) <= 5


def test_a_record_that_is_longer_than_a_block_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "READ_BYTES", 50)
    (tmp_path / "t.csv").write_text("x,y\n" + "1,1\n" * 30 + f'2,"{"long" * 100}"\n' + "3,3\n" * 30)

    found = read(tmp_path / "t.csv")

    assert (xs(found), numbers(found)) == (["1"] * 30 + ["2"] + ["3"] * 30, list(range(1, 62)))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ('1,"a\n2,b\n', "row 2 opens a quote that nothing closes"),
        ('1,"a\n2,"b"\n', "row 2 has a quote within a cell, or one that swallows rows"),
        ('"a"b,1\n', "row 2 has a quote within a cell"),
        ("1," + "b" * 100, "row 2 has more than 8,388,608 letters, or opens a quote that nothing closes"),
    ],
)
def test_a_quote_that_swallows_rows_is_refused_by_its_row(
    content: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "more" in error:
        monkeypatch.setattr(csv_rows, "LARGEST_RECORD", 50)
    (tmp_path / "t.csv").write_text(f"x,y\n7,8\n{content}")

    with pytest.raises(DataError, match=f"{error}.*remove the quote"):
        read(tmp_path / "t.csv", {"encoding": "utf_8"} if "more" in error else None)  # which only a parser cuts


def test_a_file_that_is_not_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"x,y\n1,\xff\n")

    with pytest.raises(DataError, match=r"t.csv cannot be read"):
        read(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_bytes("x,y\n1,2\n".encode("utf-16")[:-1])
    with pytest.raises(DataError, match=r"t.csv cannot be read"):
        read(tmp_path / "t.csv", {"encoding": "utf-16"})
