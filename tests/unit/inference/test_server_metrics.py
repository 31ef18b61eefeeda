"""What a server's process tells Prometheus, as its own parser reads it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import values
from prometheus_client.parser import text_string_to_metric_families

from inference.server_metrics import OTHER, ServerMetrics, count_at
from inference.v2.described import V2_ROUTES
from inference.workers import WORKERS_FOLDER
from skylift.http.record import Record
from skylift.monitoring.exposition import FAMILIES
from skylift.monitoring.report import Report
from skylift.observability import MetricName, MetricPoint
from tests.support.drift_reports import counted, report
from tests.support.fakes import HostHarness
from tests.support.models import iris_package

PATHS = ["/predict", "/health", "/retrain/{id}", *(route.path for route in V2_ROUTES)]
LABELS = ("model", "version", "method", "route", "status", "reason", "le")


@pytest.fixture
def harness() -> HostHarness:
    """A host with iris v1 in place."""
    harness = HostHarness()
    harness.activate(iris_package())
    harness.host.wait_until_loaded()
    return harness


def metrics_of(harness: HostHarness) -> ServerMetrics:
    return ServerMetrics(harness.host, model="iris", paths=PATHS)


def observe(
    metrics: ServerMetrics, *points: MetricPoint, method: str = "POST", path: str = "/predict", **of: Any
) -> None:
    metrics.observe(method, path, Record("r-1", **{"status": 200, **of}), 0.003, points)


def test_a_path_that_ends_with_an_id_is_one_route(harness: HostHarness) -> None:
    metrics = metrics_of(harness)
    for path in ("/retrain/key-1", "/retrain/key-2", "/retrain/a/b", "/retrain"):
        observe(metrics, method="GET", path=path)

    assert read(metrics)["api_requests_total"] == {("GET", "/retrain/{id}", "200"): 2, ("GET", OTHER, "200"): 2}


def test_a_path_with_several_names_is_one_route(harness: HostHarness) -> None:
    metrics = metrics_of(harness)
    for path in ("/v2/models/a/infer", "/v2/models/b/infer", "/v2/models/a/versions/v1/infer", "/v2/models/a/b"):
        observe(metrics, path=path)

    assert read(metrics)["api_requests_total"] == {
        ("POST", "/v2/models/{model}/infer", "200"): 2,
        ("POST", "/v2/models/{model}/versions/{version}/infer", "200"): 1,
        ("POST", OTHER, "200"): 1,
    }


def read(metrics: ServerMetrics, found: Report | None = None) -> dict[str, dict[tuple[str, ...], float]]:
    """Values by sample name and by the values of its labels."""
    samples: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(metrics.text(found).decode()):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[
                tuple(sample.labels[name] for name in LABELS if name in sample.labels)
            ] = sample.value
    return samples


def test_a_prediction_is_counted_by_version_and_by_route(harness: HostHarness) -> None:
    metrics = metrics_of(harness)
    points = [MetricPoint("Predictions", 3), MetricPoint("PredictionLatency", 3.0)]
    for _ in range(2):
        observe(metrics, *points, version="v7", instances=3)

    samples = read(metrics)

    assert samples["ml_predictions_total"] == {("iris", "v7"): 6}
    assert samples["ml_prediction_duration_seconds_count"] == {("iris", "v7"): 2}
    assert samples["ml_prediction_duration_seconds_sum"] == {("iris", "v7"): pytest.approx(0.006)}
    assert samples["ml_prediction_duration_seconds_bucket"]["iris", "v7", "0.0025"] == 0
    assert samples["ml_prediction_duration_seconds_bucket"]["iris", "v7", "0.005"] == 2
    assert samples["api_requests_total"] == {("POST", "/predict", "200"): 2}
    assert samples["api_request_duration_seconds_count"] == {("POST", "/predict"): 2}
    assert "api_errors_total" not in samples


def test_a_refused_prediction_is_counted_by_reason_for_the_version_that_was_there(harness: HostHarness) -> None:
    metrics = metrics_of(harness)

    observe(metrics, MetricPoint("PredictionErrors"), status=422, reason="invalid-instance")

    samples = read(metrics)
    assert samples["ml_prediction_errors_total"] == {("iris", "v1", "invalid-instance"): 1}
    assert samples["api_errors_total"] == {("POST", "/predict", "422", "invalid-instance"): 1}
    assert "ml_predictions_total" not in samples


def test_whatever_callers_send_there_are_no_more_series(harness: HostHarness) -> None:
    metrics = metrics_of(harness)

    for number in range(50):
        observe(metrics, method=f"M{number}", path=f"/{number}", status=404, reason="not-found")
    observe(metrics, method="", path="", status=400, reason="broken-request")

    samples = read(metrics)
    assert samples["api_requests_total"] == {(OTHER, OTHER, "404"): 50, (OTHER, OTHER, "400"): 1}


def test_loads_are_counted_by_their_outcome_and_other_metrics_of_the_line_are_not(harness: HostHarness) -> None:
    metrics = metrics_of(harness)

    names: tuple[MetricName, ...] = ("ModelLoads", "ModelLoadFailures", "ModelLoadSeconds", "ColdStart", "Degraded")
    observe(metrics, *(MetricPoint(name) for name in names))

    assert read(metrics)["ml_model_load_total"] == {("iris", "success"): 1, ("iris", "failure"): 1}


def test_the_model_in_place_is_named(harness: HostHarness) -> None:
    assert read(metrics_of(harness))["ml_model_loaded"] == {("iris", "v1"): 1}
    assert read(metrics_of(HostHarness()))["ml_model_loaded"] == {("iris", "none"): 0}


def test_the_process_is_measured_as_the_system_tells(harness: HostHarness) -> None:
    samples = read(metrics_of(harness))

    assert samples["process_cpu_percent"][()] >= 0
    assert samples.get("process_thread_count", {(): 1})[()] >= 1
    assert samples.get("process_memory_rss_bytes", {(): 2**30})[()] > 2**20


def test_without_a_report_nothing_is_said_of_drift_and_accuracy(harness: HostHarness) -> None:
    metrics = metrics_of(harness)

    assert not {"ml_drift_detected", "ml_drifted_feature_count", "ml_model_accuracy"} & set(read(metrics))

    samples = read(metrics, report({"v7": counted(500, longer_petals=1.5)}))
    assert samples["ml_drift_detected"] == {("iris", "v7"): 1}
    assert samples["ml_drifted_feature_count"] == {("iris", "v7"): 1}
    assert list(samples["ml_model_accuracy"]) == [("iris", "v7", "expected")]


def test_every_metric_has_its_name_and_labels(harness: HostHarness) -> None:
    metrics = metrics_of(harness)
    names: tuple[MetricName, ...] = ("Predictions", "PredictionLatency", "PredictionErrors", "ModelLoads")
    for point in names:
        observe(metrics, MetricPoint(point), status=500)

    told = {
        family.name: {name for sample in family.samples for name in sample.labels} - {"le"}
        for family in text_string_to_metric_families(metrics.text(report({"v7": counted(500)})).decode())
    }

    def expected() -> Iterable[tuple[str, set[str]]]:
        for family in FAMILIES:
            yield family.name.removesuffix("_total"), set(family.labels)

    assert told == dict(expected())


def test_two_servers_in_one_process_count_by_themselves(harness: HostHarness) -> None:
    first, second = metrics_of(harness), metrics_of(harness)

    observe(first)

    assert "api_requests_total" not in read(second)


def test_what_a_worker_counted_is_counted_on_by_the_next_at_its_place(
    harness: HostHarness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(WORKERS_FOLDER, str(tmp_path))
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    points = [MetricPoint("Predictions", 2)]
    for _ in range(3):
        count_at(0)
        observe(metrics_of(harness), *points)
    before = sorted(tmp_path.iterdir())
    count_at(1)
    other = metrics_of(harness)
    observe(other, *points)

    assert read(other)["ml_predictions_total"] == {("iris", "v1"): 8}
    assert [path.name for path in before] == ["counter_0.db", "histogram_0.db"]
    assert {path.stat().st_blocks * 512 >= path.stat().st_size > 0 for path in tmp_path.glob("*.db")} == {True}
    values.close_all_multiprocess_files()  # type: ignore[no-untyped-call]
