"""Parts run in processes, which say what went wrong in them; `tests/e2e` kills some."""

import dataclasses
import sys
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skylift.bulk.manifest import add_up
from skylift.bulk.part import PartResult, run_part
from skylift.errors import AwsThrottled, DataError
from skylift.manifest import COMPILED_FILE, MODEL_FILE, Artifact
from tests.support.bulk import bulk_model, planned, rows_of, write_lines
from training.cli import batch_workers
from training.cli.batch_workers import Scorer, run_here, run_in_processes, workers_that_fit


class EndedPool:
    """Processes that the system ended."""

    def __init__(self, *_arguments: object, **_options: object) -> None: ...

    def submit(self, *_arguments: object) -> Future[object]:
        ended: Future[object] = Future()
        ended.set_exception(BrokenProcessPool())
        return ended

    def shutdown(self, *, cancel_futures: bool) -> None: ...


def test_parts_in_processes_come_to_the_same_as_here(tmp_path: Path) -> None:
    for number in range(3):
        write_lines(tmp_path / f"in/{number}.jsonl", rows_of(10 + number))
    made = planned(tmp_path / "in")
    here = list(run_here(made.parts, Scorer(bulk_model(), made.run, str(tmp_path / "here"))))

    there = list(run_in_processes(made.parts, Scorer(bulk_model(), made.run, str(tmp_path / "there")), 1))

    assert add_up(made, bulk_model(), there).rows == add_up(made, bulk_model(), here).rows == 33
    for result in here:
        name = result.files[0]
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()


def test_as_many_processes_are_started_as_memory_lasts_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mib = 2**20
    (source,) = planned(write_lines(tmp_path / "in.jsonl", rows_of(1))).sources
    for there_is, workers in ((512 * mib, 1), (100 * mib, 1), (2048 * mib, 6), (None, sys.maxsize)):
        monkeypatch.setattr(batch_workers, "memory_there_is", lambda there_is=there_is: there_is)
        assert workers_that_fit(bulk_model(), source) == workers
    large = {MODEL_FILE: Artifact(sha256="0" * 64, bytes=0), COMPILED_FILE: Artifact(sha256="0" * 64, bytes=50 * mib)}
    manifest = bulk_model().manifest.model_copy(update={"artifacts": large})
    monkeypatch.setattr(batch_workers, "memory_there_is", lambda: 4096 * mib)
    larger = dataclasses.replace(bulk_model(), manifest=manifest)
    assert workers_that_fit(larger, source) == 1, "a model takes memory as well"
    wide = pa.table({f"x{number}": np.arange(2.0**11) for number in range(500)})
    pq.write_table(wide, tmp_path / "in.parquet")
    (source,) = planned(tmp_path / "in.parquet").sources
    monkeypatch.setattr(batch_workers, "memory_there_is", lambda: 2048 * mib)
    assert workers_that_fit(bulk_model(), source) == 5, "so do the pages of many columns"


def test_a_part_is_run_again_when_s3_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = planned(write_lines(tmp_path / "in.jsonl", rows_of(1)))
    waits, failures = list[float](), [AwsThrottled("busy", "wait")] * 2

    def failing(*arguments: Any) -> PartResult:
        if failures:
            raise failures.pop()
        return run_part(*arguments)

    monkeypatch.setattr(batch_workers, "run_part", failing)
    monkeypatch.setattr("time.sleep", waits.append)
    scorer = Scorer(bulk_model(), made.run, str(tmp_path / "out"))

    assert scorer(made.parts[0]).answered == 1
    assert len(waits) == 2
    failures += [AwsThrottled("busy", "wait")] * 4
    with pytest.raises(AwsThrottled):
        scorer(made.parts[0])


def test_memory_that_runs_out_is_told_with_the_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = planned(write_lines(tmp_path / "in.jsonl", rows_of(1)))

    def out_of_memory(*_arguments: object) -> PartResult:
        raise pa.ArrowMemoryError("malloc of size 9 failed")

    monkeypatch.setattr(batch_workers, "run_part", out_of_memory)

    with pytest.raises(DataError, match="memory ran out in part in-00000: take fewer --workers"):
        Scorer(bulk_model(), made.run, str(tmp_path / "out"))(made.parts[0])


def test_a_process_that_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_workers, "ProcessPoolExecutor", EndedPool)
    made = planned(write_lines(tmp_path / "in.jsonl", rows_of(1)))

    with pytest.raises(DataError, match="a process that scored was ended by the system: it may"):
        list(run_in_processes(made.parts, Scorer(bulk_model(), made.run, str(tmp_path)), 1))


def test_a_process_that_has_not_begun_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_workers, "_scorer", None)

    with pytest.raises(RuntimeError, match="has not begun"):
        batch_workers._run(None)  # type: ignore[arg-type]
