"""A table is planned in parts, the same ones whenever it is planned."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skylift.bulk import plan
from skylift.bulk.plan import Part
from skylift.bulk.sources import CsvForm
from skylift.errors import DataError
from tests.support.bulk import comma_separated, planned, rows_of, write_lines


def ranges(parts: tuple[Part, ...]) -> list[tuple[str, int, int, int]]:
    return [(part.name, part.first, part.last, part.before) for part in parts]


def parquet(path: Path, rows: int, group: int) -> Path:
    pq.write_table(pa.table({"x": np.arange(rows)}), path, row_group_size=group)
    return path


def test_a_text_is_cut_by_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "PART_BYTES", 5)
    (tmp_path / "t.csv").write_text("x,y\n1,2\n3,4\n5,6\n")

    assert ranges(planned(tmp_path / "t.csv").parts) == [("t-00000", 4, 12, 0), ("t-00001", 12, 16, 2)]


def test_parquet_is_cut_by_groups_and_large_groups_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "PART_ROWS", 10)

    small = ranges(planned(parquet(tmp_path / "small.parquet", 23, 4)).parts)
    large = ranges(planned(parquet(tmp_path / "large.parquet", 50, 25)).parts)
    huge = ranges(planned(parquet(tmp_path / "huge.parquet", 1000, 1000)).parts)

    assert small == [("small-00000", 0, 8, 0), ("small-00001", 8, 16, 8), ("small-00002", 16, 23, 16)]
    assert [each[1:3] for each in large] == [(0, 8), (8, 16), (16, 25), (25, 33), (33, 41), (41, 50)]
    assert len(huge) == 8, "each piece reads its group from the beginning"


def test_the_parts_of_a_folder_have_names_of_their_own(tmp_path: Path) -> None:
    for name in ("a/t.jsonl", "b/t.jsonl", "c.jsonl"):
        write_lines(tmp_path / name, rows_of(1))

    assert [part.name for part in planned(tmp_path).parts] == ["a/t-00000", "b/t-00000", "c-00000"]
    assert len(planned(tmp_path).sources) == 3


def test_files_that_would_be_written_under_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("t.csv", "t.txt"):
        (tmp_path / name).write_text("x\n1\n")

    with pytest.raises(DataError, match=r"t.csv and t.txt differ in their ending alone"):
        planned(tmp_path)


def test_a_run_is_told_from_others_by_its_files_and_what_scores_them(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "t.jsonl", rows_of(2))
    first = planned(path, "v1")

    assert planned(path, "v1") == first
    assert planned(path, "v2").run != first.run
    os.utime(path, ns=(1, 1))
    assert planned(path, "v1").run != first.run


def test_a_run_that_other_parts_make_is_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_lines(tmp_path / "t.jsonl", rows_of(9))
    before = planned(path)
    monkeypatch.setattr(plan, "PART_BYTES", 100)

    assert planned(path).run != before.run
    assert planned(path).told_from(before)[0] == "of parts that another release cut"


def test_what_makes_another_run_is_told_with_the_way_on(tmp_path: Path) -> None:
    write_lines(tmp_path / "t/a.jsonl", rows_of(1))
    first = planned(tmp_path / "t", "v1@sha256:0")

    assert planned(tmp_path / "t", "v2@sha256:1").told_from(first) == (
        "by v1@sha256:0",
        "continue with --version v1, or name another output",
    )
    reasons = plan.Plan.of(str(tmp_path / "t"), comma_separated, version="v1@sha256:0", explain=True)
    assert reasons.told_from(first)[0] == "without reasons"
    write_lines(tmp_path / "t/b.jsonl", rows_of(1))
    assert planned(tmp_path / "t", first.version).told_from(first)[0].endswith("t/b.jsonl is in one of them alone")
    (tmp_path / "t/b.jsonl").unlink()
    write_lines(tmp_path / "t/a.jsonl", rows_of(2))
    assert planned(tmp_path / "t", first.version).told_from(first)[0].endswith("t/a.jsonl has changed since")


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b'x,y\n5" pipe,1\n2,3\n', {}),
        (b"x y\n1  2\n", {"delimiter": "whitespace"}),
        ("x,y\n1,2\n".encode("utf-16"), {"encoding": "utf-16"}),
        (b"x,y\r1,2\r", {}),
    ],
)
def test_a_file_that_must_be_parsed_is_one_part(content: bytes, form: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    described = CsvForm(**{"encoding": "utf-8", "delimiter": ",", "names": ("x", "y"), "first": 1} | form)

    (part,) = plan.Plan.of(str(tmp_path / "t.csv"), lambda _: described).parts

    assert part.parsed
    assert (part.first, part.last) == (0, len(content))


def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"x,y\n1,2\n")

    with pytest.raises(DataError, match=r"t.parquet cannot be read: .*write the file again"):
        plan.Plan.of(str(tmp_path / "t.parquet"), comma_separated)
