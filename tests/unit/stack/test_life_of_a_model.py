"""Trials, going back, the audit and training again: what is made, what calls it, and what each may do."""

import json
from typing import Any

import pytest

from skylift.going_back import ALARMS
from tests.support.templates import EVERYTHING, Stack, source, stack_of

OWN = "arn:aws:lambda:eu-central-1:123456789012:function:skylift"
POINTER = "arn:aws:ssm:eu-central-1:123456789012:parameter/skylift/dev/iris/active"
CHALLENGER = "arn:aws:ssm:eu-central-1:123456789012:parameter/skylift/dev/iris/challenger"

ROLLOUTS = {"RolloutFunction", "RolloutRole", "RolloutLogGroup", "RolloutFailedAlarm"}
GOING_BACK = {"AutoRollbackFunction", "AutoRollbackRole", "AutoRollbackLogGroup", "AutoRollbackFunctionAlarms"}
RETRAINING = {"RetrainFunction", "RetrainRole", "TriggerFunction", "TriggerRole", "RetrainFailedAlarm"}
FARGATE = {"RetrainCluster", "RetrainTask", "RetrainTaskRole", "RetrainTaskStartRole"}


@pytest.fixture(scope="module")
def whole() -> Stack:
    """The stack with everything that is off by default."""
    return stack_of(**EVERYTHING)


def folder(name: str) -> str:
    """The only place in the bucket that is named like this."""
    return f"ModelBucket.Arn/{name}/iris/*"


def pattern(stack: Stack, rule: str) -> dict[str, Any]:
    """Pattern of a rule."""
    found: dict[str, Any] = stack.properties(rule)["EventPattern"]
    return found


@pytest.mark.parametrize(
    ("parameters", "there"),
    [
        ({}, ROLLOUTS | GOING_BACK),
        ({"Rollouts": "false"}, GOING_BACK),
        ({"AutoRollbackHours": "0"}, ROLLOUTS),
        ({"Retraining": "true"}, ROLLOUTS | GOING_BACK | RETRAINING),
        ({"RetrainSchedule": "rate(7 days)", "RetrainOnData": "true"}, ROLLOUTS | GOING_BACK),
        (EVERYTHING, ROLLOUTS | GOING_BACK | RETRAINING | FARGATE | {"RetrainTimer", "NewDataRule", "DriftRule"}),
        (
            EVERYTHING | {"Captures": "false"},
            ROLLOUTS | GOING_BACK | RETRAINING | FARGATE | {"RetrainTimer", "NewDataRule"},
        ),
    ],
    ids=["default", "no rollouts", "no way back", "retraining", "switched off", "everything", "nobody watches drift"],
)
def test_each_part_can_be_switched_off_with_what_needs_it(parameters: dict[str, str], there: set[str]) -> None:
    stack = stack_of(**parameters)
    parts = ROLLOUTS | GOING_BACK | RETRAINING | FARGATE | {"RetrainTimer", "NewDataRule", "DriftRule"}
    assert stack.resources.keys() & parts == there
    rest = json.dumps([stack.resources, stack.outputs])
    assert not [name for name in parts - there if f'"{name}"' in rest or f'"{name}.' in rest]


@pytest.mark.parametrize(("function", "name"), [("RolloutFunction", "rollout"), ("RetrainFunction", "retrain")])
def test_a_durable_function_is_started_by_an_alias_and_keeps_its_own_place(
    whole: Stack, function: str, name: str
) -> None:
    properties = whole.properties(function)
    assert properties["FunctionName"] == f"skylift-{name}"
    assert properties["DurableConfig"]["ExecutionTimeout"] <= 366 * 86400
    assert 1 <= properties["DurableConfig"]["RetentionPeriodInDays"] <= 90
    assert whole.properties(f"{function}Aliaslive")["Name"] == "live"
    own = {f"{OWN}-{name}:*"}
    grants = whole.grants(f"{name.title()}Role")
    assert grants["lambda:CheckpointDurableExecution"] == grants["lambda:GetDurableExecutionState"] == own


@pytest.mark.parametrize("function", ["RolloutFunction", "RetrainFunction"])
@pytest.mark.parametrize(
    "changed",
    [
        {"ModelBucketName": "skylift-kept"},
        {"Stage": "prod"},
        {"SignVersions": "false", "TrustedKeyArns": "arn:aws:kms:eu-central-1:210987654321:key/1"},
        {"RequireSignature": "true"},
        {"AllowJoblib": "false"},
        {"LogLevel": "DEBUG"},
        {"Tracing": "Active"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_changed_parameter_is_a_new_version_of_a_durable_function(function: str, changed: dict[str, str]) -> None:
    before, after = stack_of(**EVERYTHING), stack_of(**EVERYTHING | changed)
    name = before.version_of(function)
    assert before.properties(name)["Description"] != after.properties(name)["Description"]


def test_no_description_of_a_version_is_too_long() -> None:
    long = {
        "Stage": "s" * 20,
        "ModelName": "m" * 63,
        "Release": "r" * 40,
        "Architecture": "x86_64",
        "Tracing": "Active",
    }
    long |= {"RetrainMemorySize": "10240", "LogLevel": "WARNING", "RequireSignature": "true", "AllowJoblib": "true"}
    long |= {"ModelBucketName": f"skylift-{'s' * 20}-modelbucket-{'x' * 13}", "RetrainSubnets": ""}
    stack = stack_of(**EVERYTHING | long)
    for function in ("RolloutFunction", "RetrainFunction"):
        assert len(stack.properties(stack.version_of(function))["Description"]) <= 256


class TestRollouts:
    def test_a_rollout_may_count_judge_move_and_tell_and_write_no_version(self, stack: Stack) -> None:
        grants = stack.grants("RolloutRole")
        for action in ("lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"):
            del grants[action]
        assert grants == {
            "s3:GetObject": {folder("models"), folder("experiments")},
            "s3:PutObject": {folder("experiments")},
            "s3:ListBucket": {"ModelBucket.Arn"},
            "ssm:GetParameter": {POINTER, CHALLENGER},
            "ssm:GetParameters": {POINTER, CHALLENGER},
            "ssm:GetParameterHistory": {POINTER, CHALLENGER},
            "ssm:PutParameter": {POINTER, CHALLENGER},
            "logs:FilterLogEvents": {"InferenceLogGroup.Arn"},
            "cloudwatch:DescribeAlarms": {"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:*"},
            "sns:Publish": {"AlarmTopic"},
            "logs:CreateLogStream": {"RolloutLogGroup.Arn"},
            "logs:PutLogEvents": {"RolloutLogGroup.Arn"},
            "xray:PutTraceSegments": {"*"},
            "xray:PutTelemetryRecords": {"*"},
        }

    def test_who_promotes_starts_and_approves_them(self, whole: Stack) -> None:
        grants = whole.grants("PromoteRole")
        assert grants["lambda:InvokeFunction"] == {f"{OWN}-rollout", f"{OWN}-rollout:live"}
        answered = {f"{OWN}-rollout:*", f"{OWN}-retrain:*"}
        assert grants["lambda:SendDurableExecutionCallbackSuccess"] == answered
        assert grants["lambda:SendDurableExecutionCallbackFailure"] == answered

    def test_people_find_them(self, stack: Stack) -> None:
        assert stack.outputs["RolloutFunctionArn"] == "RolloutFunctionAliaslive"
        assert stack.outputs["ChallengerParameterName"] == "/skylift/dev/iris/challenger"
        assert "RolloutFunctionArn" not in stack_of(Rollouts="false").outputs


class TestGoingBack:
    def test_it_hears_the_alarms_that_a_promotion_can_raise_and_no_other(self, whole: Stack) -> None:
        heard = pattern(whole, "AutoRollbackFunctionAlarms")
        names = [whole.properties(arn.removesuffix(".Arn"))["AlarmName"] for arn in heard["resources"]]
        assert {name.removeprefix("skylift-") for name in names} == set(ALARMS)
        assert heard["source"] == ["aws.cloudwatch"]
        assert heard["detail-type"] == ["CloudWatch Alarm State Change"]
        assert heard["detail"] == {"state": {"value": ["ALARM"]}}

    def test_it_moves_back_and_writes_no_version(self, stack: Stack) -> None:
        grants = stack.grants("AutoRollbackRole")
        assert grants["ssm:PutParameter"] == {POINTER, CHALLENGER}
        assert grants["s3:PutObject"] == {folder("experiments")}
        assert grants["lambda:GetAlias"] == {"InferenceFunction.Arn", "InferenceFunction.Arn:*"}
        assert not {"lambda:InvokeFunction", "lambda:UpdateAlias"} & grants.keys()

    def test_hours_and_names_are_told_to_it(self) -> None:
        told = stack_of(AutoRollbackHours="6").properties("AutoRollbackFunction")["Environment"]["Variables"]
        assert told["SKYLIFT_AUTO_ROLLBACK_HOURS"] == "6"
        assert told["SKYLIFT_ALARM_PREFIX"] == "skylift-"
        assert told["SKYLIFT_INFERENCE_FUNCTION"] == "InferenceFunctionAliaslive"


class TestAudit:
    def test_it_hears_every_change_of_both_parameters(self, stack: Stack) -> None:
        heard = pattern(stack, "AuditFunctionChanges")
        assert heard["source"] == ["aws.ssm"]
        assert heard["detail-type"] == ["Parameter Store Change"]
        assert heard["detail"] == {"name": ["/skylift/dev/iris/active", "/skylift/dev/iris/challenger"]}
        assert stack.properties("AuditFunctionDaily")["ScheduleExpression"] == "rate(1 day)"

    def test_it_adds_and_replaces_nothing(self, stack: Stack) -> None:
        (adding,) = (one for one in stack.statements("AuditRole") if one["Action"] == "s3:PutObject")
        assert adding["Resource"] == folder("audit")
        assert adding["Condition"] == {"Null": {"s3:if-none-match": "false"}}
        assert stack.grants("AuditRole")["ssm:GetParameterHistory"] == {POINTER, CHALLENGER}
        assert "ssm:PutParameter" not in stack.grants("AuditRole")


@pytest.mark.parametrize("function", ["AuditFunction", "AutoRollbackFunction", "TriggerFunction"])
def test_an_event_that_is_not_taken_is_tried_again_then_sent_to_people_and_counted(whole: Stack, function: str) -> None:
    settings = whole.properties(f"{function}EventInvokeConfig")
    assert (settings["MaximumRetryAttempts"], settings["MaximumEventAgeInSeconds"]) == (2, 3600)
    assert settings["DestinationConfig"]["OnFailure"] == {"Destination": "AlarmTopic"}
    assert whole.grants(function.replace("Function", "Role"))["sns:Publish"] == {"AlarmTopic"}
    counted = [one["MetricStat"]["Metric"] for one in whole.properties("EventsLostAlarm")["Metrics"][:-1]]
    assert {one["MetricName"] for one in counted} == {"AsyncEventsDropped"}
    assert function in {one["Dimensions"][0]["Value"] for one in counted}


class TestRetraining:
    def test_its_routes_are_there_where_it_is_with_the_security_of_the_others(self, whole: Stack) -> None:
        paths = whole.properties("Api")["Body"]["paths"]
        assert paths["/retrain"]["post"]["security"] == paths["/retrain/{id}"]["get"]["security"] == [{"AWS_IAM": []}]
        assert (
            paths["/retrain"]["post"]["x-amazon-apigateway-integration"]
            == paths["/metrics"]["get"]["x-amazon-apigateway-integration"]
        )
        assert not [path for path in stack_of().properties("Api")["Body"]["paths"] if path.startswith("/retrain")]

    def test_it_writes_versions_and_moves_nothing(self, whole: Stack) -> None:
        grants = whole.grants("RetrainRole")
        approvals = folder("experiments") + "/approval.json"
        assert grants["s3:PutObject"] == {folder(name) for name in ("models", "snapshots", "retrains")} | {approvals}
        assert "ssm:PutParameter" not in grants
        started = {f"{OWN}-{name}{alias}" for name in ("rollout", "retrain") for alias in ("", ":live")}
        assert grants["lambda:InvokeFunction"] == started

    @pytest.mark.parametrize("nothing", [{"RetrainRollout": "none"}, {"Rollouts": "false"}], ids=str)
    def test_who_may_train_moves_no_pointer_by_a_rollout_unless_the_stack_says_so(
        self, nothing: dict[str, str]
    ) -> None:
        stack = stack_of(**EVERYTHING | nothing)
        grants = stack.grants("RetrainRole")
        assert grants["lambda:InvokeFunction"] == {f"{OWN}-retrain", f"{OWN}-retrain:live"}
        assert not [place for place in grants["s3:PutObject"] if "/experiments/" in place]
        assert stack.properties("RetrainFunction")["Environment"]["Variables"]["SKYLIFT_ROLLOUT_FUNCTION"] == ""

    @pytest.mark.parametrize("most", ["none", "manual", "auto"])
    def test_whoever_starts_it_knows_what_may_follow(self, most: str) -> None:
        stack = stack_of(**EVERYTHING | {"RetrainRollout": most})
        for function in ("OperationsFunction", "TriggerFunction", "RetrainFunction"):
            assert stack.properties(function)["Environment"]["Variables"]["SKYLIFT_RETRAIN_ROLLOUT"] == most
        assert stack.outputs["RetrainRollout"] == most
        assert "RetrainRollout" not in stack_of().outputs

    def test_what_trains_signs_where_versions_are_signed(self, whole: Stack) -> None:
        _, signing = whole.properties("SigningKey")["KeyPolicy"]["Statement"]
        assert signing["Principal"]["AWS"] == ["PublishRole.Arn", "RetrainRole.Arn", "RetrainTaskRole.Arn"]
        _, signing = stack_of(SignVersions="true").properties("SigningKey")["KeyPolicy"]["Statement"]
        assert signing["Principal"]["AWS"] == ["PublishRole.Arn"]

    @pytest.mark.parametrize("role", ["PublishRole", "OperationsRole", "TriggerRole"])
    def test_who_starts_it_does_nothing_else_with_it(self, whole: Stack, role: str) -> None:
        grants = whole.grants(role)
        assert grants["lambda:InvokeFunction"] == {f"{OWN}-retrain", f"{OWN}-retrain:live"}
        assert folder("retrains") in grants["s3:PutObject"]
        assert "lambda:InvokeFunction" not in stack_of().grants("OperationsRole")

    def test_new_data_of_this_model_starts_it(self, whole: Stack) -> None:
        heard = pattern(whole, "NewDataRule")
        assert heard["detail"] == {"bucket": {"name": ["ModelBucket"]}, "object": {"key": [{"prefix": "data/iris/"}]}}
        bucket = whole.properties("ModelBucket")
        assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
        assert "NotificationConfiguration" not in stack_of().properties("ModelBucket")

    def test_drift_and_live_accuracy_start_it(self, whole: Stack) -> None:
        heard = pattern(whole, "DriftRule")
        assert heard["resources"] == ["DriftAlarm.Arn", "LiveAccuracyAlarm.Arn"]
        without_labels = stack_of(**EVERYTHING | {"Labels": "false"})
        assert pattern(without_labels, "DriftRule")["resources"] == ["DriftAlarm.Arn"]

    @pytest.mark.parametrize("rule", ["NewDataRule", "DriftRule"])
    def test_a_rule_may_call_the_trigger(self, whole: Stack, rule: str) -> None:
        (target,) = whole.properties(rule)["Targets"]
        assert target["Arn"] == "TriggerFunction.Arn"
        permission = whole.properties(rule.replace("Rule", "Permission"))
        assert (permission["Principal"], permission["SourceArn"]) == ("events.amazonaws.com", f"{rule}.Arn")

    def test_the_schedule_tells_its_own_time_so_that_a_second_try_starts_nothing(self, whole: Stack) -> None:
        timer = whole.properties("RetrainTimer")
        assert timer["ScheduleExpression"] == "cron(0 4 ? * MON *)"
        assert json.loads(timer["Target"]["Input"])["time"] == "<aws.scheduler.scheduled-time>"
        assert whole.grants("RetrainTimerRole") == {"lambda:InvokeFunction": {"TriggerFunction.Arn"}}


class TestFargate:
    def test_the_task_runs_the_image_with_the_rights_of_training_alone(self, whole: Stack) -> None:
        task = whole.properties("RetrainTask")
        (container,) = task["ContainerDefinitions"]
        assert container["Image"] == source()["Resources"]["RetrainFunction"]["Metadata"]["DockerTag"]
        assert task["RuntimePlatform"] == {"OperatingSystemFamily": "LINUX", "CpuArchitecture": "ARM64"}
        grants = whole.grants("RetrainTaskRole")
        assert grants["s3:PutObject"] == {folder("models"), folder("retrains")}
        assert {action for action in grants if not action.startswith(("s3:", "ssm:Get"))} == {
            f"lambda:SendDurableExecutionCallback{how}" for how in ("Failure", "Heartbeat", "Success")
        }

    def test_the_function_starts_this_task_and_hands_over_its_roles_only(self, whole: Stack) -> None:
        grants = whole.grants("RetrainRole")
        assert grants["ecs:RunTask"] == {"arn:aws:ecs:eu-central-1:123456789012:task-definition/skylift-retrain:*"}
        assert whole.properties("RetrainTask")["Family"] == "skylift-retrain"
        assert grants["iam:PassRole"] == {"RetrainTaskRole.Arn", "RetrainTaskStartRole.Arn"}
        (given,) = (one for one in whole.statements("RetrainRole") if one["Action"] == "iam:PassRole")
        assert given["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}

    def test_without_subnets_the_function_trains(self) -> None:
        stack = stack_of(Retraining="true")
        assert "ecs:RunTask" not in stack.grants("RetrainRole")
        variables = stack.properties("RetrainFunction")["Environment"]["Variables"]
        assert variables["SKYLIFT_TASK_DEFINITION"] == variables["SKYLIFT_TASK_SUBNETS"] == ""
