"""The table of routes: each is described wherever the API is described."""

import re

import pytest

from inference.beside import LABELS, RETRAIN, RETRAINING
from inference.route import Route
from inference.routes import METRICS, ROUTES, create_routes
from inference.server_metrics import ServerMetrics
from inference.settings import InferenceSettings
from inference.v2.described import V2_ROUTES
from tests.support.asgi_client import HttpClient
from tests.support.drift import report
from tests.support.fakes import HostHarness, MemoryBucket
from tests.support.models import IRIS_SETOSA, iris_package
from tests.support.paths import ROOT

SETTINGS = InferenceSettings(bucket="models", model="iris")
EVERY = (*ROUTES, METRICS)
NAMES = [f"{route.method} {route.path}" for route in EVERY]


@pytest.fixture
def client() -> HttpClient:
    """A client of the routes of a plain server alone, without the access log, with iris v1 in place."""
    harness = _serving()
    metrics = ServerMetrics(harness.host, model="iris", paths=[])
    reports = {"reports/iris/latest.json": report().to_bytes(), "reports/iris/latest.html": b"<!doctype html>"}
    return HttpClient(create_routes(SETTINGS, harness.host, MemoryBucket(reports), metrics=metrics))


def _serving() -> HostHarness:
    harness = HostHarness()
    harness.activate(iris_package())
    harness.host.wait_until_loaded()
    return harness


def test_the_readme_lists_every_route_and_those_that_another_function_answers() -> None:
    rows = re.findall(r"^\| (`[A-Z]+ /.*?) \|", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`([A-Z]+ /\S*)`", row)}

    assert listed == {
        *NAMES,
        "GET /history",
        "POST /v2/models/{model}/infer",
        "POST /labels",
        "POST /retrain",
        "GET /retrain/{id}",
    }


def test_the_index_lists_every_route(client: HttpClient) -> None:
    described = {f"{route.method} {route.path}": route.summary for route in (*EVERY, *V2_ROUTES)}

    assert client.get("/").json()["paths"] == described


def test_openapi_describes_every_route(client: HttpClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    described = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
    assert described == {*NAMES, *(f"{route.method} {route.path}" for route in V2_ROUTES)}


@pytest.mark.parametrize("route", EVERY, ids=NAMES)
def test_a_route_answers_with_the_media_type_that_it_declares(client: HttpClient, route: Route) -> None:
    response = client.predict(IRIS_SETOSA) if route.method == "POST" else client.get(route.path)

    assert response.status_code == 200
    assert response.headers["content-type"].startswith(route.media_type)


def test_labels_are_described_where_they_are_on_and_another_function_answers_them() -> None:
    client = HttpClient(create_routes(SETTINGS.model_copy(update={"labels": True}), _serving().host))

    assert client.get("/").json()["paths"]["POST /labels"] == LABELS.summary
    assert list(client.get("/openapi.json").json()["paths"]["/labels"]) == ["post"]
    assert client.request("POST", "/labels").status_code == 404


def test_retrainings_are_described_where_they_are_on_and_another_function_answers_them() -> None:
    client = HttpClient(create_routes(SETTINGS.model_copy(update={"retraining": True}), _serving().host))

    paths = client.get("/").json()["paths"]
    assert (paths["POST /retrain"], paths["GET /retrain/{id}"]) == (RETRAIN.summary, RETRAINING.summary)
    assert {"/retrain", "/retrain/{id}"} <= client.get("/openapi.json").json()["paths"].keys()
    assert client.request("POST", "/retrain").status_code == 404


def test_a_service_without_the_access_log_names_requests_too(client: HttpClient) -> None:
    response = client.predict({}, x_request_id="r-1")

    assert (response.status_code, response.json()["request_id"]) == (422, "r-1")


def test_without_a_plain_server_there_are_no_metrics_of_a_process() -> None:
    client = HttpClient(create_routes(SETTINGS, _serving().host))

    assert client.get("/metrics").status_code == 404
    assert "GET /metrics" not in client.get("/").json()["paths"]
    assert "/metrics" not in client.get("/openapi.json").json()["paths"]
