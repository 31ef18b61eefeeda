"""What the monitor makes of the lines that a service of iris wrote."""

from datetime import UTC, datetime, timedelta

from skylift.manifest import BASELINE_FILE
from skylift.monitoring.baseline import Baseline
from skylift.monitoring.profile import Shape
from skylift.monitoring.records import Reader
from skylift.monitoring.report import Report, report_on
from skylift.monitoring.verdict import alpha_per_look
from skylift.monitoring.window import collect
from tests.support.models import iris_package


def iris_baseline() -> Baseline:
    """The training distribution of iris v1."""
    baseline = Baseline.of_version(iris_package().artifacts[BASELINE_FILE], source=BASELINE_FILE)
    assert baseline is not None
    return baseline


def report_on_log(log: str) -> Report:
    """What the monitor says of a log."""
    baseline, now, reader = iris_baseline(), datetime.now(UTC), Reader()
    window = collect(
        reader,
        reader.chunks([log.encode()]),
        {"v1": Shape.of(baseline)}.get,
        start=now - timedelta(hours=1),
        end=now + timedelta(minutes=1),
    )
    assert (window.unreadable, window.duplicates) == (0, 0)
    return report_on(window, iris_package().describe(1), baseline, alpha=alpha_per_look(timedelta(seconds=30)))
