"""What a run came to is the sum of its parts, each of them once."""

from pathlib import Path
from typing import Any

import pytest

from skylift.bulk.manifest import add_up, read_manifest, write_manifest
from skylift.bulk.part import PartResult
from skylift.bulk.places import Folder
from skylift.errors import DataError
from tests.support.bulk import bulk_model, planned, rows_of, write_lines


def result(name: str, run: str, **counts: Any) -> PartResult:
    return PartResult(name=name, run=run, files=(f"{name}.jsonl",), seconds=0, **counts)


def test_rows_in_are_rows_out_and_rejected(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_lines(tmp_path / f"in/{name}.jsonl", rows_of(2))
    made = planned(tmp_path / "in")
    results = [
        result("b-00000", made.run, rows=2, answered=1, rejected=1, unknown={"city": 1}),
        result("a-00000", made.run, rows=2, answered=2, rejected=0, unknown={"city": 2, "shop": 1}),
    ]

    manifest = add_up(made, bulk_model(), results)
    write_manifest(Folder(tmp_path / "out"), manifest)

    assert (manifest.rows, manifest.answered, manifest.rejected) == (4, 3, 1)
    assert manifest.unknown == {"city": 3, "shop": 1}
    assert [part.name for part in manifest.parts] == ["a-00000", "b-00000"]
    assert (manifest.model, manifest.version, manifest.sha256) == ("iris", "v1", "0" * 64)
    assert read_manifest(Folder(tmp_path / "out")) == manifest
    assert read_manifest(Folder(tmp_path / "in")) is None


def test_a_part_that_is_missing_doubled_or_foreign_is_told(tmp_path: Path) -> None:
    made = planned(write_lines(tmp_path / "t.jsonl", rows_of(1)))
    one = result("t-00000", made.run, rows=1, answered=1, rejected=0)

    with pytest.raises(DataError, match="1 parts are not done, t-00000 among them: run it again"):
        add_up(made, bulk_model(), [])
    with pytest.raises(DataError, match="part t-00000 is there twice"):
        add_up(made, bulk_model(), [one, one])
    with pytest.raises(DataError, match="of another run"):
        add_up(made, bulk_model(), [one.model_copy(update={"run": "other"})])
