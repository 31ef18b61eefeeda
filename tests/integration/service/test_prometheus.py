"""A real Prometheus scrapes the plain server under load, with the rules and alerts of the repository."""

import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from inference.app import App
from inference.route import LABELS_PATH
from inference.routes import METRICS, ROUTES
from inference.server import HttpProtocol, with_operations
from inference.server_metrics import ServerMetrics
from inference.settings import InferenceSettings
from skylift.bucket import Bucket
from skylift.http.request_log import RequestLog
from tests.support.asgi_client import HttpClient
from tests.support.drift import report
from tests.support.fakes import HostHarness, MemoryBucket
from tests.support.listening import listening
from tests.support.models import IRIS_SETOSA, iris_package
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.waiting import wait_until

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
SETTINGS = InferenceSettings(bucket="models", stage="test", model="iris")


def app_of(harness: HostHarness, bucket: Bucket | None = None) -> App:
    paths = [LABELS_PATH, *(route.path for route in (*ROUTES, METRICS))]
    metrics = ServerMetrics(harness.host, model="iris", paths=paths)
    return App(SETTINGS, harness.host, bucket, metrics=metrics)


def drifting() -> MemoryBucket:
    """A bucket whose latest report says that rows drift."""
    return MemoryBucket({"reports/iris/latest.json": report(longer_petals=1.5).to_bytes()})


def served(harness: HostHarness, bucket: Bucket | None = None) -> AbstractContextManager[str]:
    """The plain server in a thread; its address."""
    return listening(app_of(harness, bucket), http=HttpProtocol, log_level="warning")


@pytest.fixture
def harness() -> HostHarness:
    """A host with iris v1 in place."""
    made = HostHarness()
    made.activate(iris_package())
    made.host.wait_until_loaded()
    return made


class Prometheus:
    """A Prometheus that looks every second, whose alerts fire at once.

    Parameters
    ----------
    folder
        Folder for its configuration and its data.
    targets
        Addresses to scrape.
    """

    def __init__(self, folder: Path, targets: list[str]) -> None:
        for file in (ROOT / "monitoring").glob("*.yml"):
            text = re.sub(r"(?m)^ +for: .*\n", "", file.read_text(encoding="utf-8")).replace("15s", "1s")
            (folder / file.name).write_text(text.replace('["127.0.0.1:8000"]', json.dumps(targets)), encoding="utf-8")
        self._address = f"127.0.0.1:{free_port()}"
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    PROMETHEUS or "",
                    f"--config.file={folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address={self._address}",
                ],
                stdout=log,
                stderr=log,
            )

    def ask(self, expression: str) -> dict[tuple[str, ...], float]:
        """Values of an expression now, by the values of their labels in the order of their names."""
        query = urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(f"http://{self._address}/api/v1/query?{query}") as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except OSError:
            return {}  # it does not listen yet
        return {
            tuple(series["metric"][name] for name in sorted(series["metric"])): float(series["value"][1])
            for series in found
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


def test_a_plain_server_answers_with_what_it_has_counted(harness: HostHarness) -> None:
    client = HttpClient(app_of(harness))
    client.predict(IRIS_SETOSA)
    client.predict({"instances": []})
    client.get("/nowhere/secret")

    answer = client.get("/metrics")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'ml_predictions_total{model="iris",version="v1"} 1.0\n' in answer.text
    assert 'ml_prediction_errors_total{model="iris",reason="invalid-instance",version="v1"} 1.0\n' in answer.text
    assert 'api_requests_total{method="GET",route="other",status="404"} 1.0\n' in answer.text
    assert 'ml_model_load_total{model="iris",status="success"} 1.0\n' in answer.text
    assert "secret" not in answer.text
    assert 'api_requests_total{method="GET",route="/metrics",status="200"} 1.0\n' in client.get("/metrics").text


@pytest.mark.skipif(PROMTOOL is None, reason="needs promtool: .ci/prometheus.sh installs it on Debian")
def test_promtool_reads_it_and_minds_two_names_alone(harness: HostHarness) -> None:
    client = HttpClient(app_of(harness, drifting()))
    client.predict(IRIS_SETOSA)
    client.predict([])
    text = client.get("/metrics").text

    ended = subprocess.run(
        [PROMTOOL or "", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )

    minded = {line.split()[0] for line in (ended.stdout + ended.stderr).splitlines()}
    assert minded == {"ml_drifted_feature_count", "process_thread_count"}  # the contract has them


def test_labels_are_counted_with_all_other_requests(harness: HostHarness) -> None:
    async def kept(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    client = HttpClient(with_operations(app_of(harness), ["/labels"], RequestLog(kept, stage="test", model="iris")))
    client.request("POST", LABELS_PATH)

    counted = client.get("/metrics").text
    assert 'api_requests_total{method="POST",route="/labels",status="202"} 1.0\n' in counted


def test_drift_is_that_of_the_latest_report_and_nothing_without_one(harness: HostHarness) -> None:
    bucket = drifting()

    assert (
        'ml_drift_detected{model="iris",version="v7"} 1\n' in HttpClient(app_of(harness, bucket)).get("/metrics").text
    )
    bucket.objects["reports/iris/latest.json"] = b"half of a rep"
    for found in (bucket, MemoryBucket({}), None):
        answer = HttpClient(app_of(harness, found)).get("/metrics")
        assert answer.status_code == 200
        assert "drift" not in answer.text


@pytest.mark.skipif(PROMETHEUS is None, reason="needs Prometheus: .ci/prometheus.sh installs it on Debian")
def test_prometheus_counts_what_was_sent_and_alerts_of_what_is_wrong(harness: HostHarness, tmp_path: Path) -> None:
    without_model = HostHarness()
    with served(harness, drifting()) as sound, served(without_model) as broken, httpx.Client() as client:
        for number in range(60):
            client.post(f"http://{sound}/predict", json={"instances": [IRIS_SETOSA] * 2})
            client.post(f"http://{sound}/predict", json=[] if number % 3 else {"instances": [{}]})
        with Prometheus(tmp_path, [sound, broken]) as prometheus:
            counted = 'sum by (status) (api_requests_total{route="/predict"})'
            wait_until(lambda: bool(prometheus.ask(counted)), what="it has scraped")

            assert prometheus.ask(counted) == {("200",): 60, ("422",): 60}
            assert prometheus.ask("ml_predictions_total").popitem()[1] == 120
            assert prometheus.ask("sum by (reason) (ml_prediction_errors_total)") == {("invalid-instance",): 60}
            assert prometheus.ask('sum(api_request_duration_seconds_count{route="/predict"})') == {(): 120}
            assert prometheus.ask("ALERTS{alertname='SkyliftServerErrors'}") == {}

            def firing() -> set[str]:
                client.post(f"http://{broken}/predict", json=IRIS_SETOSA)
                return {labels[0] for labels in prometheus.ask("sum by (alertname) (ALERTS{alertstate='firing'})")}

            wait_until(lambda: firing() >= {"SkyliftServerErrors", "SkyliftNoModel", "SkyliftDrift"}, what="they fire")
