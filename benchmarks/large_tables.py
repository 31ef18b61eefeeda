"""Time and peak memory of the data commands on a large table, each in a process of its own.

python -m benchmarks.large_tables [--rows 5000000] [--folder build/large]

Writes a table of 20 columns as CSV and as Parquet, and a line per command; docs/data.md quotes them.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import yaml

ROWS = 5_000_000
SAMPLE = 100_000
_BATCH = 500_000
_MIB = 1024
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


def configuration(folder: Path, form: str, *, default: bool = False) -> Path:
    """A `model.yaml` for one form, with two candidates or the default ones."""
    path = folder / f"{form}{'-default' if default else ''}.yaml"
    document: dict[str, Any] = {
        "model": "large",
        "data": {"path": f"table.{form}", "drop": ["id"]},
        "target": {"column": "y"},
    }
    if not default:
        document["candidates"] = _CANDIDATES
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def measured(*arguments: object) -> tuple[float, float]:
    """Seconds and peak MiB of a `skylift` command."""
    started = time.monotonic()
    command = [str(Path(sys.executable).parent / "skylift"), *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.monotonic() - started, usage.ru_maxrss / _MIB


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description="Time and peak memory of the data commands on a large table.")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--folder", type=Path, default=Path("build/large"))
    options = parser.parse_args()
    folder: Path = options.folder
    write_tables(folder, options.rows)
    print(f"| {'command':<58} | {'seconds':>7} | {'peak MiB':>8} |\n| {'-' * 58} | {'-' * 6}: | {'-' * 7}: |")  # noqa: T201
    csv, parquet = configuration(folder, "csv"), configuration(folder, "parquet")
    default = configuration(folder, "csv", default=True)
    prepared, version = folder / "processed", folder / "version"
    for words, arguments in (
        ("data prepare", ("data", "prepare", "-c", csv, "--output", prepared)),
        ("data prepare, Parquet", ("data", "prepare", "-c", parquet, "--output", prepared)),
        ("data validate", ("data", "validate", "-c", csv)),
        (f"data validate --sample {SAMPLE}", ("data", "validate", "-c", csv, "--sample", SAMPLE)),
        (f"data validate --sample {SAMPLE}, Parquet", ("data", "validate", "-c", parquet, "--sample", SAMPLE)),
        ("data profile", ("data", "profile", "-c", csv)),
        (f"train --sample {SAMPLE}", ("train", "-c", csv, "--sample", SAMPLE, "--output", version)),
        ("train, default candidates", ("train", "-c", default, "--output", folder / "default")),
    ):
        seconds, peak = measured(*arguments)
        print(f"| {words:<58} | {seconds:7.0f} | {peak:8,.0f} |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
