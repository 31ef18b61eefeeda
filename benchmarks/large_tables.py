"""Time and peak memory of `skylift data` and `skylift train` on large tables: `python -m benchmarks.large_tables`.

Makes a long table of 20 columns as CSV and as Parquet (`--rows`), and a wide one of 500 rows and 1,000 columns, in
`build/large` (`--folder`). Each command runs by itself. Prints a table and writes it to
`build/benchmarks/large_tables.md`, or with `--publish` to `docs/benchmarks/large_tables.md`.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import yaml

from benchmarks.pages import write_page
from benchmarks.report import table

ROWS = 1_000_000
SAMPLE = 100_000
_WIDE = (500, 1_000)
_BATCH = 500_000
_KIB_PER_MIB = 1024
_PAUSE = 0.1
_CANDIDATES = [
    {"name": "logistic", "estimator": "sklearn.linear_model.LogisticRegression", "params": {"max_iter": 1000}},
    {"name": "boosting", "estimator": "sklearn.ensemble.HistGradientBoostingClassifier"},
]


def batches(rows: int) -> Iterator[Any]:
    """A table of an identifier, numbers, integers, categories, a boolean, missing values and two classes."""
    random = np.random.default_rng(0)
    for first in range(0, rows, _BATCH):
        count = min(_BATCH, rows - first)
        columns: dict[str, Any] = {"id": np.arange(first, first + count)}
        columns |= {f"number_{index}": random.normal(size=count).round(6) for index in range(9)}
        columns |= {f"integer_{index}": random.integers(0, 10_000, count) for index in range(3)}
        columns |= {f"category_{index}": random.choice(["north", "south", "east", "west"], count) for index in range(3)}
        columns["flag"] = random.random(count) < 0.3
        columns["partly"] = pa.array(random.normal(size=count).round(6), mask=random.random(count) < 0.1)
        columns["late"] = random.exponential(size=count).round(6)
        signal = columns["number_0"] + columns["number_1"] * columns["flag"] + random.normal(size=count)
        columns["y"] = np.where(signal > 0.5, "yes", "no")
        yield pa.table(columns)


def write_tables(folder: Path, rows: int) -> None:
    """Write the table in both forms."""
    folder.mkdir(parents=True, exist_ok=True)
    schema = next(batches(1)).schema
    with (
        pacsv.CSVWriter(folder / "table.csv", schema) as csv,
        pq.ParquetWriter(folder / "table.parquet", schema) as parquet,
    ):
        for batch in batches(rows):
            csv.write_table(batch)
            parquet.write_table(batch)


def write_wide_table(path: Path) -> None:
    """Write a table of numbers, of which five in a hundred tell the class."""
    random = np.random.default_rng(1)
    rows, columns = _WIDE
    classes = random.integers(0, 2, rows)
    numbers = random.normal(size=(rows, columns))
    numbers[:, ::20] += 0.3 * classes[:, None]
    header = ",".join([*(f"x{place}" for place in range(columns)), "y"])
    cells = np.column_stack([numbers, classes])
    np.savetxt(path, cells, fmt=["%.5f"] * columns + ["%d"], delimiter=",", header=header, comments="")


def configuration(folder: Path, name: str, *, default: bool = False) -> Path:
    """A `model.yaml` for a table, with two candidates or the default ones."""
    path = folder / f"{name}{'-default' if default else ''}.yaml"
    document: dict[str, Any] = {"model": "large", "data": {"path": name}, "target": {"column": "y"}}
    if not default:
        document["candidates"] = _CANDIDATES
    if not name.startswith("wide"):
        document["data"]["drop"] = ["id"]
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def measured(*arguments: object) -> tuple[float, float, float]:
    """Seconds, processor seconds and peak MiB of a `skylift` command, with the processes that it starts."""
    started, peak = time.monotonic(), 0.0
    command = [str(Path(sys.executable).parent / "skylift"), *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        peak = max(peak, sum(map(_resident, _session(process.pid))))
        time.sleep(_PAUSE)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, peak / _KIB_PER_MIB


def _session(leader: int) -> list[int]:
    """The processes of a session."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                if os.getsid(int(folder.name)) == leader:
                    found.append(int(folder.name))
            except ProcessLookupError:  # it has ended
                continue
    return found


def _resident(process: int) -> int:
    """The memory of a process in KiB, what it shares divided by those who share it; 0 for one that has ended."""
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except (ProcessLookupError, FileNotFoundError, PermissionError):
        return 0
    found = re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)
    return int(found[1]) if found else 0


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_tables", description="What large tables take.")
    parser.add_argument("--rows", type=int, default=ROWS, help="of the long table")
    parser.add_argument("--folder", type=Path, default=Path("build/large"))
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/large_tables.md")
    options = parser.parse_args()
    folder: Path = options.folder
    write_tables(folder, options.rows)
    write_wide_table(folder / "wide.csv")
    csv, parquet = configuration(folder, "table.csv"), configuration(folder, "table.parquet")
    long, wide = (configuration(folder, name, default=True) for name in ("table.csv", "wide.csv"))
    prepared, version = folder / "processed", folder / "version"
    sampled = f"--sample {SAMPLE}"
    rows: list[list[str]] = []
    for words, arguments in (
        ("data prepare", ("data", "prepare", "-c", csv, "--output", prepared)),
        ("data prepare, Parquet", ("data", "prepare", "-c", parquet, "--output", prepared)),
        ("data validate", ("data", "validate", "-c", csv)),
        (f"data validate {sampled}", ("data", "validate", "-c", csv, "--sample", SAMPLE)),
        (f"data validate {sampled}, Parquet", ("data", "validate", "-c", parquet, "--sample", SAMPLE)),
        ("data profile", ("data", "profile", "-c", csv)),
        (f"train {sampled}, two candidates", ("train", "-c", csv, "--sample", SAMPLE, "--output", version)),
        ("train, default candidates", ("train", "-c", long, "--output", folder / "default")),
        (
            f"train, default candidates, {_WIDE[0]} rows of {_WIDE[1]:,} columns",
            ("train", "-c", wide, "-o", folder / "w"),
        ),
    ):
        seconds, processor, peak = measured(*arguments)
        rows.append([f"`skylift {words}`", f"{seconds:.0f}", f"{processor:.0f}", f"{peak:,.0f}"])
        print(*rows[-1], file=sys.stderr, flush=True)  # noqa: T201
    header = ["command", "seconds", "processor seconds", "peak MiB"]
    told = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {options.rows:,} rows of 20 columns"
    write_page("large_tables", f"{told}\n\n{table(header, rows)}\n", publish=options.publish)


if __name__ == "__main__":
    main()
