"""Every sample event is answered by the function in the real Lambda runtime as its sender expects.

A new file in `events/` needs its line in `EXPECTED`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from skylift.predictors import SklearnPredictor
from skylift.scoring import encode, predictions
from tests.support.lambda_runtime import ROOT, Invocation, LambdaRuntime
from tests.support.models import IRIS_SETOSA, iris_package, trained_iris
from tests.support.moto_server import MotoServer

if TYPE_CHECKING:
    from skylift.contract import Instance

pytestmark = pytest.mark.xdist_group("lambda-runtime-events")

EVENTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "events").glob("*.json")}
IRIS_VIRGINICA = {"sepal_length": 6.7, "sepal_width": 3.0, "petal_length": 5.2, "petal_width": 2.3}
JSON = "application/json"
PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What comes back for an event: its status and type, whether the version is in the header, what its body holds."""

    status: int
    content_type: str
    versioned: bool
    body: Callable[[Mapping[str, Any]], None]


def scores(*instances: Mapping[str, float]) -> Callable[[Mapping[str, Any]], None]:
    """Expect the predictions that the estimator itself makes."""

    def check(body: Mapping[str, Any]) -> None:
        trained = trained_iris()
        contract = trained.table.contract
        rows: list[Instance] = [dict(instance) for instance in instances]
        expected = predictions(
            contract, SklearnPredictor(trained.estimator, "classification").scores(encode(contract, rows))
        )
        answers = body["predictions"]
        assert (body["model"], body["version"], body["warnings"]) == ("iris", "v1", [])
        assert [answer["label"] for answer in answers] == [answer["label"] for answer in expected]
        assert [answer["probabilities"] for answer in answers] == [
            pytest.approx(answer["probabilities"], rel=1e-9) for answer in expected
        ]

    return check


def says_it_is_healthy(body: Mapping[str, Any]) -> None:
    assert body["status"] == "ok"
    assert (body["live"], body["ready"], body["problem"]) == (True, True, None)
    assert body["model"]["name"] == "iris"
    assert body["model"]["reference"].startswith("v1@sha256:")
    assert body["memory_mib"] > 0


def describes_the_model(body: Mapping[str, Any]) -> None:
    assert (body["model"], body["version"]) == ("iris", "v1")
    assert body["reference"].startswith("v1@sha256:")
    assert [feature["name"] for feature in body["contract"]["features"]] == list(IRIS_SETOSA)
    assert body["contract"]["target"]["classes"] == ["setosa", "versicolor", "virginica"]
    assert body["metrics"]["holdout"]["accuracy"] >= 0.9


def describes_the_api(body: Mapping[str, Any]) -> None:
    assert body["openapi"].startswith("3.1")
    assert body["info"]["version"] == "v1"
    assert {"/predict", "/health", "/model-info"} <= set(body["paths"])
    assert list(body["components"]["schemas"]["Instance"]["properties"]) == list(IRIS_SETOSA)


def names_the_nearest_field(body: Mapping[str, Any]) -> None:
    assert body["type"] == "urn:skylift:problem:invalid-instance"
    errors = {error["field"]: error for error in body["errors"]}
    unknown = errors["instances[0].petal_widht"]
    assert unknown["reason"] == "unknown_field"
    assert "petal_width" in unknown["message"]
    assert errors["instances[0].petal_width"]["reason"] == "missing_field"


def names_the_path(body: Mapping[str, Any]) -> None:
    assert body["type"] == "urn:skylift:problem:not-found"
    assert "/predictions" in body["detail"]


EXPECTED = {
    "http_api_predict": Expectation(200, JSON, True, scores(IRIS_SETOSA)),
    "http_api_predict_features": Expectation(200, JSON, True, scores(IRIS_SETOSA)),
    "http_api_predict_invalid": Expectation(422, PROBLEM, False, names_the_nearest_field),
    "http_api_health": Expectation(200, JSON, False, says_it_is_healthy),
    "http_api_model_info": Expectation(200, JSON, True, describes_the_model),
    "http_api_openapi": Expectation(200, JSON, False, describes_the_api),
    "http_api_not_found": Expectation(404, PROBLEM, False, names_the_path),
    "rest_api_predict": Expectation(200, JSON, True, scores(IRIS_SETOSA)),
    "function_url_predict": Expectation(200, JSON, True, scores(IRIS_SETOSA)),
    "alb_predict": Expectation(200, JSON, True, scores(IRIS_SETOSA, IRIS_VIRGINICA)),
}


@dataclass(frozen=True, slots=True)
class Served:
    """A function that serves iris v1, which remembers what each event came to: none changes anything."""

    invoke: Callable[[str], Invocation]
    first: Invocation


@pytest.fixture(scope="module")
def served(task_root: Path, aws: MotoServer) -> Iterator[Served]:
    package = iris_package()
    aws.registry.publish(package.describe, package.artifacts)
    aws.registry.promote("v1")
    environment = aws.environment | {"SKYLIFT_REFRESH_SECONDS": "3600"}
    with LambdaRuntime(task_root, "inference.handler.handler", environment) as runtime:
        first = runtime.invoke(EVENTS["http_api_predict"])
        yield Served(cache(lambda name: runtime.invoke(EVENTS[name])), first)


@pytest.fixture(params=sorted(EVENTS))
def name(request: pytest.FixtureRequest) -> str:
    event: str = request.param
    return event


def test_every_sample_event_has_an_expectation() -> None:
    assert set(EXPECTED) == set(EVENTS)


def test_an_event_is_answered_with_its_status_type_and_body(name: str, served: Served) -> None:
    expected, payload = EXPECTED[name], served.invoke(name).payload
    assert payload["statusCode"] == expected.status
    assert payload["headers"]["content-type"] == expected.content_type
    assert payload["isBase64Encoded"] is False
    document = json.loads(payload["body"])
    expected.body(document)
    if expected.content_type == PROBLEM:
        assert document["status"] == expected.status


def test_an_answer_made_by_a_model_names_its_version_in_a_header(name: str, served: Served) -> None:
    headers = served.invoke(name).payload["headers"]
    assert headers.get("x-model-version") == ("v1" if EXPECTED[name].versioned else None)


def test_a_request_keeps_the_id_that_its_sender_gave_it(name: str, served: Served) -> None:
    invocation = served.invoke(name)
    request_id = EVENTS[name]["requestContext"].get("requestId", invocation.request_id)  # a load balancer gives none
    assert json.loads(invocation.lines[0])["correlation_id"] == request_id
    assert invocation.payload["headers"]["x-request-id"] == request_id
    if EXPECTED[name].content_type == PROBLEM:
        assert json.loads(invocation.payload["body"])["request_id"] == request_id


def test_a_request_writes_one_line_of_json_without_its_body(name: str, served: Served) -> None:
    (line,) = served.invoke(name).lines
    assert json.loads(line)["message"] == "request"
    assert "sepal_length" not in line


def test_the_first_request_of_an_environment_writes_no_more_than_the_others(served: Served) -> None:
    (line,) = map(json.loads, served.first.lines)
    assert line["refresh"]["ModelLoads"] == 1
    assert line["ColdStart"] == [1.0]


def test_predictions_are_counted_by_model_and_version(served: Served) -> None:
    (metrics,) = map(json.loads, served.invoke("alb_predict").lines)
    [directive] = metrics["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Skylift"
    assert directive["Dimensions"] == [["stage", "model"], ["stage", "model", "version"]]
    assert (metrics["model"], metrics["version"], metrics["Predictions"]) == ("iris", "v1", [2.0])
    assert metrics["PredictionLatency"][0] > 0
