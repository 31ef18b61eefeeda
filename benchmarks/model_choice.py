"""How good the model is that training chooses by default, how soon, and how fast it answers.

Run it by `make bench-models`, or `python -m benchmarks.model_choice [--table NAME] [--publish]` once that made the
environment of the peers. Each table is trained on by `skylift train` in a process of its own, without candidates in
`model.yaml`, and by each peer on the same rows. Writes `build/bench-models.json`, a table at a time: a run of all
starts it again, a run of one keeps what was found for the others; then the page and the picture.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic_core import to_json

from benchmarks.model_outcomes import Outcome, Outcomes, Rival, judge
from benchmarks.model_page import draw, render
from benchmarks.model_tables import SAMPLES, TARGET, Sample
from benchmarks.pages import write_page
from benchmarks.peer_models import PEERS, fit_peer
from skylift.predictors import load_predictor
from training.config import load_config
from training.data.prepare import table_and_split
from training.data.table import Split, Table
from training.metrics.intervals import difference
from training.metrics.registry import METRICS
from training.metrics.resamples import ScoredRows
from training.metrics.scores import score_metrics
from training.release.folder import read_version_file

_FILE = Path(__file__).parents[1] / "build" / "bench-models.json"
_SEED = 42
_INSTANCES = 10
"""Rows of the holdout that the handler is asked for, one in each request."""


def measure(sample: Sample, folder: Path) -> Outcome:
    """Train on a table, and fit the peers on the same rows.

    Parameters
    ----------
    folder
        Folder for the table and the version.

    Raises
    ------
    CalledProcessError
        Training or the handler failed; standard error says why.
    """
    load = os.getloadavg()[0]
    config, file = _write(sample, folder)
    version = folder / "version"
    _say("skylift train")
    seconds, cpu_seconds = _train(config, version)
    manifest = read_version_file(version)
    table, split = table_and_split(load_config(config).table)
    target, truth = manifest.contract.target, table.targets[split.holdout]
    predictor = load_predictor(manifest, lambda name: (version / name).read_bytes())
    ours = ScoredRows(target, truth, predictor.scores(table.rows[split.holdout]))
    familiar = _familiar(len(target.classes))

    def known(rows: ScoredRows) -> float:
        return score_metrics(manifest.contract, rows.targets, rows.scores, [METRICS[familiar]])[familiar]

    rivals = {}
    groups = [column for kind, column in sample.split.items() if kind == "group"]
    for peer in PEERS:
        _say(peer)
        try:
            found = fit_peer(peer, file, table, split, drop=groups)
        except subprocess.CalledProcessError as error:
            _say(f"{peer} cannot learn from {sample.name}: {error.stderr.strip().splitlines()[-1]}")
            continue
        theirs = ScoredRows(target, truth, found.scores)
        rivals[peer] = Rival(
            difference=difference(
                theirs, ours, metric=manifest.select_by, seed=_SEED, clusters=table.clusters(split.holdout)
            ),
            familiar=known(theirs),
            seconds=round(found.seconds, 2),
            row_microseconds=round(found.row_microseconds, 1),
        )
    _say("one row in the handler")
    return Outcome(
        table=sample.name,
        about=sample.about,
        date=datetime.now(UTC).replace(microsecond=0),
        cores=len(os.sched_getaffinity(0)),
        load_average_before=round(load, 2),
        rows=manifest.lineage.data_rows,
        features=len(manifest.contract.features),
        metric=manifest.select_by,
        familiar_metric=familiar,
        score=score_metrics(manifest.contract, truth, ours.scores, [METRICS[manifest.select_by]])[manifest.select_by],
        familiar=known(ours),
        seconds=round(seconds, 1),
        cpu_seconds=round(cpu_seconds, 1),
        selected=manifest.selected,
        compiled=manifest.compiled.converter,
        row_microseconds=round(_time_of_a_row(version, table, split), 1),
        rivals=rivals,
    )


def _familiar(classes: int) -> str:
    """The metric that people know a table by."""
    return "r2" if not classes else "roc_auc" if classes == 2 else "accuracy"


def _write(sample: Sample, folder: Path) -> tuple[Path, Path]:
    """Write a table with its `model.yaml`, which has no candidates; the latter's path, then the former's."""
    folder.mkdir(parents=True, exist_ok=True)
    file, path = folder / "table.csv", folder / "model.yaml"
    sample.frame().to_csv(file, index=False)
    document = {
        "model": sample.name,
        "data": {"path": file.name},
        "target": {"column": TARGET, "task": sample.task},
        "split": {"seed": _SEED, **sample.split},
    }
    path.write_text(json.dumps(document), encoding="utf-8")  # YAML as well
    return path, file


def _train(config: Path, version: Path) -> tuple[float, float]:
    """Seconds of `skylift train`, by the clock and of all cores."""
    command = [str(Path(sys.executable).parent / "skylift"), "train", "-c", str(config), "--output", str(version)]
    started, before = time.monotonic(), _cpu_seconds_of_children()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stderr)
    done.check_returncode()
    return time.monotonic() - started, _cpu_seconds_of_children() - before


def _cpu_seconds_of_children() -> float:
    usage = os.times()
    return usage.children_user + usage.children_system


def _time_of_a_row(version: Path, table: Table, split: Split) -> float:
    """Median microseconds of a request with one row; see `benchmarks.one_row`."""
    instances = [table.instance(int(place)) for place in split.holdout[:_INSTANCES]]
    command = [sys.executable, "-m", "benchmarks.one_row", str(version)]
    done = subprocess.run(command, check=True, input=to_json(instances), stdout=subprocess.PIPE)
    return float(done.stdout)


def _say(words: str) -> None:
    sys.stderr.write(f"  {words}\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write, print; ends with 1 if the twelve do not reach a bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model_choice", description="Models chosen by default.")
    names = [sample.name for sample in SAMPLES]
    parser.add_argument("--table", action="append", choices=names, help="only this table; several times for more")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/models.md and its picture")
    options = parser.parse_args(arguments)
    chosen = [sample for sample in SAMPLES if sample.name in (options.table or names)]
    if not options.table:
        _FILE.unlink(missing_ok=True)  # whatever wrote it, a full run stands alone
    for number, sample in enumerate(chosen, start=1):
        sys.stderr.write(f"{number} of {len(chosen)}: {sample.name} ({sample.about})\n")
        with TemporaryDirectory(prefix="bench-models-") as folder:
            found = measure(sample, Path(folder))
        outcomes = Outcomes.read(_FILE).with_(found, order=names)
        outcomes.write(_FILE)
    draw(outcomes, write_page("models", render(outcomes), publish=options.publish).with_suffix(".svg"))
    if len(outcomes.tables) == len(SAMPLES) and not all(bound.reached for bound in judge(outcomes.tables)):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
