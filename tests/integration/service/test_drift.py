"""The lines that the service writes, read and judged by the monitor."""

import numpy as np
import pytest

from skylift.monitoring.verdict import State
from skylift.monitoring.window import ANY
from tests.support.drift import iris
from tests.support.logs import report_on_log
from tests.support.models import IRIS_SETOSA
from tests.support.whole_service import Service


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
    report = report_on_log(capsys.readouterr().out)

    assert (report.window["requests"], report.window["rows"], report.window["without_profile"]) == (21, 220, 0)
    assert report.state == state
    assert [shift.name for shift in report.features if shift.state == "drift"] == drifted
    assert report.refused == {"invalid-instance": {ANY: 1, "petal_width": 1}}
    assert report.expected is not None
