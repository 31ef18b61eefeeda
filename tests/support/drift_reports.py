"""Reports that also estimate accuracy, and count what was refused, failed or read twice."""

from datetime import datetime
from typing import Any

from skylift.monitoring.counts import Counts
from skylift.monitoring.expected import ExpectedAccuracy, Part
from skylift.monitoring.report import Report, report_on
from skylift.monitoring.verdict import alpha_per_look
from skylift.monitoring.window import ANY, Window
from tests.support.drift import HOUR, IRIS, START
from tests.support.manifests import manifest

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
    )


def report(counts: dict[str, Counts], *, start: datetime = START, **others: Any) -> Report:
    baseline = IRIS.baseline.model_copy(update={"confidence": CERTAINTY})
    return report_on(window(counts, start=start), MANIFEST, baseline, alpha=alpha_per_look(HOUR), **others)
