"""A challenger in the real Lambda runtime: on trial from the first request on, and gone with its parameter."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skylift.challenger import Challenger, challenger_name
from skylift.references import NOTHING, Reference
from tests.conftest import MODEL
from tests.support.lambda_runtime import Invocation, LambdaRuntime
from tests.support.models import compiled_iris_package
from tests.support.moto_server import STAGE, MotoServer
from tests.support.sample_events import EVENTS
from tests.support.trials import trial_of

VARIANT = "x-skylift-variant"


@pytest.fixture(scope="module")
def second(aws: MotoServer) -> Reference:
    """v2, published beside the active v1."""
    for candidate in ("logistic", "tree"):
        package = compiled_iris_package(candidate)
        reference = aws.registry.publish(package.describe, package.artifacts).reference
    aws.registry.promote("v1")
    return reference


@pytest.fixture(scope="module")
def runtime(aws: MotoServer, second: Reference, task_root: Path) -> Iterator[LambdaRuntime]:
    """The function, started while v2 answers everything, which reads its parameters in every request."""
    write(aws, trial_of(second))
    environment = aws.environment | {"SKYLIFT_REFRESH_SECONDS": "0"}
    with LambdaRuntime(task_root, "inference.handler.handler", environment) as started:
        yield started


def write(aws: MotoServer, challenger: Challenger | None) -> None:
    value = str(challenger) if challenger else NOTHING
    aws.pointer._client.put_parameter(Name=challenger_name(STAGE, MODEL), Value=value, Type="String", Overwrite=True)


def predict(runtime: LambdaRuntime) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer to a prediction, and its line."""
    invocation: Invocation = runtime.invoke(EVENTS["http_api_predict"])
    assert invocation.payload["statusCode"] == 200
    line: dict[str, Any] = json.loads(invocation.lines[-1])  # the first invocation also has those of the start
    return invocation.payload, line


def test_it_answers_scores_and_goes_as_its_parameter_says(
    aws: MotoServer, second: Reference, runtime: LambdaRuntime
) -> None:
    answer, line = predict(runtime)
    assert (answer["headers"][VARIANT], json.loads(answer["body"])["version"]) == ("challenger", "v2")
    assert line["experiment"] == {"id": "trial", "mode": "canary", "percent": 100.0, "arm": "challenger"}
    assert line["version"] == "v2"

    write(aws, trial_of(second, mode="shadow"))
    answer, line = predict(runtime)
    assert (answer["headers"][VARIANT], json.loads(answer["body"])["version"]) == ("champion", "v1")
    assert line["experiment"]["pair"]["rows"] == 1
    assert "refresh" not in line

    write(aws, None)
    answer, line = predict(runtime)
    assert VARIANT not in answer["headers"]
    assert "experiment" not in line


def test_one_that_does_not_fit_into_the_function_is_left_out(
    aws: MotoServer, second: Reference, task_root: Path
) -> None:
    write(aws, trial_of(second))
    environment = aws.environment | {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "32"}
    with LambdaRuntime(task_root, "inference.handler.handler", environment) as started:
        answer, _ = predict(started)
        health = json.loads(started.invoke(EVENTS["http_api_health"]).payload["body"])

    assert VARIANT not in answer["headers"]
    assert health["status"] == "ok"
    assert (health["challenger"]["on_trial"], health["challenger"]["problem"]["code"]) == (False, "does-not-fit")
