"""Executions of durable functions are started once per name, and answered where they wait."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from skylift.aws import lambda_client
from skylift.durable import DurableFunction
from skylift.errors import AwsThrottled, AwsUnavailable, CallbackClosed

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:skylift-dev-rollout:live"
EXECUTION = f"{ARN.removesuffix(':live')}:3/durable-execution/iris-0/5a"
NAME = "iris-0123456789abcdef01234567-0"
EVENT = {"id": "exp-1", "version": "v8"}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> "LambdaClient":
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    return lambda_client()


@pytest.fixture
def stub(client: "LambdaClient") -> Iterator[Stubber]:
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def function(client: "LambdaClient") -> DurableFunction:
    return DurableFunction(ARN, client=client)


def test_starts_an_execution_by_name_and_does_not_wait_for_it(function: DurableFunction, stub: Stubber) -> None:
    expected = {
        "FunctionName": ARN,
        "InvocationType": "Event",
        "DurableExecutionName": NAME,
        "Payload": json.dumps(EVENT).encode(),
    }
    stub.add_response("invoke", {"StatusCode": 202, "DurableExecutionArn": EXECUTION}, expected)
    assert function.start(NAME, EVENT) == EXECUTION


def test_a_name_that_was_started_with_another_event_finds_that_execution(
    function: DurableFunction, stub: Stubber
) -> None:
    stub.add_client_error("invoke", "DurableExecutionAlreadyStartedException", http_status_code=409)
    listed = {
        "DurableExecutionArn": EXECUTION,
        "DurableExecutionName": NAME,
        "FunctionArn": ARN,
        "Status": "RUNNING",
        "StartTimestamp": 0,
    }
    expected = {"FunctionName": ARN, "DurableExecutionName": NAME}
    stub.add_response("list_durable_executions_by_function", {"DurableExecutions": [listed]}, expected)
    assert function.start(NAME, EVENT) == EXECUTION


def test_an_execution_that_lambda_knows_and_does_not_list_is_a_failure(
    function: DurableFunction, stub: Stubber
) -> None:
    stub.add_client_error("invoke", "DurableExecutionAlreadyStartedException", http_status_code=409)
    stub.add_response("list_durable_executions_by_function", {"DurableExecutions": []})
    with pytest.raises(AwsUnavailable, match="does not list it"):
        function.start(NAME, EVENT)


def test_a_function_that_is_not_durable_is_a_failure(function: DurableFunction, stub: Stubber) -> None:
    stub.add_response("invoke", {"StatusCode": 202})
    with pytest.raises(AwsUnavailable, match="began no durable execution") as refused:
        function.start(NAME, EVENT)
    assert "DurableConfig" in refused.value.hint


def test_failures_of_lambda_are_skylifts(function: DurableFunction, stub: Stubber) -> None:
    stub.add_client_error("invoke", "TooManyRequestsException", http_status_code=429)
    with pytest.raises(AwsThrottled, match=f"starting {NAME}"):
        function.start(NAME, EVENT)


def test_an_unreachable_lambda_is_skylifts(function: DurableFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    monkeypatch.setattr(function._client, "send_durable_execution_callback_heartbeat", unreachable)
    with pytest.raises(AwsUnavailable, match="keeping a callback open"):
        function.heartbeat("Y2FsbA==")


def test_answers_a_callback(function: DurableFunction, stub: Stubber) -> None:
    expected = {"CallbackId": "Y2FsbA==", "Result": b'{"approved": true}'}
    stub.add_response("send_durable_execution_callback_success", {}, expected)
    function.succeed("Y2FsbA==", {"approved": True})


def test_fails_a_callback(function: DurableFunction, stub: Stubber) -> None:
    expected = {"CallbackId": "Y2FsbA==", "Error": {"ErrorMessage": "the task stopped"}}
    stub.add_response("send_durable_execution_callback_failure", {}, expected)
    function.fail("Y2FsbA==", "the task stopped")


def test_keeps_a_callback_open(function: DurableFunction, stub: Stubber) -> None:
    stub.add_response("send_durable_execution_callback_heartbeat", {}, {"CallbackId": "Y2FsbA=="})
    function.heartbeat("Y2FsbA==")


@pytest.mark.parametrize("code", ["CallbackTimeoutException", "ResourceNotFoundException"])
def test_an_answer_that_nobody_waits_for_is_told_apart(function: DurableFunction, stub: Stubber, code: str) -> None:
    for operation in ("success", "failure", "heartbeat"):
        stub.add_client_error(f"send_durable_execution_callback_{operation}", code)
    with pytest.raises(CallbackClosed, match="too late"):
        function.succeed("Y2FsbA==", None)
    with pytest.raises(CallbackClosed):
        function.fail("Y2FsbA==", "late")
    with pytest.raises(CallbackClosed):
        function.heartbeat("Y2FsbA==")


def test_other_refusals_of_an_answer_are_failures_of_aws(function: DurableFunction, stub: Stubber) -> None:
    stub.add_client_error("send_durable_execution_callback_success", "AccessDeniedException", http_status_code=403)
    with pytest.raises(AwsUnavailable, match="AccessDeniedException") as refused:
        function.succeed("Y2FsbA==", None)
    assert not isinstance(refused.value, CallbackClosed)
