"""Every sample event is answered by the function in the real Lambda runtime as its sender expects.

A new file in `events/` needs its line in `EXPECTED` of `tests.support.sample_events`.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.support.asgi_client import PROBLEM
from tests.support.lambda_runtime import Invocation, LambdaRuntime
from tests.support.models import compiled_iris_package
from tests.support.moto_server import MotoServer
from tests.support.probes import NEEDED, NOT_NEEDED, PROBED, WEB_FRAMEWORK, imported, with_probe
from tests.support.sample_events import EVENTS, EXPECTED


@dataclass(frozen=True, slots=True)
class Served:
    """A function that serves iris v1, which remembers what each event came to: none changes anything."""

    invoke: Callable[[str], Invocation]
    first: Invocation
    imported: set[str]


@pytest.fixture(scope="module")
def served(task_root: Path, aws: MotoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    package = compiled_iris_package()
    aws.registry.publish(package.describe, package.artifacts)
    aws.registry.promote("v1")
    environment = aws.environment | {"SKYLIFT_REFRESH_SECONDS": "3600"}
    with LambdaRuntime(with_probe(task_root, tmp_path_factory.mktemp("probe")), PROBED, environment) as runtime:
        first = runtime.invoke(EVENTS["http_api_predict"])
        yield Served(cache(lambda name: runtime.invoke(EVENTS[name])), first, imported(runtime))


@pytest.fixture(params=sorted(EVENTS))
def name(request: pytest.FixtureRequest) -> str:
    event: str = request.param
    return event


def test_every_sample_event_has_an_expectation() -> None:
    assert set(EXPECTED) == set(EVENTS)


def test_an_event_is_answered_with_its_status_type_body_and_version(name: str, served: Served) -> None:
    EXPECTED[name].check(served.invoke(name).payload)


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


def test_a_first_prediction_imports_neither_scikit_learn_nor_a_web_framework(served: Served) -> None:
    assert served.imported >= NEEDED
    assert served.imported & (NOT_NEEDED | WEB_FRAMEWORK) == set()


def test_predictions_are_counted_by_model_and_version(served: Served) -> None:
    (metrics,) = map(json.loads, served.invoke("alb_predict").lines)
    [directive] = metrics["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Skylift"
    assert directive["Dimensions"] == [["stage", "model"], ["stage", "model", "version"]]
    assert (metrics["model"], metrics["version"], metrics["Predictions"]) == ("iris", "v1", [2.0])
    assert metrics["PredictionLatency"][0] > 0
