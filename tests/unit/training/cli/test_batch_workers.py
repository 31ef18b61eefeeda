"""Parts run in processes, which say what went wrong in them; `tests/e2e` kills some."""

import os
from pathlib import Path
from typing import Any

import pytest

from skylift.bulk.manifest import add_up
from skylift.errors import DataError
from tests.support.bulk import bulk_model, planned, rows_of, write_lines
from training.cli import batch_workers
from training.cli.batch_workers import Scorer, run_here, run_in_processes


class Ending(Scorer):
    """Ends the process that it runs in."""

    def __call__(self, part: Any) -> Any:
        os._exit(1)


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


def test_a_process_that_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = planned(write_lines(tmp_path / "in.jsonl", rows_of(1)))

    with pytest.raises(DataError, match="a process that scored was ended by the system: it may"):
        list(run_in_processes(made.parts, Ending(bulk_model(), made.run, str(tmp_path)), 1))


def test_a_process_that_has_not_begun_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_workers, "_scorer", None)

    with pytest.raises(RuntimeError, match="has not begun"):
        batch_workers._run(None)  # type: ignore[arg-type]
