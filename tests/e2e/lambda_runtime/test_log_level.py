"""The log follows `LogLevel` in the environment that the template makes, and holds no credential at any level."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lambda_runtime import Invocation, LambdaRuntime
from tests.support.models import iris_package
from tests.support.moto_server import MotoServer
from tests.support.sample_events import EVENTS
from tests.support.templates import Stack

SECRET, TOKEN = "planted-secret-access-key", "planted-session-token"


@pytest.fixture(scope="module")
def published(aws: MotoServer) -> MotoServer:
    package = iris_package()
    aws.registry.publish(package.describe, package.artifacts)
    aws.registry.promote("v1")
    return aws


@pytest.fixture(scope="module", params=["DEBUG", "ERROR"])
def answered(
    request: pytest.FixtureRequest, task_root: Path, published: MotoServer
) -> Iterator[tuple[str, Invocation]]:
    """A level, and a first prediction under it."""
    function = Stack(LogLevel=request.param).properties("InferenceFunction")
    environment = {
        **{name: str(value) for name, value in function["Environment"]["Variables"].items()},
        "AWS_LAMBDA_LOG_FORMAT": function["LoggingConfig"]["LogFormat"],
        "AWS_LAMBDA_LOG_LEVEL": function["LoggingConfig"]["ApplicationLogLevel"],
        **published.environment,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": TOKEN,
    }
    with LambdaRuntime(task_root, "inference.handler.handler", environment) as runtime:
        yield request.param, runtime.invoke(EVENTS["http_api_predict"])


def test_no_line_holds_a_credential_or_a_signature(answered: tuple[str, Invocation]) -> None:
    _, invocation = answered
    assert invocation.payload["statusCode"] == 200
    assert not [line for line in invocation.lines if any(word in line for word in (SECRET, TOKEN, "Signature"))]


def test_requests_are_written_at_the_levels_up_to_info_and_metrics_at_all(answered: tuple[str, Invocation]) -> None:
    level, invocation = answered
    (line,) = map(json.loads, invocation.lines)
    assert line["Predictions"] == [1]
    assert ("message" in line) is (level == "DEBUG")
