"""The rows of Parquet are read some at a time, however they are stored."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skylift.bulk import batches, parquet_rows, plan
from tests.support.batches import numbers, read, xs


def test_a_batch_of_parquet_has_few_rows_where_they_are_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "BATCH_BYTES", 10_000)
    monkeypatch.setattr(parquet_rows, "_STEP_ROWS", 16)
    notes = ["", *["a"] * 999, *["long" * 250] * 100, *["a"] * 999]
    pq.write_table(pa.table({"x": range(len(notes)), "note": notes}), tmp_path / "t.parquet")

    found = read(tmp_path / "t.parquet")

    assert numbers(found) == list(range(1, len(notes) + 1))
    assert max(each.kept.nbytes for each in found) < 10_000 + 2 * 16 * 1000
    assert max(each.kept.num_rows for each in found) > 50


def test_parts_of_parquet_read_their_rows_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "PART_ROWS", 4)
    monkeypatch.setattr(batches, "MAX_ROWS", 3)
    pq.write_table(pa.table({"x": range(1, 24)}), tmp_path / "t.parquet", row_group_size=9)

    found = read(tmp_path / "t.parquet")

    assert numbers(found) == list(range(1, 24))
    assert [str(value) for value in xs(found)] == list(map(str, range(1, 24)))
