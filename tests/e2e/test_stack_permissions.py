"""Least privilege, shown from its other side: with any one permission less, what needs it fails, and says so.

So the permissions are all needed, and the local AWS enforces them. Where the service loses one, it keeps serving.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.e2e.life import Life, alarm_event, serve
from tests.e2e.stack import STACK, Stack
from tests.e2e.test_stack_retrain import OF_TRAINING_AGAIN
from tests.e2e.test_stack_rollout import OF_THE_ROLLOUT
from tests.support.models import IRIS_SETOSA
from tests.support.waiting import wait_until

OF_PEOPLE = [
    ("Publish", "cloudformation:DescribeStacks", "train", "describing stack"),
    ("Publish", "s3:ListBucket", "train", "listing the versions of iris"),
    ("Publish", "s3:PutObject", "train", "writing model.joblib of iris"),
    ("Publish", "s3:GetObject", "versions", "reading manifest.json of iris v"),
    ("Publish", "ssm:GetParameter", "versions", "reading the pointer"),
    ("Publish", "ssm:GetParameterHistory", "history", "reading the history"),
    ("Promote", "cloudformation:DescribeStacks", "promote v2", "describing stack"),
    ("Promote", "s3:GetObject", "promote v2", "reading manifest.json of iris v2"),
    ("Promote", "ssm:PutParameter", "promote v2", "moving the pointer"),
    ("Promote", "ssm:GetParameterHistory", "rollback", "reading the history"),
    ("Promote", "ssm:GetParameter", "show", "reading the pointer"),
    ("Promote", "s3:ListBucket", "versions", "listing the versions of iris"),
    ("Promote", "lambda:InvokeFunction", "challenge v2 --auto", "starting iris-"),
]
OF_TRIALS = [
    ("cloudwatch:DescribeAlarms", "judge"),
    *(("s3:PutObject", "reject"), ("ssm:PutParameter", "reject")),
]
OF_ANSWERS = {"lambda:SendDurableExecutionCallbackSuccess", "lambda:SendDurableExecutionCallbackFailure"}
"""Shown where a rollout waits for a person."""

OF_THE_HOOK = ["ssm:GetParameter", "s3:GetObject", "lambda:InvokeFunction"]
TELLING = "codedeploy:PutLifecycleEventHookExecutionStatus"
OF_CODEDEPLOY = ["cloudwatch:DescribeAlarms", "lambda:GetAlias", "lambda:InvokeFunction", "lambda:UpdateAlias"]
OF_THE_CHECK = ["ssm:GetParameter", "s3:GetObject"]
OF_GOING_BACK = [
    *("ssm:GetParameter", "ssm:GetParameterHistory", "ssm:PutParameter"),
    *("s3:GetObject", "lambda:GetAlias"),
]
OF_THE_AUDIT = ["ssm:GetParameterHistory", "s3:PutObject"]
OF_THE_TRIGGER = ["s3:GetObject", "s3:PutObject", "lambda:InvokeFunction"]
OF_RETRAINING = {"lambda:InvokeFunction"}
"""Of `skylift retrain`; shown where the trigger lacks it."""

OF_COUNTS = {"logs:FilterLogEvents"}
"""Of lines that are older than three minutes; shown of the rollout, which waits for no line here."""

PLACES = {"lambda:CheckpointDurableExecution"}
"""Of durable functions; shown with one of a few lines."""

LISTS = {"s3:ListBucket"}
"""Without it S3 answers 403 for a missing object, and the local AWS 404 in any case."""

SHOWN = {
    "InferenceRole": {"s3:GetObject", "ssm:GetParameters"} | LISTS,
    "PublishRole": {action for role, action, *_ in OF_PEOPLE if role == "Publish"} | OF_RETRAINING,
    "PromoteRole": {action for role, action, *_ in OF_PEOPLE if role == "Promote"}
    | {action for action, _ in OF_TRIALS}
    | OF_ANSWERS
    | OF_COUNTS,
    "PreTrafficRole": {*OF_THE_HOOK, TELLING} | LISTS,
    "DeploymentRole": set(OF_CODEDEPLOY),
    "VersionCheckRole": set(OF_THE_CHECK) | LISTS,
    "ActivePointerRole": {"ssm:PutParameter"},
    "AutoRollbackRole": {*OF_GOING_BACK, "s3:PutObject"} | LISTS,
    "RolloutRole": OF_THE_ROLLOUT | PLACES | LISTS,
    "RetrainRole": OF_TRAINING_AGAIN.keys() | PLACES | LISTS,
    "AuditRole": {*OF_THE_AUDIT, "s3:GetObject"} | LISTS,
    "TriggerRole": set(OF_THE_TRIGGER) | LISTS,
}
"""Permissions of which a test shows that they are needed, and `LISTS`."""

NOT_HERE = (
    *("logs:Create", "logs:Put", "xray:", "sns:Publish", "lambda:GetProvisionedConcurrencyConfig"),
    *("lambda:ListDurableExecutions", "lambda:GetDurableExecutionState"),
)
"""What the local AWS does not ask for, or only of two that start the same or of many steps: a real account does."""


@pytest.fixture(scope="module", autouse=True)
def _v1_serves_and_v2_is_there(stack: Stack, quick_config: Path) -> Iterator[None]:
    stack.aws.forget_errors()
    published = stack.done("Publish", "versions")
    if stack.code.live == "1":
        stack.deploy()
    if " v1 " not in published:
        stack.done("Publish", "train")
    if " v2 " not in published:
        stack.done("Publish", "train", "--config", quick_config)
    serve(stack, "v1")
    yield
    serve(stack, "v1")


def degraded_before(stack: Stack) -> None:
    """Let it have been degraded in the two minutes before, too: the alarm wants three."""
    point = {
        "MetricName": "Degraded",
        "Dimensions": [{"Name": "stage", "Value": "dev"}, {"Name": "model", "Value": "iris"}],
    }
    now = datetime.now(UTC)
    data = [point | {"Value": 1.0, "Timestamp": now - timedelta(seconds=ago)} for ago in range(10, 180, 10)]
    stack.aws.client("cloudwatch").put_metric_data(Namespace="Skylift", MetricData=data)


def problem(stack: Stack) -> str:
    """The code of what is wrong and the version it is wrong with, as `/health` has them; empty where nothing is."""
    found = stack.ask("/health").body["problem"]
    return f"{found['code']} {found['reference'] or ''}" if found else ""


@pytest.mark.parametrize(("role", "action", "command", "doing"), OF_PEOPLE)
def test_a_person_without_a_permission_is_told_what_failed(
    role: str, action: str, command: str, doing: str, stack: Stack, quick_config: Path
) -> None:
    before = stack.pointer
    arguments = [*command.split(), "--config", str(quick_config)]
    with stack.without(f"{role}Role", action):
        line = stack.refused(role, *arguments)
    assert doing in line
    assert "AccessDenied" in line
    assert line.endswith("check the role's policy and credentials")
    assert stack.pointer == before


@pytest.mark.parametrize(("action", "command"), OF_TRIALS)
def test_a_trial_goes_on_where_a_permission_is_missing(action: str, command: str, stack: Stack) -> None:
    stack.done("Promote", "challenge", "v2")
    with stack.without("PromoteRole", action):
        assert "AccessDenied" in stack.refused("Promote", command)
    stack.done("Promote", "reject")
    Life(stack).agree()


def test_a_service_that_may_not_read_the_pointer_keeps_serving(stack: Stack) -> None:
    assert stack.predict(IRIS_SETOSA).status == 200  # an environment that starts without the permission has no model
    with stack.without("InferenceRole", "ssm:GetParameters"):
        wait_until(lambda: problem(stack) == "aws-refused ", what="it is refused")
        answer = stack.predict(IRIS_SETOSA)
        assert (answer.status, answer.version) == (200, "v1")
    wait_until(lambda: not problem(stack), what="it reads the pointer again")


@pytest.mark.parametrize("action", OF_THE_HOOK)
def test_a_hook_without_a_permission_stops_the_deployment(action: str, stack: Stack) -> None:
    with stack.without("PreTrafficRole", action):
        told = stack.code.hook()
    assert told["status"] == "Failed"
    assert "AccessDenied" in told["found"]


def test_a_hook_that_may_not_tell_codedeploy_fails(stack: Stack) -> None:
    ended = stack.code.newest("Succeeded", "Failed", "Stopped")
    assert ended is not None
    event = {"DeploymentId": ended["deploymentId"], "LifecycleEventHookExecutionId": "1"}
    with stack.without("PreTrafficRole", TELLING):
        assert "AccessDenied" in stack.failure("PreTrafficFunction", event)
    assert "InvalidLifecycleEventHookExecutionId" in stack.failure("PreTrafficFunction", event)


@pytest.mark.parametrize("action", OF_CODEDEPLOY)
def test_codedeploy_without_a_permission_moves_nothing(action: str, stack: Stack) -> None:
    before = stack.code.live
    with stack.without("DeploymentRole", action):
        info = stack.code.ended(stack.code.start(before, str(int(before) - 1)))
    assert (info["status"], info["errorInformation"]["code"]) == ("Failed", "IAM_ROLE_PERMISSIONS")
    assert stack.code.shares == (before, {})


@pytest.mark.parametrize("action", OF_THE_CHECK)
def test_a_check_of_the_active_version_without_a_permission_says_so(action: str, stack: Stack) -> None:
    with stack.without("VersionCheckRole", action):
        assert "AccessDenied" in stack.invoke("VersionCheckFunction", {})["problem"]
    assert stack.invoke("VersionCheckFunction", {}) == {"version": "v1", "problem": None}


@pytest.mark.parametrize("action", OF_GOING_BACK)
def test_going_back_without_a_permission_fails_and_a_second_try_does_the_rest(action: str, stack: Stack) -> None:
    stack.done("Promote", "promote", "v2")
    event = alarm_event(datetime.now(UTC))
    with stack.without("AutoRollbackRole", action):
        assert "AccessDenied" in stack.failure("AutoRollbackFunction", event)
    assert stack.invoke("AutoRollbackFunction", event)["to"] == "v1"
    assert stack.pointer.startswith("v1@")


@pytest.mark.parametrize("action", OF_THE_AUDIT)
def test_an_audit_without_a_permission_fails_and_makes_up_for_it(action: str, stack: Stack) -> None:
    detail = {"name": stack.outputs["ActiveParameterName"], "type": "String", "operation": "Update"}
    event = {"id": "drill", "source": "aws.ssm", "detail-type": "Parameter Store Change", "detail": detail}
    event |= {"time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    with stack.without("AuditRole", action):
        stack.done("Promote", "promote", "v2")
        assert "AccessDenied" in stack.failure("AuditFunction", event)
    stack.invoke("AuditFunction", event)
    Life(stack).agree()
    serve(stack, "v1")


@pytest.mark.parametrize("action", OF_THE_TRIGGER)
def test_a_trigger_without_a_permission_starts_nothing_and_says_so(action: str, stack: Stack) -> None:
    event = {"source": "skylift.schedule", "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    with stack.without("TriggerRole", action):
        assert "AccessDenied" in stack.failure("TriggerFunction", event)


def test_a_version_that_the_service_may_not_read_is_left_by_itself(stack: Stack) -> None:
    before = stack.pointer  # after the deployments above, which an alarm that fires would stop
    with stack.without("InferenceRole", "s3:GetObject"):
        stack.done("Promote", "promote", "v2")
        wait_until(lambda: "unavailable v2@" in problem(stack), what="it is refused")
        answer = stack.predict(IRIS_SETOSA)
        assert (answer.status, answer.version) == (200, "v1")
        degraded_before(stack)
        wait_until(lambda: fires(stack, "model-load-failures"), what="the alarm fires")
        wait_until(lambda: stack.pointer == before, what="the pointer is back")
        wait_until(lambda: not problem(stack), what="nothing is wrong any more")


def test_the_operator_takes_on_no_other_role(stack: Stack) -> None:
    iam = stack.aws.client("iam")
    with pytest.raises(ClientError, match="AccessDenied"):
        stack.aws.client("sts", stack.operator).assume_role(
            RoleArn=iam.get_role(RoleName=stack.physical("InferenceRole"))["Role"]["Arn"], RoleSessionName="e2e"
        )


def test_a_version_is_written_once_and_never_deleted_whoever_asks(stack: Stack) -> None:
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    for keys in (stack.assume("Publish"), stack.aws.user("s3-administrator", everything)):
        s3 = stack.aws.client("s3", keys)
        place = {"Bucket": stack.outputs["ModelBucketName"], "Key": "models/iris/v1/manifest.json"}
        before = s3.get_object(**place)["Body"].read()
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_object(**place, Body=b"another")
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(**place)
        with pytest.raises(ClientError, match="PreconditionFailed"):
            s3.put_object(**place, Body=b"another", IfNoneMatch="*")
        assert s3.get_object(**place)["Body"].read() == before


def test_making_the_pointer_needs_its_permission_and_never_overwrites(stack: Stack) -> None:
    before = stack.pointer
    assert make_pointer(stack)["Status"] == "SUCCESS"
    assert stack.pointer == before
    with stack.without("ActivePointerRole", "ssm:PutParameter"):
        answer = make_pointer(stack)
    assert answer["Status"] == "FAILED"
    assert "AccessDenied" in answer["Reason"]


@pytest.mark.parametrize("role", sorted(SHOWN))
def test_every_permission_of_the_template_is_shown_to_be_needed(role: str, stack: Stack) -> None:
    statements = [each for each in stack.policy(role)["Statement"] if each["Effect"] == "Allow"]
    actions = {action for each in statements for action in each["Action"]}
    assert {action for action in actions if not action.startswith(NOT_HERE)} == SHOWN[role]


def make_pointer(stack: Stack) -> dict[str, str]:
    """Have the custom resource's function make the pointer as at an update; what it tells CloudFormation."""
    place = {"Bucket": stack.outputs["ModelBucketName"], "Key": "answer"}
    inside = stack.aws.client("s3", url=stack.aws.url.replace("localhost", "host.docker.internal"))
    event = {
        "RequestType": "Update",
        "ResponseURL": inside.generate_presigned_url("put_object", Params=place),
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "ActivePointer",
        "ResourceProperties": {"Stage": stack.outputs["Stage"], "Model": stack.outputs["ModelName"]},
    }
    stack.invoke("ActivePointerFunction", event)
    s3 = stack.aws.client("s3")
    answer: dict[str, str] = json.loads(s3.get_object(**place)["Body"].read())
    s3.delete_object(**place)
    return answer


def fires(stack: Stack, alarm: str) -> bool:
    """Whether an alarm of the stack is in its alarm state."""
    found = stack.aws.client("cloudwatch").describe_alarms(AlarmNames=[f"{STACK}-{alarm}"])["MetricAlarms"]
    return bool(found[0]["StateValue"] == "ALARM")
