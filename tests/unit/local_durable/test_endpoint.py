"""The endpoint as botocore's client for Lambda sees it: names start one execution, and errors have their types."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_durable.lambda_service import LambdaService
from skylift.aws import lambda_client
from skylift.durable import DurableFunction
from skylift.errors import AwsUnavailable, CallbackClosed
from tests.support.durable_program import staged

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:staged:live"


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaService]:
    with LambdaService(tmp_path / "store.sqlite", {"staged": staged(tmp_path)}) as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{service.port}")
        yield service


@pytest.fixture
def function(service: LambdaService) -> DurableFunction:
    return DurableFunction(ARN, client=lambda_client())


def test_one_name_and_event_start_one_execution(function: DurableFunction) -> None:
    first = function.start("one", {"x": 1, "y": 2})

    assert function.start("one", {"y": 2, "x": 1}) == first
    assert function.start("two", {"x": 1, "y": 2}) != first


def test_a_name_with_another_event_is_refused_and_found(function: DurableFunction) -> None:
    first = function.start("one", {"x": 1})

    with pytest.raises(ClientError) as refused:
        function._client.invoke(
            FunctionName=ARN, InvocationType="Event", DurableExecutionName="one", Payload=b'{"x": 2}'
        )
    assert refused.value.response["Error"]["Code"] == "DurableExecutionAlreadyStartedException"
    assert function.start("one", {"x": 2}) == first


def test_without_a_name_every_start_is_another(function: DurableFunction) -> None:
    started = [function._client.invoke(FunctionName="staged", InvocationType="Event", Payload=b"{}") for _ in range(2)]

    assert len({answer["DurableExecutionArn"] for answer in started}) == 2


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({"FunctionName": "other", "InvocationType": "Event"}, "ResourceNotFoundException"),
        ({"FunctionName": "staged"}, "InvalidParameterValueException"),
    ],
)
def test_what_cannot_be_invoked_is_refused_in_lambdas_words(
    function: DurableFunction, call: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        function._client.invoke(**call, Payload=b"{}")

    assert refused.value.response["Error"]["Code"] == code


def test_a_function_that_is_not_there_is_a_failure_of_aws(service: LambdaService) -> None:
    with pytest.raises(AwsUnavailable, match="ResourceNotFoundException"):
        DurableFunction(ARN.replace("staged", "other"), client=lambda_client()).start("one", {})


def test_an_answer_to_a_callback_that_nobody_made_is_told_apart(function: DurableFunction) -> None:
    with pytest.raises(CallbackClosed):
        function.succeed("nobody", {})
