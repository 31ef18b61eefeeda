"""`GET /drift-status`: from the lines that the service wrote, by the monitor, to its own answer."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inference.drift_status import KEPT_SECONDS
from skylift.bucket import Bucket
from skylift.monitoring.monitor import Monitor, Outcome
from skylift.monitoring.report_store import ReportStore
from skylift.monitoring.sources import LogFile
from skylift.pointer import ActivePointer
from skylift.store import VersionStore
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.asgi_client import PROBLEM
from tests.support.drift import iris
from tests.support.faults import before, fails_with, throttled
from tests.support.whole_service import Service

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")


class Watched:
    """A service whose lines go to a file that a monitor reads.

    Parameters
    ----------
    service
        The service.
    path
        Path of the file.
    capsys
        What pytest captures of stdout.
    """

    def __init__(self, service: Service, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.service = service
        self._path = path
        self._capsys = capsys
        self._monitor = Monitor(
            LogFile(path),
            VersionStore(BUCKET, MODEL, client=service.bucket),
            ActivePointer(STAGE, MODEL, client=service.parameters),
            ReportStore(Bucket(BUCKET, client=service.bucket), MODEL),
            every=timedelta(hours=1),
        )

    def send(self, *, longer_petals: float = 0.0) -> None:
        """Send the sample table in one request."""
        rows = iris()[0] + [0, 0, longer_petals, 0]
        instances = [dict(zip(FEATURES, row, strict=True)) for row in rows.tolist()]
        assert self.service.client.predict({"instances": instances}).status_code == 200

    def watch(self) -> Outcome:
        """Let the monitor judge the last hour."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(self._capsys.readouterr().out)
        now = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
        return self._monitor.run(now - timedelta(hours=1), now)

    def status(self) -> Any:
        return self.service.client.get("/drift-status")


@pytest.fixture
def watched(serving: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Watched:
    return Watched(serving, tmp_path / "service.log", capsys)


def test_shifted_rows_are_told_with_the_feature_and_the_bins_that_moved(watched: Watched) -> None:
    for _ in range(3):
        watched.send(longer_petals=1.5)
    watched.watch()

    response = watched.status()

    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    found = response.json()
    assert (found["model"], found["version"], found["state"], found["window"]["rows"]) == ("iris", "v1", "drift", 450)
    assert (found["features"][0]["name"], found["features"][0]["state"]) == ("petal_length", "drift")
    assert any(moved.startswith("petal_length ") and " -> " in moved for moved in found["features"][0]["moved"])
    assert 0 <= found["age_seconds"] < 60


def test_the_same_is_a_page_that_the_card_and_the_docs_lead_to(watched: Watched) -> None:
    get = watched.service.client.get
    for _ in range(3):
        watched.send(longer_petals=1.5)
    watched.watch()

    page = get("/drift-report")

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "script-src" not in page.headers["content-security-policy"]
    assert "petal_length: training and this window" in page.text
    assert '<a href="drift-report">traffic of v1: drift</a>' in get("/model-card").text
    assert 'href="drift-report"' in get("/docs").text


def test_before_the_first_report_there_is_no_page_and_the_card_has_no_link(watched: Watched) -> None:
    response = watched.service.client.get("/drift-report")

    assert (response.status_code, response.headers["content-type"]) == (404, PROBLEM)
    assert "drift-report" not in watched.service.client.get("/model-card").text


def test_a_report_that_cannot_be_read_costs_the_card_its_link_alone(watched: Watched) -> None:
    watched.service.bucket.put_object(Bucket=BUCKET, Key=f"reports/{MODEL}/latest.json", Body=b"{")

    response = watched.service.client.get("/model-card")

    assert response.status_code == 200
    assert "drift-report" not in response.text


def test_rows_of_the_table_are_stable(watched: Watched) -> None:
    for _ in range(3):
        watched.send()
    watched.watch()

    assert watched.status().json()["state"] == "stable"


def test_before_the_first_report_it_is_a_404_that_says_what_to_do(watched: Watched) -> None:
    response = watched.status()

    assert (response.status_code, response.headers["content-type"]) == (404, PROBLEM)
    assert response.json()["type"] == "urn:skylift:problem:no-drift-report"
    assert "skylift monitor" in response.json()["detail"]


def test_a_fault_of_s3_costs_no_prediction(watched: Watched, capsys: pytest.CaptureFixture[str]) -> None:
    before(watched.service.s3, "GetObject", fails_with(throttled("SlowDown")))

    response = watched.status()

    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    assert response.json()["type"] == "urn:skylift:problem:no-drift-report-now"
    warned, *_ = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (warned["level"], warned["correlation_id"]) == ("WARNING", response.headers["x-request-id"])
    assert "SlowDown" in warned["why"]
    watched.send()


def test_predictions_never_read_it(watched: Watched) -> None:
    fault = before(watched.service.s3, "GetObject", lambda _: None)
    watched.send()
    assert fault.calls == 0

    for _ in range(3):
        watched.status()

    assert (fault.calls, KEPT_SECONDS) == (1, 10)


def test_it_is_described(watched: Watched) -> None:
    assert "GET /drift-status" in watched.service.client.get("/").json()["paths"]
    assert set(watched.service.client.get("/openapi.json").json()["paths"]["/drift-status"]["get"]["responses"]) >= {
        "200",
        "404",
        "503",
    }
