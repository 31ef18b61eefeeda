"""How good the model is that training chooses by default, and how long that takes.

Run it by `python -m benchmarks.model_choice`, or `make bench-models`. Each table is trained on by `skylift train` in a
process of its own, without candidates in `model.yaml`. Beside it stands scikit-learn's histogram boosting as it is, on
the codes of the same rows. Writes `build/bench-models.json`; with `--publish`, `docs/benchmarks/models.md` as well.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from pydantic import BaseModel
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from benchmarks.model_tables import SAMPLES, TARGET, Sample
from skylift.figures import format_value
from skylift.manifest import Manifest
from skylift.predictors import SklearnPredictor, load_predictor
from skylift.scoring import Matrix
from training.config import load_config
from training.data.prepare import table_and_split
from training.data.table import Split, Table
from training.metrics.registry import METRICS
from training.metrics.scores import score_metrics
from training.release.folder import read_version_file

_ROOT = Path(__file__).parents[1]
_FILE = _ROOT / "build" / "bench-models.json"
_PAGE = _ROOT / "docs" / "benchmarks" / "models.md"
_ONE_ROW_CALLS = 2_000
_COLUMNS = (
    "table",
    "rows x features",
    "seconds",
    "CPU seconds",
    "metric",
    "Skylift",
    "plain boosting",
    "its fit, CPU seconds",
    "chosen",
    "compiled",
    "a row, us",
)


class Outcome(BaseModel):
    """What became of a table.

    Parameters
    ----------
    table, about
        Name of the table, and what it resembles.
    rows, features
        Size of the table.
    seconds, cpu_seconds
        Duration of `skylift train`, and what it computed on all cores.
    metric
        Metric that the model was selected by: log loss or RMSE.
    score, plain
        Metric on the holdout: of the chosen model, and of plain histogram boosting.
    plain_cpu_seconds
        What fitting plain boosting computed, once and without any check.
    selected
        Candidate that was chosen.
    compiled
        Converter of the compiled form; None where scikit-learn serves.
    row_microseconds
        Median time to score one row in the form that is served.
    """

    table: str
    about: str
    rows: int
    features: int
    seconds: float
    cpu_seconds: float
    metric: str
    score: float
    plain: float
    plain_cpu_seconds: float
    selected: str
    compiled: str | None
    row_microseconds: float


class Outcomes(BaseModel):
    """All tables, with the day and the machine."""

    date: datetime
    cores: int
    load_average_before: float
    tables: tuple[Outcome, ...]


def measure(sample: Sample, folder: Path) -> Outcome:
    """Train on a table and on the same rows plainly.

    Parameters
    ----------
    folder
        Folder for the table and the version.
    """
    config = _write(sample, folder)
    version = folder / "version"
    seconds, cpu_seconds = _train(config, version)
    manifest = read_version_file(version)
    table, split = table_and_split(load_config(config).table)
    plain, plain_cpu_seconds = _plain(table, split, manifest.select_by)
    return Outcome(
        table=sample.name,
        about=sample.about,
        rows=manifest.lineage.data_rows,
        features=len(manifest.contract.features),
        seconds=round(seconds, 1),
        cpu_seconds=round(cpu_seconds, 1),
        metric=manifest.select_by,
        score=manifest.metrics.holdout[manifest.select_by],
        plain=plain,
        plain_cpu_seconds=round(plain_cpu_seconds, 1),
        selected=manifest.selected,
        compiled=manifest.compiled.converter,
        row_microseconds=round(_time_of_a_row(manifest, version, table.rows[split.holdout]), 1),
    )


def _write(sample: Sample, folder: Path) -> Path:
    """Write a table with its `model.yaml`, which has no candidates; the latter's path."""
    folder.mkdir(parents=True, exist_ok=True)
    sample.frame().to_csv(folder / "table.csv", index=False)
    path = folder / "model.yaml"
    name = sample.name.replace("_", "-")
    text = f"model: {name}\ndata: {{path: table.csv}}\ntarget: {{column: {TARGET}, task: {sample.task}}}\n"
    path.write_text(text, encoding="utf-8")
    return path


def _train(config: Path, version: Path) -> tuple[float, float]:
    """Seconds of `skylift train`, by the clock and of all cores."""
    command = [str(Path(sys.executable).parent / "skylift"), "train", "-c", str(config), "--output", str(version)]
    started, before = time.monotonic(), _cpu_seconds_of_children()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - started, _cpu_seconds_of_children() - before


def _cpu_seconds_of_children() -> float:
    usage = os.times()
    return usage.children_user + usage.children_system


def _plain(table: Table, split: Split, metric: str) -> tuple[float, float]:
    """Metric of histogram boosting as scikit-learn has it, and the CPU seconds of its fit."""
    classifies = table.contract.task == "classification"
    boosting = (HistGradientBoostingClassifier if classifies else HistGradientBoostingRegressor)(random_state=0)
    started = time.process_time()
    with threadpool_limits(1):  # waiting threads count as computing
        boosting.fit(table.rows[split.train], table.targets[split.train])
    seconds = time.process_time() - started
    scores = SklearnPredictor(boosting, table.contract.task).scores(table.rows[split.holdout])
    return score_metrics(table.contract, table.targets[split.holdout], scores, [METRICS[metric]])[metric], seconds


def _time_of_a_row(manifest: Manifest, version: Path, rows: Matrix) -> float:
    """Median microseconds of scoring one row in the form that is served."""
    predictor = load_predictor(manifest, lambda name: (version / name).read_bytes())
    times = []
    for call in range(_ONE_ROW_CALLS):
        row = rows[call % len(rows)][None, :]
        started = time.perf_counter()
        predictor.scores(row)
        times.append(time.perf_counter() - started)
    return median(times) * 1e6


def render(outcomes: Outcomes) -> str:
    """The outcomes as a page in Markdown."""
    lines = [
        "# Models chosen by default",
        "",
        "`make bench-models` trains on generated tables of common kinds, with a `model.yaml` of three keys. Beside",
        "each chosen model stands scikit-learn's histogram boosting as it is, on the codes of the same rows, measured",
        "on the same holdout: log loss of classes, RMSE of values; less is better for both. The row of a table is",
        "scored in the form that is served. `python -m benchmarks.model_choice --table churn` measures one table.",
        "",
        f"{outcomes.date:%Y-%m-%d}, {outcomes.cores} cores, load {outcomes.load_average_before:.1f} before.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        f"|{'---|' * len(_COLUMNS)}",
    ]
    for one in outcomes.tables:
        cells = (
            f"{one.table}: {one.about}",
            f"{one.rows:,} x {one.features}",
            f"{one.seconds:.0f}",
            f"{one.cpu_seconds:.0f}",
            one.metric,
            format_value(one.score),
            format_value(one.plain),
            f"{one.plain_cpu_seconds:.1f}",
            one.selected,
            one.compiled or "no",
            f"{one.row_microseconds:.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model_choice", description="Models chosen by default.")
    names = [sample.name for sample in SAMPLES]
    parser.add_argument("--table", action="append", choices=names, help="only this table; several times for more")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/models.md as well")
    options = parser.parse_args(arguments)
    outcomes = Outcomes(
        date=datetime.now(UTC).replace(microsecond=0),
        cores=len(os.sched_getaffinity(0)),
        load_average_before=round(os.getloadavg()[0], 2),
        tables=tuple(_measured(sample for sample in SAMPLES if sample.name in (options.table or names))),
    )
    _FILE.parent.mkdir(parents=True, exist_ok=True)
    _FILE.write_text(outcomes.model_dump_json(indent=2) + "\n", encoding="utf-8")
    page = render(outcomes)
    sys.stdout.write(page)
    if options.publish:
        _PAGE.write_text(page, encoding="utf-8")


def _measured(samples: Iterable[Sample]) -> Iterator[Outcome]:
    for sample in samples:
        sys.stderr.write(f"{sample.name}: {sample.about}\n")
        with TemporaryDirectory(prefix="bench-models-") as folder:
            yield measure(sample, Path(folder))


if __name__ == "__main__":
    main()
