"""What memory bulk scoring needs: `python -m benchmarks.batch_memory [--limit MIB] [--cases NAME...] [--publish]`.

`skylift batch` scores tables that are ten times as large as the memory that its process may use (`RLIMIT_DATA`), one
for each way in which a table could be held in memory as a whole. Linux only. Prints a table and writes it to
`build/benchmarks/batch_memory.md`, or to `docs/benchmarks/batch_memory.md` to publish it.
"""

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.pages import write_page
from benchmarks.report import table
from tests.support.bulk import bulk_package
from training.release.folder import write_version

_MIB = 2**20
_TIMES = 10
_NOTE = "a note " * 140
_FILES = 10_000

type Write = Callable[[Path, int], str]
"""Writes a table of so many bytes into a folder, and returns its name there."""


def _pieces(size: int, piece: bytes) -> Iterator[bytes]:
    block = piece * (2**20 // len(piece) + 1)
    for _ in range(size // len(block) + 1):
        yield block


def _texts(name: str, head: str, line: str) -> Write:
    """A text of equal lines."""

    def write(folder: Path, size: int) -> str:
        with gzip.open(folder / name, "wb", 1) if name.endswith(".gz") else (folder / name).open("wb") as file:
            file.write(head.encode())
            for block in _pieces(size, line.encode()):
                file.write(block)
        return name

    return write


def _long_line(name: str, head: str, line: str) -> Write:
    """A text of one line that has all bytes, among rows."""

    def write(folder: Path, size: int) -> str:
        with (folder / name).open("wb") as file:
            file.write(f"{head}{line * 20_000}".encode())
            file.seek(size, os.SEEK_CUR)
            file.write(f"\n{line}".encode())
        return name

    return write


def _unclosed(folder: Path, size: int) -> str:
    """A CSV file with a quote near its beginning that nothing closes."""
    name = "unclosed.csv"
    with (folder / name).open("wb") as file:
        file.write(f'age,City,note\n40,Oslo,a\n40,Oslo,"{_NOTE}\n'.encode())
        for block in _pieces(size, b"40,Oslo,a note\n"):
            file.write(block)
    return name


def _one_group(folder: Path, size: int) -> str:
    """A Parquet file of a single group of rows."""
    name = "one_group.parquet"
    rows = size // len(_NOTE)
    notes = pa.array([letter + _NOTE[1:] for letter in "abcdefgh"])
    codes = pa.array(np.random.default_rng(0).integers(0, 8, rows).astype(np.int32))
    columns = {
        "age": np.arange(rows) % 70 + 18,
        "City": pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array(["Oslo"])),
        "note": pa.DictionaryArray.from_arrays(codes, notes),
    }
    pq.write_table(pa.table(columns), folder / name, row_group_size=rows, store_schema=False)  # read as texts
    return name


def _wide(folder: Path, size: int) -> str:
    """A Parquet file of a hundred columns."""
    name, columns = "wide.parquet", 100
    rows = size // (8 * columns)
    group = 2**15
    names = ["age", *(f"x{number}" for number in range(columns)), "City"]
    values = np.random.default_rng(0).normal(size=group)
    made = {"age": np.full(group, 40), **dict.fromkeys(names[1:-1], values), "City": ["Oslo"] * group}
    part = pa.table(made)
    with pq.ParquetWriter(folder / name, part.schema) as writer:
        for _ in range(rows // group + 1):
            writer.write_table(part)
    return name


def _folder(folder: Path, size: int) -> str:
    """A folder of many files."""
    (folder / "files").mkdir()
    line = f"40,Oslo,{_NOTE}\n"
    content = "age,City,note\n" + line * (size // _FILES // len(line) + 1)
    for number in range(_FILES):
        (folder / f"files/{number:05d}.csv").write_text(content)
    return "files"


_ROW = {"age": 40, "City": "Oslo", "note": _NOTE}
_CASES: dict[str, Write] = {
    "CSV, rows of 1,000 letters": _texts("notes.csv", "age,City,note\n", f"40,Oslo,{_NOTE}\n"),
    "CSV, short rows": _texts("short.csv", "age,City,id\n", "40,Oslo,123456789\n"),
    "CSV, all rows wrong": _texts("wrong.csv", "age,City,note\n", f"old,Oslo,{_NOTE}\n"),
    "CSV, all rows too short": _texts("ragged.csv", "age,City,note\n", "40,Oslo\n"),
    "CSV, one line": _long_line("line.csv", "age,City,note\n", "40,Oslo,a\n"),
    "CSV, a quote that nothing closes": _unclosed,
    "CSV by gzip": _texts("zipped.csv.gz", "age,City,note\n", f"40,Oslo,{_NOTE}\n"),
    "CSV, 10,000 files": _folder,
    "JSON Lines": _texts("notes.jsonl", "", json.dumps(_ROW) + "\n"),
    "JSON Lines, one line": _long_line("line.jsonl", "", json.dumps(_ROW) + "\n"),
    "Parquet, one group of rows": _one_group,
    "Parquet, 100 columns": _wide,
}


def measured(case: str, limit: int, folder: Path) -> list[str]:
    """The row of one case: what became of its rows, seconds, and most memory that was resident."""
    name = _CASES[case](folder, _TIMES * limit * _MIB)
    command = [sys.executable, "-m", "training.cli", "batch", str(folder / name), str(folder / "out"), "--json"]
    started = time.monotonic()
    with (folder / "told").open("w+") as told, (folder / "failed").open("w+") as failed:
        running = subprocess.Popen(
            [*command, "--model", str(folder.parent / "model"), "--workers", "1"],
            stdout=told,
            stderr=failed,
            env=os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit * _MIB, limit * _MIB)),  # noqa: PLW1509 (one thread)
        )
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        told.seek(0)
        failed.seek(0)
        if running.returncode == 0:
            found = json.load(told)
            result = f"{found['answered']:,} answered, {found['rejected']:,} rejected"
        else:
            result = failed.readline().strip().replace(f"{folder}/", "")
    return [case, result, f"{time.monotonic() - started:.0f}", f"{used.ru_maxrss / 1024:,.0f}"]


def main() -> None:
    """Measure all cases, each in a process of its own that ends before the next begins."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch_memory", description=__doc__)
    parser.add_argument("--limit", type=int, default=400, help="MiB that the process may use")
    parser.add_argument(
        "--cases", nargs="*", default=[*_CASES], choices=[*_CASES], metavar="CASE", help="all by default"
    )
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/batch_memory.md")
    arguments = parser.parse_args()
    found = []
    with TemporaryDirectory(prefix="benchmarks-") as name:
        write_version(Path(name) / "model", bulk_package())  # type: ignore[arg-type]
        for case in arguments.cases:
            with TemporaryDirectory(dir=name) as folder:
                found.append(measured(case, arguments.limit, Path(folder)))
                print(found[-1], file=sys.stderr, flush=True)  # noqa: T201 (how far it is)
    size = _TIMES * arguments.limit / 1024
    about = f"{datetime.now(UTC):%Y-%m-%d}, tables of {size:.1f} GB, one process that may use {arguments.limit} MiB"
    header = ["table", "result", "seconds", "most resident, MiB"]
    write_page("batch_memory", f"{about}\n\n{table(header, found)}\n", publish=arguments.publish)


if __name__ == "__main__":
    main()
