"""Deployments of the stack: how traffic moves, what is asked before, what rolls it back."""

import pytest

from tests.support.paths import ROOT
from tests.support.templates import Stack, stack_of


@pytest.mark.parametrize("preference", ["AllAtOnce", "Canary10Percent5Minutes"])
def test_traffic_moves_as_the_parameter_says(preference: str) -> None:
    group = stack_of(DeploymentPreference=preference).properties("InferenceFunctionDeploymentGroup")
    assert group["DeploymentConfigName"] == f"CodeDeployDefault.Lambda{preference}"


def test_the_hook_asks_the_new_version(stack: Stack) -> None:
    version = stack.version_of("InferenceFunction")
    policy = stack.resources["InferenceFunctionAliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert policy["BeforeAllowTrafficHook"] == "PreTrafficFunction"
    variables = stack.properties("PreTrafficFunction")["Environment"]["Variables"]
    assert variables["SKYLIFT_NEW_VERSION"] == version


def test_every_alarm_that_new_code_can_raise_rolls_back(stack: Stack) -> None:
    group = stack.properties("InferenceFunctionDeploymentGroup")
    not_of_code = {"PointerStaleAlarm", "ActiveVersionUnreadableAlarm"}  # but of SSM's limit, and of missing files
    not_of_code |= {"DriftAlarm", "CapturesMissingAlarm"}  # but of traffic, and of what watches it
    not_of_code |= {"ChallengerDroppedAlarm", "RolloutFailedAlarm", "EventsLostAlarm"}  # but of what does not answer
    assert {alarm["Name"] for alarm in group["AlarmConfiguration"]["Alarms"]} == set(
        stack.of_type("AWS::CloudWatch::Alarm")
    ) - not_of_code
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]


def test_codedeploy_may_see_the_alarms(stack: Stack) -> None:
    # Refusals name all alarms, whichever were asked for; without this right each deployment stops.
    assert stack.grants("DeploymentRole")["cloudwatch:DescribeAlarms"] == {
        "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:*"
    }


@pytest.mark.parametrize("name", ["PreTrafficFunction", "ActivePointerFunction"])
def test_zip_functions_use_the_layer(stack: Stack, name: str) -> None:
    (layer,) = stack.of_type("AWS::Lambda::LayerVersion")
    assert stack.properties(name)["Layers"] == [layer]
    assert stack.properties(name)["Runtime"] == "python3.13"


def test_the_hook_has_no_model_libraries() -> None:
    names = {
        line.partition("==")[0]
        for line in (ROOT / "layers" / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    assert {"pydantic", "boto3", "aws-lambda-powertools"} <= names
    assert not names & {"numpy", "scikit-learn", "onnxruntime", "fastapi"}


@pytest.mark.parametrize("function", ["InferenceFunction", "RolloutFunction", "RetrainFunction"])
@pytest.mark.parametrize(
    "parameter",
    [
        *({"Release": "another"}, {"LogLevel": "DEBUG"}, {"AllowJoblib": "false"}, {"Tracing": "Active"}),
        *({"SignVersions": "true"}, {"RequireSignature": "true"}, {"Architecture": "x86_64"}, {"Rollouts": "false"}),
        *({"MemorySize": "2048"}, {"RetrainMemorySize": "4096"}, {"RetrainSubnets": "subnet-1"}, {"Labels": "true"}),
    ],
    ids=str,
)
def test_another_description_of_a_version_comes_with_another_configuration(
    function: str, parameter: dict[str, str]
) -> None:
    # Lambda publishes no version that differs in nothing: the deployment would fail.
    before, after = stack_of(Retraining="true"), stack_of(**{"Retraining": "true"} | parameter)
    if function in after.resources and described(before, function) != described(after, function):
        assert before.properties(function) != after.properties(function)


def described(stack: Stack, function: str) -> str:
    """The description of a function's version."""
    return str(stack.properties(stack.version_of(function))["Description"])
