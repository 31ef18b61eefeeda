"""Tables are scored to their end, whatever is killed on the way and however large they are."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
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

FILES = 24
ROWS = 10_000
MIB = 2**20


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


def write_one_group(path: Path, size: int) -> int:
    """A Parquet file of one group of rows, which has so many bytes where it is read; the number of rows."""
    letters = 20_000
    rows = size // letters + 1
    codes = pa.array(np.random.default_rng(0).integers(0, 8, rows).astype(np.int32))
    table = pa.table(
        {
            "age": np.arange(rows) % 70 + 18,
            "City": pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array(["Oslo"])),
            "note": pa.DictionaryArray.from_arrays(codes, pa.array([letter * letters for letter in "abcdefgh"])),
        }
    )
    pq.write_table(table, path, row_group_size=rows, store_schema=False)  # without it, texts are read as texts
    return rows


def write_long_line(path: Path, size: int) -> int:
    """A text of rows and, among them, a line that has all of the bytes; the number of rows that are right."""
    csv = path.suffix == ".csv"
    row = b"40,Oslo\n" if csv else b'{"age": 40, "City": "Oslo"}\n'
    with path.open("wb") as file:
        file.write((b"age,City\n" if csv else b"") + row * 20_000)
        file.seek(size, os.SEEK_CUR)  # which takes no place on the disk
        file.write(b"\n" + row)
    return 20_001


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what a process may write to")
@pytest.mark.parametrize(
    ("name", "write", "limit"),
    [
        ("group.parquet", write_one_group, 400 * MIB),
        ("line.csv", write_long_line, 250 * MIB),
        ("line.jsonl", write_long_line, 250 * MIB),
    ],
)
def test_a_table_ten_times_the_memory_is_scored(
    name: str, write: Callable[[Path, int], int], limit: int, folder: Path
) -> None:
    right = write(folder / name, 10 * limit)

    ended = subprocess.run(
        command(folder, name, f"of-{name}.d", "--workers", "1"),
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
    )

    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["answered"], told["rejected"]) == (right, 0 if name.endswith("parquet") else 1)
