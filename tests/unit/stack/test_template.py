"""template.yaml as a whole: its parameters, its rules, its outputs, and the stages of samconfig.toml."""

import tomllib
from typing import Any

import pytest

from tests.support.paths import ROOT
from tests.support.templates import Stack, source, stack_of
from training.cli.connection import STACK_OUTPUTS

JWT = {"Auth": "JWT", "JwtIssuer": "https://issuer.test", "JwtAudience": "skylift,others"}
DOMAIN = {"DomainName": "iris.example.com", "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/1"}


def test_every_parameter_is_described_and_has_a_default() -> None:
    for name, parameter in source()["Parameters"].items():
        assert len(parameter["Description"]) > 20, name
        assert "Default" in parameter, name
        assert set(parameter) & {"AllowedValues", "AllowedPattern", "MinValue"} or name == "JwtAudience", name


def test_every_parameter_is_used_and_in_a_group() -> None:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    groups = source()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(source()["Parameters"]) == sorted(name for group in groups for name in group["Parameters"])
    for name in source()["Parameters"]:
        assert f"!Ref {name}" in text or f"${{{name}}}" in text, name


class TestRules:
    @pytest.mark.parametrize(
        ("parameters", "broken"),
        [
            ({}, set()),
            ({"Stage": "prod"}, set()),
            ({"Auth": "NONE"}, set()),
            ({"Auth": "NONE", "Stage": "prod"}, {"OpenOnlyInDev"}),
            ({"Auth": "NONE", "Stage": "staging"}, {"OpenOnlyInDev"}),
            (JWT | {"Stage": "prod"}, set()),
            (JWT | {"JwtIssuer": ""}, {"JwtIsComplete"}),
            (JWT | {"JwtAudience": ""}, {"JwtIsComplete"}),
            ({"RetrainRollout": "auto"}, set()),
            ({"RetrainRollout": "auto", "Rollouts": "false"}, {"TrainedCanBeRolledOut"}),
            ({"RetrainRollout": "manual", "Rollouts": "false"}, {"TrainedCanBeRolledOut"}),
            ({"Rollouts": "false"}, set()),
            (DOMAIN, set()),
            (DOMAIN | {"CertificateArn": ""}, {"DomainIsComplete"}),
        ],
    )
    def test_what_must_not_be_deployed_is_refused(self, parameters: dict[str, str], broken: set[str]) -> None:
        assert stack_of(**parameters).broken_rules() == broken


class TestOutputs:
    def test_the_command_line_finds_what_it_reads(self, stack: Stack) -> None:
        assert set(STACK_OUTPUTS.values()) <= stack.outputs.keys()
        assert (stack.outputs["Stage"], stack.outputs["ModelName"]) == ("dev", "iris")
        assert stack.outputs["ModelBucketName"] == "ModelBucket"

    def test_every_output_is_described(self) -> None:
        assert all(output["Description"] for output in source()["Outputs"].values())

    def test_people_find_what_they_need(self, stack: Stack) -> None:
        assert {
            "ActiveParameterName",
            "AlarmTopicArn",
            "ApiUrl",
            "DetailsDashboardUrl",
            "InferenceFunctionAliasArn",
            "InferenceFunctionName",
            "InferenceLogGroupName",
            "OverviewDashboardUrl",
            "PromoteRoleArn",
            "PublishRoleArn",
        } <= stack.outputs.keys()


class TestStages:
    @pytest.fixture
    def config(self) -> dict[str, Any]:
        return tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))

    @pytest.mark.parametrize("stage", ["dev", "prod"])
    def test_a_stage_is_a_stack_of_its_own(self, config: dict[str, Any], stage: str) -> None:
        deploy = config[stage]["deploy"]["parameters"]
        assert deploy["stack_name"] == f"skylift-{stage}"
        assert deploy["capabilities"] == "CAPABILITY_IAM"
        assert deploy["resolve_s3"] is True
        assert deploy["fail_on_empty_changeset"] is False
        assert deploy["confirm_changeset"] is (stage == "prod")

    @pytest.mark.parametrize(("stage", "preference"), [("dev", "AllAtOnce"), ("prod", "Canary10Percent5Minutes")])
    def test_its_parameters_are_the_templates(self, config: dict[str, Any], stage: str, preference: str) -> None:
        overrides = dict(one.split("=", 1) for one in config[stage]["deploy"]["parameters"]["parameter_overrides"])
        assert overrides["Stage"] == stage
        stack = stack_of(**overrides)
        assert not stack.broken_rules()
        group = stack.properties("InferenceFunctionDeploymentGroup")
        assert group["DeploymentConfigName"] == f"CodeDeployDefault.Lambda{preference}"
