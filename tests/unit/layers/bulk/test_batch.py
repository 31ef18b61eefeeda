"""Columns of a table are found by the names of their features."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skylift.bulk.batch import Names
from skylift.errors import DataError
from tests.support.batches import XY, read


def test_columns_are_found_by_any_of_their_names(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["a"], " X in m ": [1.0], "z": [2.0]}), tmp_path / "t.parquet")

    (only,) = read(tmp_path / "t.parquet")

    assert only.columns["x"].to_pylist() == [1.0]
    assert "y" not in only.columns
    assert only.kept.schema.names == ["id", " X in m ", "z"]


def test_a_column_that_is_missing_or_there_twice_is_named() -> None:
    with pytest.raises(DataError, match="there is no column 'X in m': is it 'xx'"):
        Names(XY, ["xx", "id"])
    with pytest.raises(DataError, match="there is no column 'X in m': the columns are 'y'"):
        Names(XY, ["y"])
    with pytest.raises(DataError, match="'x' and 'X in m' are both 'x': leave one of them out"):
        Names(XY, ["x", "X in m"])
