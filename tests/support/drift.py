"""Training rows by bin and windows of traffic, drawn with a seed, for tests and simulations of drift."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract, Target
from skylift.feature import Feature, Kind
from skylift.monitoring.baseline import Baseline, Bins, Distribution, FeatureDistribution
from skylift.monitoring.counts import Counts
from skylift.monitoring.report import Report, report_on
from skylift.monitoring.verdict import alpha_per_look
from skylift.monitoring.window import Window
from tests.support.manifests import manifest
from tests.support.paths import ROOT

type Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Trained:
    """What a monitor knows of a version.

    Parameters
    ----------
    contract, baseline
        Documents of the version.
    """

    contract: Contract
    baseline: Baseline

    @property
    def counts(self) -> Counts:
        """The training rows."""
        return Counts.of_training(self.baseline)

    def window(self, rows: Matrix, labels: Matrix) -> Counts:
        """Counts of rows `[n, features]` and class codes `[n]`, each a request."""
        bins = [feature.bins for feature in self.baseline.features.values()]
        features = tuple(each.counts(column) for each, column in zip(bins, rows.T, strict=True))
        return Counts(len(rows), len(rows), features, self.baseline.predictions.bins.counts(labels))


def trained(
    rows: Matrix, labels: Matrix, names: Sequence[str], classes: Sequence[str], kind: Kind = "number"
) -> Trained:
    """A version that learned these rows `[n, features]` and class codes `[n]`, in deciles."""
    all_bins = [_deciles(column) for column in rows.T]
    features = {
        name: FeatureDistribution(bins=bins, counts=tuple(bins.counts(column).tolist()))
        for name, bins, column in zip(names, all_bins, rows.T, strict=True)
    }
    bins = Bins(levels=tuple(classes))
    predictions = Distribution(bins=bins, counts=tuple(bins.counts(labels).tolist()))
    contract = Contract(
        task="classification",
        features=tuple(Feature(name=name, kind=kind) for name in names),
        target=Target(name="species", classes=tuple(classes)),
    )
    return Trained(contract, Baseline(rows=len(rows), features=features, predictions=predictions))


def iris() -> tuple[Matrix, Matrix, list[str]]:
    """The sample table: rows `[150, 4]`, class codes `[150]` and the classes."""
    with (ROOT / "data" / "raw" / "Iris.csv").open(encoding="utf-8") as file:
        _, *table = csv.reader(file)
    classes = sorted({line[-1] for line in table})
    rows = np.array([line[1:-1] for line in table], dtype=np.float64)
    return rows, np.array([classes.index(line[-1]) for line in table], dtype=np.float64), classes


def trained_iris() -> Trained:
    """A version that learned the sample table."""
    rows, labels, classes = iris()
    return trained(rows, labels, ("sepal_length", "sepal_width", "petal_length", "petal_width"), classes)


def _deciles(column: Matrix) -> Bins:
    inner = np.unique(np.quantile(column, np.linspace(0, 1, 11)[:-1]))
    return Bins(edges=(*inner.tolist(), float(np.nextafter(column.max(), np.inf))))


IRIS = trained_iris()
HOUR = timedelta(hours=1)
START = datetime(2026, 3, 8, 10, tzinfo=UTC)


def counted(rows: int, *, longer_petals: float = 0.0) -> Counts:
    """Counts of rows of the sample table, drawn with a seed, with longer petals."""
    flowers, species, _ = iris()
    places = np.random.default_rng(rows).integers(0, 150, rows)
    counts = IRIS.window(flowers[places] + np.array([0, 0, longer_petals, 0]), species[places])
    return replace(counts, confidence=round(0.9 * rows, 4))


def window(counts: Mapping[str, Counts], *, start: datetime = START) -> Window:
    """A window of an hour with these counts."""
    return Window(
        start=start,
        end=start + HOUR,
        counts=counts,
        without_profile=0,
        refused={},
        failed=0,
        unreadable=0,
        duplicates=0,
    )


def report(rows: int = 500, *, longer_petals: float = 0.0, start: datetime = START, version: int = 7) -> Report:
    """A report of so many rows of iris."""
    counts = {f"v{version}": counted(rows, longer_petals=longer_petals)}
    described = manifest(version, contract=IRIS.contract)
    return report_on(window(counts, start=start), described, IRIS.baseline, alpha=alpha_per_look(HOUR))
