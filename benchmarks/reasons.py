"""What reasons cost a request: `python -m benchmarks.reasons [--publish]`.

Compiled models of several sizes answer the same instance with `explain=true` and without, in turns. Measured is the
processor time of the request, its log line included. Prints a table and writes it to `build/benchmarks/reasons.md`, or
to `docs/benchmarks/reasons.md` to publish it.
"""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.datasets import make_classification

from benchmarks.pages import write_page
from benchmarks.profiles import ask
from benchmarks.report import table
from inference.access_log import AccessLog
from inference.answering import Answering
from inference.predict import Predict
from tests.support.fakes import HostHarness
from tests.support.models import iris_config
from training.config import Candidate, ModelConfig
from training.config.table import DataSection, TargetSection
from training.job import Trained, train
from training.release.packaging import pack

MODELS = {
    "logistic": Candidate(name="logistic", estimator="sklearn.linear_model.LogisticRegression"),
    "boosting": Candidate(name="boosting", estimator="sklearn.ensemble.HistGradientBoostingClassifier"),
    "forest": Candidate(name="forest", estimator="sklearn.ensemble.RandomForestClassifier"),
}
SIZES = ((1_000, 10), (5_000, 10), (1_000, 30))
"""Rows and features of the tables beside iris."""

_TURNS = 40
_MANY = 20


def tables(folder: Path) -> Iterator[tuple[str, ModelConfig]]:
    """What the models are trained on: iris, and tables of two classes whose features are all different numbers."""
    yield "iris, 4 features", iris_config()
    for rows, features in SIZES:
        numbers, classes = make_classification(rows, features, n_informative=features // 2, random_state=0)
        path = folder / f"{rows}-{features}.csv"
        header = ",".join([*(f"x{place}" for place in range(features)), "y"])
        columns = np.column_stack([numbers, classes])
        np.savetxt(path, columns, fmt=["%.6f"] * features + ["%d"], delimiter=",", header=header, comments="")
        target = TargetSection(column="y", task="classification")
        config = ModelConfig(model="reasons", data=DataSection(path=path), target=target)
        yield f"{rows:,} rows, {features} features", config


def measured(trained: Trained) -> list[float]:
    """Milliseconds of a request with one instance, of one with its reasons, and of each of many with theirs."""
    harness = HostHarness()
    harness.activate(pack(trained))
    harness.host.wait_until_loaded()
    service = AccessLog(Predict(Answering(harness.host)), harness.host, stage="bench", model="reasons")
    instances = [trained.table.instance(int(row)) for row in trained.split.holdout[:_MANY]]
    one, many = (json.dumps({"instances": part}).encode() for part in (instances[:1], instances))
    asked: list[tuple[bytes, bytes]] = [(one, b""), (one, b"explain=true"), (many, b"explain=true")]
    for body, query in asked:
        ask(service, body, query)
    turns = [[ask(service, *each)[0] / 1000 for each in asked[:2]] for _ in range(_TURNS)]
    plain, explained = (median(turn[place] for turn in turns) for place in (0, 1))
    together = median(ask(service, *asked[2])[0] / 1000 for _ in range(3))
    return [plain, explained, together / len(instances)]


def main() -> None:
    """Measure all models."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reasons", description="What reasons cost a request.")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/reasons.md")
    arguments = parser.parse_args()
    header = ["trained on", "model", "without, ms", "with reasons, ms", f"each of {_MANY}, ms"]
    rows: list[list[str]] = []
    with TemporaryDirectory(prefix="reasons-") as name:
        for told, config in tables(Path(name)):
            for candidate in MODELS.values():
                trained = train(config.model_copy(update={"candidates": (candidate,), "select_by": "accuracy"}))
                if trained.compiled.data is None:
                    raise ValueError(f"{candidate.name} has no compiled form: {trained.compiled.outcome.reason}")
                rows.append([told, candidate.name, *(f"{figure:.2f}" for figure in measured(trained))])
    write_page("reasons", f"{datetime.now(UTC):%Y-%m-%d}\n\n{table(header, rows)}\n", publish=arguments.publish)


if __name__ == "__main__":
    main()
