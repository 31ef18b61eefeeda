"""Small versions without a trained model, for tests of what stores and reads them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.manifest import BASELINE_FILE, MODEL_FILE, Artifact, Compiled, Golden, Lineage, Manifest, Prediction
from skylift.metrics import Gate, LeaderboardEntry, Metrics, Spread
from skylift.references import sha256

FLOWERS = Contract(
    task="classification",
    features=(Feature(name="petal_length", kind="number", min=1.0, max=7.0, mean=3.8, unit="cm", example=1.4),),
    target=Target(name="species", classes=("setosa", "virginica")),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What `VersionStore.publish` takes."""

    describe: Callable[[int], Manifest]
    artifacts: dict[str, bytes]


def manifest(version: int = 1, *, artifacts: dict[str, bytes] | None = None, **fields: Any) -> Manifest:
    """A manifest of iris that is valid where the named fields are."""
    accuracy = Spread(mean=0.95, std=0.01, folds=(0.94, 0.96))
    made: dict[str, Any] = {
        "model": "iris",
        "version": version,
        "created_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "contract": FLOWERS,
        "metrics": Metrics(cross_validated={"accuracy": accuracy}, holdout={"accuracy": 0.97}),
        "leaderboard": (
            LeaderboardEntry(candidate="tree", estimator="m.Tree", params={}, scores={"accuracy": accuracy}),
        ),
        "selected": "tree",
        "select_by": "accuracy",
        "gates": (Gate(metric="accuracy", min=0.9, value=0.97, passed=True),),
        "golden": Golden(
            instances=({"petal_length": 1.4},),
            predictions=(Prediction(label="setosa", probabilities={"setosa": 1.0, "virginica": 0.0}),),
        ),
        "lineage": Lineage(
            data_sha256="0" * 64,
            data_rows=150,
            train_rows=120,
            holdout_rows=30,
            holdout=0.2,
            seed=42,
            config_sha256="1" * 64,
        ),
        "environment": {"python": "3.13.0", "scikit-learn": "1.9.1"},
        "artifacts": {name: Artifact(sha256=sha256(data), bytes=len(data)) for name, data in (artifacts or {}).items()},
        "compiled": Compiled(reason="not compiled"),
    }
    return Manifest.model_validate(made | fields)


def draft(content: bytes = b"a model", *, model: str = "iris") -> Draft:
    """A version of a model: three files, of which `model.joblib` holds the given bytes, and their manifest."""
    artifacts = {BASELINE_FILE: b"{}", MODEL_FILE: content, "card.html": b"<p>A card</p>"}
    return Draft(lambda version: manifest(version, artifacts=artifacts, model=model), artifacts)
