"""The function in the real Lambda runtime while the active version moves and AWS comes and goes: no restart, no gap."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.lambda_runtime import LambdaRuntime
from tests.support.models import changed, iris_package
from tests.support.moto_server import MotoServer
from tests.support.paths import ROOT
from tests.support.waiting import wait_until

PREDICT = json.loads((ROOT / "events" / "http_api_predict.json").read_text(encoding="utf-8"))
HEALTH = json.loads((ROOT / "events" / "http_api_health.json").read_text(encoding="utf-8"))


class Service:
    """The function, asked through API Gateway events."""

    def __init__(self, runtime: LambdaRuntime) -> None:
        self._runtime = runtime

    def predict(self) -> dict[str, Any]:
        """The whole answer to a prediction."""
        answer: dict[str, Any] = self._runtime.invoke(PREDICT).payload
        return answer

    def predicts_with(self) -> str:
        """The version that answers."""
        answer = self.predict()
        assert answer["statusCode"] == 200, answer["body"]
        version: str = answer["headers"]["x-model-version"]
        assert json.loads(answer["body"])["version"] == version
        return version

    def health(self) -> dict[str, Any]:
        """What `/health` says."""
        document: dict[str, Any] = json.loads(self._runtime.invoke(HEALTH).payload["body"])
        return document

    def processes(self) -> set[int]:
        """Ids of the processes that serve."""
        return set(self._runtime.processes())


@pytest.fixture(scope="module")
def environment(aws: MotoServer) -> dict[str, str]:
    """For a function that reads the pointer in every request; v1 is published, and v2, made by another estimator."""
    for package in (iris_package(), iris_package("tree")):
        aws.registry.publish(package.describe, package.artifacts)
    return aws.environment | {"SKYLIFT_REFRESH_SECONDS": "0"}


@pytest.fixture(scope="module")
def running(task_root: Path, environment: dict[str, str]) -> Iterator[Service]:
    """The function, started once for all tests of the module."""
    with LambdaRuntime(task_root, "inference.handler.handler", environment) as runtime:
        yield Service(runtime)


@pytest.fixture
def promoted(aws: MotoServer, environment: dict[str, str]) -> None:
    """AWS runs, and v1 is active, whatever the test before did."""
    aws.start_again()
    aws.registry.promote("v1")


@pytest.fixture
def service(running: Service, promoted: None) -> Service:
    """The function, healthy, with v1 in place."""
    wait_until(lambda: running.predict()["headers"].get("x-model-version") == "v1", what="v1 answers")
    wait_until(lambda: running.health()["status"] == "ok", what="it is healthy")
    return running


def test_a_promoted_version_answers_without_a_restart_and_so_does_the_one_before_after_a_rollback(
    aws: MotoServer, service: Service
) -> None:
    processes = service.processes()
    aws.registry.promote("v2")
    wait_until(lambda: service.predicts_with() == "v2", what="v2 answers")
    aws.registry.rollback()
    wait_until(lambda: service.predicts_with() == "v1", what="v1 answers")
    assert service.processes() == processes


def test_without_aws_the_model_in_place_keeps_serving_and_health_says_so_until_aws_is_back(
    aws: MotoServer, service: Service
) -> None:
    aws.stop()
    wait_until(
        lambda: service.predicts_with() == "v1" and service.health()["status"] == "degraded", what="it is degraded"
    )
    health = service.health()
    assert (health["live"], health["ready"]) == (True, True)
    assert health["problem"]["code"] == "aws-unavailable"
    assert service.predicts_with() == "v1"
    aws.start_again()
    wait_until(lambda: service.health()["status"] == "ok", what="it is healthy")


def test_started_without_aws_it_asks_to_try_again_and_serves_once_aws_is_back(
    aws: MotoServer, task_root: Path, environment: dict[str, str], promoted: None
) -> None:
    aws.stop()
    with LambdaRuntime(task_root, "inference.handler.handler", environment) as runtime:
        service = Service(runtime)
        answer = service.predict()
        assert answer["statusCode"] == 503
        assert answer["headers"]["content-type"] == "application/problem+json"
        assert int(answer["headers"]["retry-after"]) > 0
        document = json.loads(answer["body"])
        assert (document["type"], document["status"]) == ("urn:skylift:problem:no-model", 503)
        assert document["request_id"] == PREDICT["requestContext"]["requestId"]
        assert service.health()["ready"] is False
        processes = service.processes()
        aws.start_again()
        wait_until(lambda: service.predict()["statusCode"] == 200, what="it serves")
        assert service.predicts_with() == "v1"
        assert service.processes() == processes


def test_a_version_of_another_scikit_learn_never_replaces_the_model_in_place(aws: MotoServer, service: Service) -> None:
    package = iris_package("tree")
    environment = package.describe(1).environment | {"scikit-learn": "0.24.2"}
    foreign = changed(package, environment=environment)
    published = aws.registry.publish(foreign.describe, foreign.artifacts)
    aws.pointer.move(published.reference)  # a promotion would refuse it
    wait_until(
        lambda: service.predicts_with() == "v1" and service.health()["status"] == "degraded", what="it is degraded"
    )
    problem = service.health()["problem"]
    assert problem["reference"] == str(published.reference)
    assert problem["code"] == "incompatible-environment"
    assert service.predicts_with() == "v1"
    aws.registry.promote("v2")
    wait_until(
        lambda: service.predicts_with() == "v2" and service.health()["status"] == "ok", what="v2 answers in health"
    )
