"""Reports of the monitor on windows of iris traffic."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from skylift.monitoring.counts import Counts
from skylift.monitoring.expected import ExpectedAccuracy, Part
from skylift.monitoring.report import Report, report_on
from skylift.monitoring.verdict import alpha_per_look
from skylift.monitoring.window import ANY, Window
from tests.support.drift import iris, trained_iris
from tests.support.manifests import manifest

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 8, 10, tzinfo=UTC)
IRIS = trained_iris()
ROWS, SPECIES, _ = iris()
MANIFEST = manifest(7, contract=IRIS.contract)
CERTAINTY = ExpectedAccuracy(
    rows=150,
    value=0.95,
    error=0.01,
    method="none",
    confidence=(0.0, 1.0),
    right=(0.0, 1.0),
    parts=(Part(rows=150, expected=0.95, right=0.95),),
    ece_before=0.1,
    ece=0.1,
)


def counted(rows: int, *, longer_petals: float = 0.0) -> Counts:
    places = np.random.default_rng(rows).integers(0, 150, rows)
    counts = IRIS.window(ROWS[places] + np.array([0, 0, longer_petals, 0]), SPECIES[places])
    return Counts(counts.requests, counts.rows, counts.features, counts.predictions, 0.9 * rows)


def window(counts: dict[str, Counts], *, start: datetime = START) -> Window:
    return Window(
        start=start,
        end=start + HOUR,
        counts=counts,
        without_profile=3,
        refused={"invalid-instance": {ANY: 5, "petal_width": 4}},
        failed=2,
        unreadable=1,
        duplicates=6,
        objects=9,
        objects_read=8,
        cut=True,
        late=4,
    )


def report(counts: dict[str, Counts], *, start: datetime = START, **others: Any) -> Report:
    baseline = IRIS.baseline.model_copy(update={"confidence": CERTAINTY})
    return report_on(window(counts, start=start), MANIFEST, baseline, alpha=alpha_per_look(HOUR), **others)
