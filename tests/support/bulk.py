"""A version that scores tables, made in a moment: a few small trees on every kind of column."""

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from skylift.bulk.plan import Plan
from skylift.bulk.scoring import BulkModel
from skylift.bulk.sources import CsvForm, Source
from skylift.conformal import Margins
from skylift.contract import Contract, Target
from skylift.encoding import RowEncoder
from skylift.feature import Feature
from skylift.manifest import BASELINE_FILE, COMPILED_FILE, MODEL_FILE, Compiled, Golden, Manifest, Prediction
from skylift.predictors import OnnxPredictor
from skylift.scoring import predictions
from tests.support.manifests import Draft, manifest
from training.compile.exact import convert

FEATURES = (
    Feature(name="age", kind="integer", example=40),
    Feature(name="score", kind="number", required=False, missing=("-999",), example=1.5),
    Feature(name="member", kind="boolean", required=False, example=True),
    Feature(
        name="city", column="City", kind="category", categories=("Lyon", "Oslo"), unknown="missing", example="Oslo"
    ),
    Feature(name="plan", kind="category", categories=("basic", "plus"), unknown="refuse", required=False),
    Feature(name="day", kind="datetime", form="%d.%m.%Y", origin=date(2020, 1, 1), parts=("month",), required=False),
)

CLASSES = Contract(
    task="classification", features=FEATURES, target=Target(name="churned", classes=("no", "yes")), ignored=("churned",)
)
VALUES = Contract(
    task="regression",
    features=FEATURES,
    target=Target(name="rent", margins=Margins(level=0.9, edges=(0.5,), low=(-1.0, -2.0), high=(1.0, 3.0))),
)

ROW: dict[str, Any] = {
    "age": 40,
    "score": 1.5,
    "member": True,
    "City": "Oslo",
    "plan": "plus",
    "day": "31.12.2020",
}


def rows_of(count: int) -> list[dict[str, Any]]:
    """Rows that differ, with a column that is not a feature."""
    return [
        ROW
        | {
            "id": f"row {number}",
            "age": 18 + number % 70,
            "score": None if number % 7 == 1 else number % 13 / 4,
            "City": ("Oslo", "Lyon", "Rome")[number % 3],
        }
        for number in range(count)
    ]


@cache
def bulk_package(contract: Contract = CLASSES) -> Draft:
    """A version of the contract, ready to publish."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, contract.width)) * 3
    rows[:, 0] = rng.integers(18, 90, 60)
    kinds = {"max_iter": 3, "min_samples_leaf": 5}
    estimator = (
        HistGradientBoostingClassifier(**kinds) if contract.target.classes else HistGradientBoostingRegressor(**kinds)
    )
    targets = rows[:, 0] > 50 if contract.target.classes else rows[:, 0] / 90
    data = convert(estimator.fit(rows, targets), contract).SerializeToString()
    artifacts = {MODEL_FILE: b"a pickle", COMPILED_FILE: data, BASELINE_FILE: b"{}"}
    return Draft(lambda version: _manifest(version, contract, artifacts), artifacts)


@cache
def bulk_model(contract: Contract = CLASSES) -> BulkModel:
    """The same version, ready to score."""
    package = bulk_package(contract)
    return BulkModel.of("v1", "0" * 64, package.describe(1), package.artifacts.__getitem__)


def _manifest(version: int, contract: Contract, artifacts: dict[str, bytes]) -> Manifest:
    encoder, data = RowEncoder(contract), artifacts[COMPILED_FILE]
    instance = dict(contract.example)
    scores = OnnxPredictor(data).scores(encoder.encode([instance]))
    answers = tuple(Prediction.model_validate(each) for each in predictions(contract, scores))
    return manifest(
        version,
        contract=contract,
        artifacts=artifacts,
        compiled=Compiled(format="onnx", converter="skylift"),
        golden=Golden(instances=(instance,), predictions=answers),
    )


def comma_separated(source: Source) -> CsvForm:
    """The form of a plain CSV file."""
    header = Path(source.address).read_text(encoding="utf-8").partition("\n")[0]
    return CsvForm(encoding="utf-8", delimiter=",", names=tuple(header.split(",")), first=1)


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Rows as JSON Lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def planned(address: Path | str, version: str = "") -> Plan:
    """The plan of a table."""
    return Plan.of(str(address), comma_separated, version=version)
