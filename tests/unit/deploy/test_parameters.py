"""Stages come from samconfig.toml, and their parameters fit the template before anything is built."""

from pathlib import Path

import pytest

from deploy.parameters import assignments, check_parameters, load_template, read_stage
from skylift.errors import ConfigError

SAMCONFIG = """
version = 0.1
[default.global.parameters]
stack_name = "skylift-default"
[dev.deploy.parameters]
stack_name = "skylift-dev"
parameter_overrides = 'Stage=dev AlarmEmail="a@example.org"'
[prod.global.parameters]
stack_name = "skylift-prod"
[prod.deploy.parameters]
parameter_overrides = ["Stage=prod", "MemorySize=1024"]
"""

TEMPLATE = """
Parameters:
  Stage: {Type: String, AllowedPattern: "^[a-z]+$", Description: Of the stack}
  MemorySize: {Type: Number, Default: 512, MinValue: 256, MaxValue: 10240}
  Auth: {Type: String, Default: AWS_IAM, AllowedValues: [AWS_IAM, JWT, NONE], ConstraintDescription: see docs}
  SnapStart: {Type: String, Default: true, AllowedValues: [true, false]}
Resources:
  Topic: {Type: "AWS::SNS::Topic", Properties: {TopicName: !Sub "${Stage}-alarms", Kind: !If [A, !Ref B, {c: d}]}}
"""


@pytest.fixture
def samconfig(tmp_path: Path) -> Path:
    path = tmp_path / "samconfig.toml"
    path.write_text(SAMCONFIG, encoding="utf-8")
    return path


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


class TestStage:
    def test_parameters_as_one_text_are_read_as_a_shell_reads_them(self, samconfig: Path) -> None:
        stage = read_stage("dev", samconfig)

        assert stage.stack == "skylift-dev"
        assert stage.parameters == {"Stage": "dev", "AlarmEmail": "a@example.org"}

    def test_parameters_as_a_list_and_settings_for_all_commands_are_read(self, samconfig: Path) -> None:
        stage = read_stage("prod", samconfig)

        assert stage.stack == "skylift-prod"
        assert stage.parameters == {"Stage": "prod", "MemorySize": "1024"}

    def test_an_unknown_stage_is_refused_with_those_there_are(self, samconfig: Path) -> None:
        with pytest.raises(ConfigError, match="has no stage staging: there are: dev, prod"):
            read_stage("staging", samconfig)

    def test_a_stage_without_a_stack_is_refused_with_what_to_add(self, tmp_path: Path) -> None:
        (tmp_path / "samconfig.toml").write_text("[dev.build.parameters]\ncached = true\n", encoding="utf-8")

        with pytest.raises(ConfigError, match=r"add stack_name to \[dev\.deploy\.parameters\]"):
            read_stage("dev", tmp_path / "samconfig.toml")

    @pytest.mark.parametrize("content", ["[dev", None])
    def test_a_file_that_cannot_be_read_is_named(self, tmp_path: Path, content: str | None) -> None:
        if content:
            (tmp_path / "samconfig.toml").write_text(content, encoding="utf-8")

        with pytest.raises(ConfigError, match=r"samconfig\.toml cannot be read"):
            read_stage("dev", tmp_path / "samconfig.toml")


class TestAssignments:
    def test_a_value_may_be_empty_and_hold_an_equals_sign(self) -> None:
        assert assignments(["A=", "B=c=d"]) == {"A": "", "B": "c=d"}

    @pytest.mark.parametrize("text", ["A", "=b", ""])
    def test_what_sets_nothing_is_refused(self, text: str) -> None:
        with pytest.raises(ConfigError, match="write it as Name=value"):
            assignments([text])


class TestParameters:
    def test_what_cloudformation_accepts_is_accepted(self, template: Path) -> None:
        check_parameters({"Stage": "dev", "MemorySize": "1024", "Auth": "JWT", "SnapStart": "false"}, template)

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"Stage": "dev", "Memory": "1"}, "there is no parameter Memory"),
            ({"Stage": "Dev 1"}, "Stage=Dev 1 is not of the form"),
            ({"Stage": "dev", "Auth": "BASIC"}, "Auth=BASIC is none of AWS_IAM, JWT, NONE: see docs"),
            ({"Stage": "dev", "SnapStart": "yes"}, "SnapStart=yes is none of true, false"),
            ({"Stage": "dev", "MemorySize": "big"}, "MemorySize=big is not a number"),
            ({"Stage": "dev", "MemorySize": "128"}, "MemorySize=128 is not within 256 to 10240"),
            ({}, r"Stage has no value \(Of the stack\)"),
        ],
    )
    def test_what_cloudformation_refuses_is_refused(self, template: Path, values: dict[str, str], said: str) -> None:
        with pytest.raises(ConfigError, match=said):
            check_parameters(values, template)

    def test_everything_that_is_wrong_is_told_at_once(self, template: Path) -> None:
        with pytest.raises(ConfigError, match="no parameter A; there is no parameter B; Stage has no value"):
            check_parameters({"A": "1", "B": "2"}, template)

    @pytest.mark.parametrize("content", ["- a list", "{", None])
    def test_a_template_that_cannot_be_read_is_named(self, tmp_path: Path, content: str | None) -> None:
        if content:
            (tmp_path / "other.yaml").write_text(content, encoding="utf-8")

        with pytest.raises(ConfigError, match=r"other\.yaml cannot be read"):
            check_parameters({}, tmp_path / "other.yaml")

    def test_a_value_that_the_stack_has_needs_no_new_one(self, template: Path) -> None:
        check_parameters({}, template, kept={"Stage": "dev"})

    def test_short_forms_are_read_as_what_they_stand_for(self) -> None:
        properties = load_template(TEMPLATE)["Resources"]["Topic"]["Properties"]

        assert properties == {
            "TopicName": {"Fn::Sub": "${Stage}-alarms"},
            "Kind": {"Fn::If": ["A", {"Ref": "B"}, {"c": "d"}]},
        }
