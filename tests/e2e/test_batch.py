"""Tables are scored to their end, whatever is killed on the way and however large they are."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skylift.bulk.manifest import add_up
from tests.support.bulk import bulk_model, bulk_package, planned, rows_of, write_lines
from tests.support.processes import descendants, lives
from tests.support.waiting import wait_until
from training.cli.batch_workers import Scorer, run_here, run_on_dask
from training.release.folder import write_version

FILES = 12
ROWS = 20_000
LIMIT = 400 * 2**20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and a table of several files."""
    folder = tmp_path_factory.mktemp("batch")
    write_version(folder / "model", bulk_package())  # type: ignore[arg-type]
    for number in range(FILES):
        rows = rows_of(ROWS)
        rows[number]["age"] = "old"
        write_lines(folder / f"in/{number:02d}.jsonl", rows)
    return folder


def command(folder: Path, source: str, output: str, *options: str) -> list[str]:
    program = [sys.executable, "-m", "training.cli", "batch", str(folder / source), str(folder / output)]
    return [*program, "--model", str(folder / "model"), "--json", *options]


def files_in(folder: Path) -> dict[str, bytes]:
    """What a run leaves, but for the time that it took."""
    paths = sorted(path for path in folder.rglob("*.jsonl") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_a_run_that_is_killed_again_and_again_loses_and_doubles_nothing(folder: Path) -> None:
    whole = json.loads(subprocess.run(command(folder, "in", "whole"), check=True, capture_output=True).stdout)
    parts = folder / "killed/_parts"
    done: dict[str, int] = {}

    for kills in (1, 2):
        with subprocess.Popen(command(folder, "in", "killed", "--workers", "2"), stdout=subprocess.DEVNULL) as job:
            wait_until(lambda wanted=kills * 3: len(list(parts.glob("*.json"))) >= wanted, what="some parts")  # type: ignore[misc]
            started = descendants(job.pid)
            job.kill()
        wait_until(lambda started=started: not any(map(lives, started)), what="the end of its processes")  # type: ignore[misc]
        now = {path.name: path.stat().st_mtime_ns for path in parts.glob("*.json")}
        assert now.items() >= done.items(), "what was done is left as it was"
        done = now
    last = json.loads(subprocess.run(command(folder, "in", "killed"), check=True, capture_output=True).stdout)

    assert len(done) < FILES
    assert {path.name: path.stat().st_mtime_ns for path in parts.glob("*.json")}.items() >= done.items()
    assert files_in(folder / "killed") == files_in(folder / "whole")
    assert (last["rows"], last["rejected"]) == (whole["rows"], whole["rejected"]) == (FILES * ROWS, FILES)
    assert not (folder / "killed/_unfinished").exists()


# distributed's own threads and sockets end a little after its context managers do
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
def test_a_dask_worker_killed_midway_loses_and_doubles_nothing(folder: Path) -> None:
    from distributed import Client, LocalCluster

    made = planned(folder / "in")
    list(run_here(made.parts, Scorer(bulk_model(), made.run, str(folder / "here"))))

    options: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster, set_as_default=False) as client:
        workers = client.run(os.getpid)
        scorer = Scorer(bulk_model(), made.run, str(folder / "dask"))
        results = run_on_dask(made.parts, scorer, cluster.scheduler_address)
        first = next(results)
        os.kill(next(iter(workers.values())), signal.SIGKILL)
        rest = list(results)

    manifest = add_up(made, bulk_model(), [first, *rest])
    assert (manifest.rows, manifest.rejected) == (FILES * ROWS, FILES)
    assert files_in(folder / "dask") == files_in(folder / "here")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what a process may write to")
def test_a_table_ten_times_the_memory_is_scored(folder: Path) -> None:
    rows, letters = 2_100_000, 2000
    notes = pa.array([f"{letter}" * letters for letter in "abcdefgh"])
    codes = np.random.default_rng(0).integers(0, 8, rows).astype(np.int32)
    table = pa.table(
        {
            "age": np.arange(rows) % 70 + 18,
            "City": pa.array(["Oslo"]).take(pa.array(np.zeros(rows, dtype=np.int8))),
            "note": pa.DictionaryArray.from_arrays(pa.array(codes), notes),
        }
    )
    plain = pa.schema([table.schema.field("age"), table.schema.field("City"), pa.field("note", pa.string())])
    with pq.ParquetWriter(folder / "large.parquet", plain, compression="zstd") as writer:
        for start in range(0, rows, 50_000):
            writer.write_table(table.slice(start, 50_000).cast(plain), row_group_size=rows)
    assert rows * letters > 10 * LIMIT

    ended = subprocess.run(
        command(folder, "large.parquet", "large", "--workers", "1"),
        check=True,
        capture_output=True,
        env=os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT)),
    )

    assert json.loads(ended.stdout)["answered"] == rows
    answers = [pq.ParquetFile(path).metadata for path in sorted((folder / "large").glob("*.parquet"))]
    assert sum(each.num_rows for each in answers) == rows
