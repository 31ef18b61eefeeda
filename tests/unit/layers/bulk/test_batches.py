"""The rows of a part are read as columns, each with its number in the file."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skylift.bulk import batches, plan
from skylift.bulk.batches import Batch, Names
from skylift.bulk.plan import Plan
from skylift.bulk.sources import CsvForm
from skylift.contract import Contract, Target
from skylift.errors import DataError
from skylift.feature import Feature

XY = Contract(
    task="regression",
    features=(Feature(name="x", column="X in m", kind="number"), Feature(name="y", kind="number", required=False)),
    target=Target(name="z"),
    ignored=("z",),
)


def read(path: Path, form: dict[str, Any] | None = None) -> list[Batch]:
    described = CsvForm(**{"encoding": "utf-8", "delimiter": ",", "names": ("x", "y"), "first": 1} | (form or {}))
    parts = Plan.of(str(path), lambda _: described).parts
    return [batch for part in parts for batch in batches.batches(part, XY)]


def xs(found: list[Batch]) -> list[str]:
    return [value for batch in found for value in batch.columns["x"].to_pylist()]


def numbers(found: list[Batch]) -> list[int]:
    return [number for batch in found for number in batch.numbers.tolist()]


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
    ],
)
def test_csv_files_as_people_save_them(content: bytes, form: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)

    found = read(tmp_path / "t.csv", form)

    assert (xs(found), numbers(found)) == (["1", "3"], [1, 2])


def test_a_compressed_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"x,y\n1,2\n3\n4,5\n"))

    found = read(tmp_path / "t.csv.gz")

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
    assert [row.row for batch in found for row in batch.broken] == [2, 5, 6, 8]


def test_columns_are_found_by_any_of_their_names(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["a"], " X in m ": [1.0], "z": [2.0]}), tmp_path / "t.parquet")

    (batch,) = read(tmp_path / "t.parquet")

    assert batch.columns["x"].to_pylist() == [1.0]
    assert "y" not in batch.columns
    assert batch.kept.schema.names == ["id", " X in m ", "z"]


def test_a_column_that_is_missing_or_there_twice_is_named() -> None:
    with pytest.raises(DataError, match="there is no column 'X in m': is it 'xx'"):
        Names(XY, ["xx", "id"])
    with pytest.raises(DataError, match="there is no column 'X in m': the columns are 'y'"):
        Names(XY, ["y"])
    with pytest.raises(DataError, match="'x' and 'X in m' are both 'x': leave one of them out"):
        Names(XY, ["x", "X in m"])


def test_a_file_that_is_not_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"x,y\n1,\xff\n")

    with pytest.raises(DataError, match=r"t.csv cannot be read"):
        read(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_bytes("x,y\n1,2\n".encode("utf-16")[:-1])
    with pytest.raises(DataError, match=r"t.csv cannot be read"):
        read(tmp_path / "t.csv", {"encoding": "utf-16"})


def test_parts_of_parquet_read_their_rows_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "PART_ROWS", 4)
    monkeypatch.setattr(batches, "MAX_ROWS", 3)
    pq.write_table(pa.table({"x": range(1, 24)}), tmp_path / "t.parquet", row_group_size=9)

    found = read(tmp_path / "t.parquet")

    assert numbers(found) == list(range(1, 24))
    assert [str(value) for value in xs(found)] == list(map(str, range(1, 24)))
