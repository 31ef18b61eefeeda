"""Models in memory whose answers follow from their contracts by a formula: what the page for people is shown with."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.app import App
from inference.model import ServedModel
from inference.settings import InferenceSettings
from skylift.background import BACKGROUND_FILE, Background
from skylift.bucket import Bucket
from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.metrics import Metrics
from skylift.scoring import Matrix
from tests.support.contracts import row_encoder
from tests.support.fakes import HostHarness
from tests.support.manifests import manifest
from training.release.packaging import Package

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Formula:
    """Scores rows by sums of their columns, each within its range and with a weight by its place.

    A value is the sum; of classes, each has its own weights, and the softmax of the sums is the answer.
    """

    def __init__(self, contract: Contract) -> None:
        self._starts, self._widths = _ranges(contract)
        columns, outputs = np.arange(contract.width)[:, None], np.arange(max(1, len(contract.target.classes)))[None, :]
        self._weights = np.cos(1.0 + columns * 1.7 + outputs * (2.1 + columns)) * 6.0
        self._classes = len(contract.target.classes)

    def scores(self, rows: Matrix) -> Matrix:
        shares = np.nan_to_num((rows - self._starts) / self._widths, nan=0.5)
        sums: NDArray[np.float64] = shares @ self._weights
        if not self._classes:
            return 500.0 + 100.0 * sums[:, 0]
        powers = np.exp(sums - sums.max(axis=1, keepdims=True))
        found: Matrix = powers / powers.sum(axis=1, keepdims=True)
        return found


def _ranges(contract: Contract) -> tuple[Matrix, Matrix]:
    """Low end and width of the range of each column."""
    ends = [
        (feature.min or 0.0, feature.max or max(len(feature.levels) - 1.0, 1.0))
        for feature in contract.features
        for _ in range(feature.width)
    ]
    return np.array([low for low, _ in ends]), np.array([high - low or 1.0 for low, high in ends])


def number(name: str, low: float = 0.0, high: float = 10.0, **fields: Any) -> Feature:
    """A number that is in the middle of its range."""
    return Feature(
        name=name, kind="number", min=low, max=high, mean=(low + high) / 2, example=(low + high) / 2, **fields
    )


def classes(count: int) -> tuple[str, ...]:
    return tuple(f"class {place:02}" for place in range(count))


CITIES = tuple(f"City {place:03}" for place in range(500))

EVERY_KIND = (
    number("size", 20.0, 180.0, unit="m2", description="Living area"),
    Feature(name="rooms", kind="integer", min=1, max=9, mean=3, example=3),
    Feature(name="lift", kind="boolean", required=False, example=True),
    Feature(name="heating", kind="category", categories=("gas", "district", "pump"), required=False, example="gas"),
    Feature(name="city", kind="category", categories=CITIES, unknown="missing", example="City 007"),
    Feature(
        name="built",
        kind="datetime",
        form="%d.%m.%Y",
        origin=date(1990, 1, 1),
        min=0,
        max=10000,
        mean=5000,
        example="2004-05-15",
    ),
    Feature(
        name="seen",
        kind="datetime",
        form="%Y-%m-%dT%H:%M:%S%z",
        origin=date(2020, 1, 1),
        min=0,
        max=1000,
        mean=500,
        required=False,
        example="2021-05-15T10:00:00Z",
    ),
    Feature(
        name="notes",
        kind="text",
        max_length=200,
        directions=3,
        min=0,
        max=200,
        mean=50,
        required=False,
        example="quiet street",
    ),
)
"""A feature of each kind; one is a category of 500 values."""


def contract_of(features: int, target: Target | None = None) -> Contract:
    """A contract of so many numbers, for some classes or a value."""
    target = target or Target(name="species", classes=("setosa", "versicolor", "virginica"))
    named = tuple(number(f"measure_{place:03}", description=f"Sensor {place % 7}") for place in range(features))
    return Contract(task="classification" if target.classes else "regression", features=named, target=target)


def background(contract: Contract) -> bytes:
    """Six rows from the low end of every range to the high one."""
    starts, widths = _ranges(contract)
    rows = starts + np.linspace(0.0, 1.0, 6)[:, None] * widths
    return Background(rows, np.full(6, 1 / 6)).to_bytes()


def page_service(contract: Contract, *, bucket: Bucket | None = None, explains: bool = True, **settings: Any) -> App:
    """The service over registries in memory, with a model of this contract."""
    artifacts = {BACKGROUND_FILE: background(contract)} if explains else {}
    measured = {"accuracy": 0.97, "log_loss": 0.11} if contract.target.classes else {"rmse": 25.0, "mae": 18.0}
    metrics = Metrics(cross_validated={}, holdout=measured)
    harness = HostHarness()
    package = Package(
        lambda version: manifest(version, artifacts=artifacts, contract=contract, metrics=metrics), artifacts
    )
    reference = harness.activate(package)
    harness.host.model = ServedModel.of(
        reference,
        harness.store.resolve(reference).manifest,
        Formula(contract),
        max_instances=settings.get("max_instances", 1000),
        loaded_at=datetime.now(UTC),
        encoder=row_encoder(contract),
    )
    return App(InferenceSettings(bucket="models", model="iris", **settings), harness.host, bucket)
