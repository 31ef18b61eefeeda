"""A part is read by the form of its file, and what is too long for a row is put aside in each."""

import gzip
import json
from pathlib import Path

import pytest

from skylift.bulk import batch, json_rows, records
from tests.support.batches import numbers, read


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.jsonl.gz"])
def test_a_record_that_is_too_long_is_put_aside_by_its_number(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (records, batch, json_rows):
        monkeypatch.setattr(module, "LARGEST_RECORD", 40)
    rows = [(1, "a"), (2, "long" * 30), (3, "c")]
    if name == "t.csv":
        content = "x,y\n" + "".join(f"{x},{y}\n" for x, y in rows)
    else:
        content = "".join(json.dumps({"x": x, "y": y}) + "\n" for x, y in rows)
    data = content.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)

    found = read(tmp_path / name)

    assert numbers(found) == [1, 3]
    (broken,) = [row for each in found for row in each.broken]
    assert (broken.row, broken.reason) == (2, "too_long")
    assert broken.message.endswith("bytes, more than 40")
    assert "long" in broken.text
