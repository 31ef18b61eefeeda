"""What bulk scoring costs a row: `python -m benchmarks.batch [--rows N] [--publish]`.

Forests of 100 trees score Parquet files: by `skylift batch`, from its start to its end, and by the loop that most
people write: batches of pandas, `predict_proba`, and Parquet again, in a process that has imported all. Measured are
rows a second, and rows for each second of processor time, in which other work on the machine counts for less. Prints a
table and writes it to `build/benchmarks/batch.md`, or to `docs/benchmarks/batch.md` to publish it.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier

from benchmarks.pages import write_page
from benchmarks.report import table
from skylift.contract import Contract, Target
from skylift.encoding import RowEncoder
from skylift.feature import Feature
from skylift.manifest import COMPILED_FILE, Compiled, Golden, Prediction
from skylift.predictors import OnnxPredictor
from skylift.scoring import Matrix, predictions
from tests.support.manifests import manifest
from tests.support.models import iris_config
from training.compile.exact import convert
from training.data.encoded import read_table
from training.release.folder import write_version
from training.release.packaging import Package

if TYPE_CHECKING:
    import pandas as pd

_SEED = 42
_GROUP = 2**18
_LOOP_ROWS = 2**16
_LOOP_SHARE = 8
"""The loop scores a part of the rows: it is slow, and no faster with more."""


@dataclass(frozen=True, slots=True)
class Case:
    """A forest and rows for it.

    Parameters
    ----------
    name
        What is special about the rows.
    estimator, contract
        Fitted forest and the contract of its table.
    rows
        Function that draws rows, `[n, features]`.
    """

    name: str
    estimator: RandomForestClassifier
    contract: Contract
    rows: Callable[[int], Matrix]


def cases() -> list[Case]:
    """The forest of the other benchmarks, and one in whose cells hardly two rows meet."""
    iris, rng = read_table(iris_config().table), np.random.default_rng(_SEED)
    small = RandomForestClassifier(100, random_state=_SEED).fit(iris.rows, iris.targets)

    def flowers(count: int) -> Matrix:
        drawn: Matrix = iris.rows[rng.integers(0, len(iris.rows), count)]
        return drawn

    def scattered(count: int) -> Matrix:
        return flowers(count) + rng.normal(0, 0.1, (count, iris.rows.shape[1]))

    points, targets = make_classification(5_000, 20, n_informative=15, n_classes=3, random_state=_SEED)
    large = RandomForestClassifier(100, random_state=_SEED).fit(points, targets)
    names = tuple(Feature(name=f"f{number}", kind="number", example=0.0) for number in range(points.shape[1]))
    wide = Contract(task="classification", features=names, target=Target(name="y", classes=("a", "b", "c")))

    def far(count: int) -> Matrix:
        drawn: Matrix = points[rng.integers(0, len(points), count)] + rng.normal(0, 0.5, (count, points.shape[1]))
        return drawn

    contract = iris.contract.undecided
    return [
        Case("iris, its own values", small, contract, flowers),
        Case("iris, no two rows the same", small, contract, scattered),
        Case("20 features, no two rows the same", large, wide, far),
    ]


def write_model(case: Case, folder: Path) -> None:
    """The compiled version of a forest in a folder, as `skylift train --output` writes it."""
    data: bytes = convert(case.estimator, case.contract).SerializeToString()
    instance = dict(case.contract.example)
    scores = OnnxPredictor(data).scores(RowEncoder(case.contract).encode([instance]))
    answers = tuple(Prediction.model_validate(each) for each in predictions(case.contract, scores))
    described = manifest(
        contract=case.contract,
        artifacts={COMPILED_FILE: data},
        compiled=Compiled(format="onnx", converter="skylift"),
        golden=Golden(instances=(instance,), predictions=answers),
    )
    write_version(folder, Package(lambda _: described, {COMPILED_FILE: data}))


def write_rows(case: Case, path: Path, count: int) -> None:
    """A Parquet file of rows."""
    names = [feature.name for feature in case.contract.features]
    with pq.ParquetWriter(path, pa.schema([(name, pa.float64()) for name in names])) as writer:
        for start in range(0, count, _GROUP):
            writer.write_table(pa.table(dict(zip(names, case.rows(min(_GROUP, count - start)).T, strict=True))))


def loop(estimator: Any, classes: tuple[Any, ...], source: Path, to: Path, rows: int) -> int:
    """Score the beginning of a file as most people would; the number of rows."""
    writer, done = None, 0
    for batch in pq.ParquetFile(source).iter_batches(_LOOP_ROWS):
        frame: pd.DataFrame = batch.to_pandas()
        probabilities = estimator.predict_proba(frame.to_numpy())
        frame["prediction"] = np.array(classes)[probabilities.argmax(axis=1)]
        for name, column in zip(classes, probabilities.T, strict=True):
            frame[f"probability_{name}"] = column
        answers = pa.Table.from_pandas(frame)
        writer = writer or pq.ParquetWriter(to, answers.schema)
        writer.write_table(answers)
        done += len(frame)
        if done >= rows:
            break
    if writer is not None:
        writer.close()
    return done


def processor_seconds() -> float:
    """Processor time of this process and of those that it waited for."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def rates(work: Callable[[], int]) -> tuple[float, float]:
    """Rows a second, and rows for each second of processor time."""
    started, used = time.monotonic(), processor_seconds()
    rows = work()
    return rows / (time.monotonic() - started), rows / (processor_seconds() - used)


def measured(case: Case, rows: int, folder: Path) -> list[str]:
    """The row of one case."""
    source, model = folder / "rows.parquet", folder / "model"
    write_rows(case, source, rows)
    write_model(case, model)
    command = [
        sys.executable,
        "-m",
        "training.cli",
        "batch",
        str(source),
        str(folder / case.name),
        "--model",
        str(model),
    ]

    def batch() -> int:
        answered: int = json.loads(subprocess.run([*command, "--json"], check=True, capture_output=True).stdout)[
            "answered"
        ]
        return answered

    classes = case.contract.target.classes
    ours = rates(batch)
    theirs = rates(lambda: loop(case.estimator, classes, source, folder / "loop.parquet", rows // _LOOP_SHARE))
    figures = [f"{ours[0]:,.0f}", f"{ours[1]:,.0f}", f"{theirs[0]:,.0f}", f"{theirs[1]:,.0f}"]
    return [case.name, *figures, f"{ours[0] / theirs[0]:.1f}", f"{ours[1] / theirs[1]:.1f}"]


def main() -> None:
    """Measure all cases."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description="What bulk scoring costs a row.")
    parser.add_argument("--rows", type=int, default=8_000_000, help="rows of each table")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/batch.md")
    arguments = parser.parse_args()
    header = ["forest of 100 trees", "rows/s", "per processor second", "loop, rows/s", "per processor second"]
    with TemporaryDirectory(prefix="benchmarks-") as name:
        found = [measured(case, arguments.rows, Path(name)) for case in cases()]
    load = f"{os.getloadavg()[0]:.1f}"
    about = f"{datetime.now(UTC):%Y-%m-%d}, {arguments.rows:,} rows, {len(os.sched_getaffinity(0))} cores, load {load}"
    write_page(
        "batch", f"{about}\n\n{table([*header, 'times', 'of the processor'], found)}\n", publish=arguments.publish
    )


if __name__ == "__main__":
    main()
