"""Durable functions on the local AWS: begun once, checkpointed by their role, taken up again after a kill.

What the rollout and the retraining rest on, shown with a function of a few lines.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.aws import ACCOUNT, LocalAws
from tests.e2e.sam import REGION
from tests.support.waiting import wait_until

NAME = "walk"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"
EXECUTIONS = f"{ARN}:*"
SDK = "aws_durable_execution_sdk_python"

HANDLER = """
import os
import time

import boto3
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration

BUCKET = boto3.client("s3")


def leave(name):
    def step(_):
        BUCKET.put_object(Bucket="steps", Key=f"{name}/{time.time_ns()}", Body=b"")
        return name
    return step


@durable_execution
def handler(event, context):
    for name in event["steps"]:
        context.step(leave(name), name=name)
        context.wait(Duration.from_seconds(1), name=f"after-{name}")
    if event.get("asks"):
        answer = context.wait_for_callback(
            lambda id, _: BUCKET.put_object(Bucket="steps", Key="callbacks/id", Body=id.encode()), name="asks"
        )
        return {"answer": answer}
    return {"version": os.environ["AWS_LAMBDA_FUNCTION_VERSION"]}
"""


def package() -> bytes:
    """The function with the SDK, as a zip."""
    spec = find_spec(SDK)
    assert spec is not None
    assert spec.origin is not None
    sdk, packed = Path(spec.origin).parent, io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("walk.py", HANDLER)
        for path in sdk.rglob("*.py"):
            archive.write(path, f"{SDK}/{path.relative_to(sdk)}")
    return packed.getvalue()


def policy(*statements: dict[str, Any]) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow"} | each for each in statements]})


CHECKPOINTS = {"Action": ["lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"]}
WRITES = {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::steps/*"}


@pytest.fixture(scope="module")
def function(base_image: None, local_aws: LocalAws) -> Iterator[Any]:
    """A client of Lambda, where the function is."""
    iam, client = local_aws.client("iam"), local_aws.client("lambda")
    local_aws.client("s3").create_bucket(Bucket="steps", CreateBucketConfiguration={"LocationConstraint": REGION})
    trust = {"Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    allow(local_aws, CHECKPOINTS | {"Resource": EXECUTIONS}, WRITES)
    client.create_function(
        FunctionName=NAME,
        Runtime="python3.13",
        Handler="walk.handler",
        Role=role,
        Code={"ZipFile": package()},
        Timeout=30,
        DurableConfig={"ExecutionTimeout": 300, "RetentionPeriodInDays": 1},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=NAME)
    version = client.publish_version(FunctionName=NAME)["Version"]
    client.create_alias(FunctionName=NAME, Name="live", FunctionVersion=version)
    yield client
    client.delete_function(FunctionName=NAME)


def allow(aws: LocalAws, *statements: dict[str, Any]) -> None:
    """Let the role of the function do this, and nothing else."""
    aws.client("iam").put_role_policy(RoleName=NAME, PolicyName="all", PolicyDocument=policy(*statements))


def start(client: Any, name: str, *steps: str, **event: Any) -> str:
    """Start an execution; its ARN."""
    answer = client.invoke(
        FunctionName=f"{ARN}:live",
        InvocationType="Event",
        DurableExecutionName=name,
        Payload=json.dumps({"steps": steps} | event),
    )
    assert answer["StatusCode"] == 202
    return str(answer["DurableExecutionArn"])


def ended(client: Any, execution: str) -> dict[str, Any]:
    """What an execution came to."""
    found: dict[str, Any] = {}

    def has_ended() -> bool:
        found.update(client.get_durable_execution(DurableExecutionArn=execution))
        return bool(found["Status"] != "RUNNING")

    wait_until(has_ended, what=f"{execution} ends")
    return found


def done(aws: LocalAws, name: str) -> int:
    """How often a step was done."""
    listed = aws.client("s3").list_objects_v2(Bucket="steps", Prefix=f"{name}/")
    return int(listed["KeyCount"])


def test_an_execution_is_begun_once_by_its_name_and_stays_with_its_version(function: Any, local_aws: LocalAws) -> None:
    execution = start(function, "once", "first", "second")
    assert start(function, "once", "first", "second") == execution
    assert execution.startswith(f"{ARN}:1/durable-execution/once/")
    with pytest.raises(ClientError, match="DurableExecutionAlreadyStarted"):
        start(function, "once", "other")
    assert json.loads(ended(function, execution)["Result"]) == {"version": "1"}
    assert [done(local_aws, name) for name in ("first", "second", "other")] == [1, 1, 0]


def test_a_durable_function_is_invoked_by_a_version(function: Any) -> None:
    with pytest.raises(ClientError, match="unqualified"):
        function.invoke(FunctionName=NAME, InvocationType="Event", Payload=b"{}")


def test_a_killed_container_costs_a_step_that_was_done_nothing(function: Any, local_aws: LocalAws) -> None:
    execution = start(function, "killed", "before", "after")
    wait_until(lambda: done(local_aws, "before") == 1, what="the first step is done")
    local_aws.kill(NAME)
    assert ended(function, execution)["Status"] == "SUCCEEDED"
    assert (done(local_aws, "before"), done(local_aws, "after")) == (1, 1)


def test_a_callback_is_answered_by_those_who_may(function: Any, local_aws: LocalAws) -> None:
    execution = start(function, "asking", asks=True)
    wait_until(lambda: done(local_aws, "callbacks") == 1, what="it waits")
    callback = local_aws.client("s3").get_object(Bucket="steps", Key="callbacks/id")["Body"].read().decode()
    answers = {"CallbackId": callback, "Result": b'"yes"'}
    action = {"Effect": "Allow", "Action": "lambda:SendDurableExecutionCallbackSuccess"}
    elsewhere = local_aws.user("elsewhere", action | {"Resource": f"{ARN}-2:*"})
    with pytest.raises(ClientError, match="AccessDenied"):
        local_aws.client("lambda", elsewhere).send_durable_execution_callback_success(**answers)
    asked = local_aws.user("asked", action | {"Resource": EXECUTIONS})
    local_aws.client("lambda", asked).send_durable_execution_callback_success(**answers)
    assert json.loads(ended(function, execution)["Result"]) == {"answer": '"yes"'}
    with pytest.raises(ClientError, match="ResourceNotFound"):
        function.send_durable_execution_callback_success(**answers)


def test_an_execution_whose_role_may_not_keep_checkpoints_fails_at_once(function: Any, local_aws: LocalAws) -> None:
    allow(local_aws, CHECKPOINTS | {"Resource": ARN}, WRITES)  # without its versions
    execution = start(function, "forgetful", "never")
    failed = ended(function, execution)
    assert failed["Status"] == "FAILED"
    assert "CheckpointDurableExecution" in failed["Error"]["ErrorMessage"]
