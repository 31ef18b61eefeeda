"""The lines that the service writes, read and judged by the monitor."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from skylift.manifest import BASELINE_FILE
from skylift.monitoring.baseline import Baseline
from skylift.monitoring.profile import Shape
from skylift.monitoring.records import Reader
from skylift.monitoring.report import Report, report_on
from skylift.monitoring.verdict import State, alpha_per_look
from skylift.monitoring.window import ANY, collect
from tests.support.drift import iris
from tests.support.models import IRIS_SETOSA, iris_package
from tests.support.whole_service import Service


def reported(log: str) -> Report:
    """What the monitor says of a log."""
    package = iris_package()
    baseline = Baseline.from_bytes(package.artifacts[BASELINE_FILE], source=BASELINE_FILE)
    assert baseline is not None
    now, reader = datetime.now(UTC), Reader()
    window = collect(
        reader,
        reader.chunks([log.encode()]),
        {"v1": Shape.of(baseline)}.get,
        start=now - timedelta(hours=1),
        end=now + timedelta(minutes=1),
    )
    assert (window.unreadable, window.duplicates) == (0, 0)
    return report_on(window, package.describe(1), baseline, alpha=alpha_per_look(timedelta(seconds=30)))


@pytest.mark.parametrize(
    ("wider", "state", "drifted"),
    [(0.0, "stable", []), (1.0, "drift", ["petal_width"])],
)
def test_rows_like_those_of_training_are_stable_and_shifted_ones_drift(
    serving: Service, capsys: pytest.CaptureFixture[str], wider: float, state: State, drifted: list[str]
) -> None:
    rows, _, _ = iris()
    sent = rows[np.random.default_rng(1).integers(0, len(rows), 220)] + np.array([0, 0, 0, wider])
    instances = [dict(zip(IRIS_SETOSA, row, strict=True)) for row in sent.tolist()]
    capsys.readouterr()

    for instance in instances[:20]:
        serving.client.predict(instance)
    serving.client.predict({"instances": instances[20:]})
    serving.client.predict(IRIS_SETOSA | {"petal_width": "wide"})
    report = reported(capsys.readouterr().out)

    assert (report.window["requests"], report.window["rows"], report.window["without_profile"]) == (21, 220, 0)
    assert report.state == state
    assert [shift.name for shift in report.features if shift.state == "drift"] == drifted
    assert report.refused == {"invalid-instance": {ANY: 1, "petal_width": 1}}
    assert report.expected is not None
