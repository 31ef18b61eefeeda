"""The functions of the stack: their packages, environments, versions and logs."""

import json
import re

import pytest

from auto_rollback.settings import AutoRollbackSettings
from inference.settings import InferenceSettings
from monitor.settings import MonitorSettings
from operations.settings import OperationsSettings
from pre_traffic.settings import PreTrafficSettings
from retrain import tasks
from retrain.settings import RetrainSettings
from retrain.task import TaskSettings
from retrain_trigger.settings import TriggerSettings
from rollout.settings import RolloutSettings
from skylift.settings import RegistrySettings
from tests.support import templates
from tests.support.paths import ROOT
from tests.support.templates import EVERYTHING, Stack, source, stack_of


def test_the_service_is_an_image_for_arm_behind_an_alias(stack: Stack) -> None:
    function = stack.properties("InferenceFunction")
    assert (function["PackageType"], function["Architectures"]) == ("Image", ["arm64"])
    assert function["ImageConfig"] == {"Command": ["inference.handler.handler"]}
    assert function["TracingConfig"] == {"Mode": "PassThrough"}
    metadata = source()["Resources"]["InferenceFunction"]["Metadata"]
    assert (metadata["Dockerfile"], metadata["DockerContext"]) == ("functions/inference/Dockerfile", ".")


def test_every_function_is_there_under_the_name_by_which_it_is_built_and_called() -> None:
    for name, resource in source()["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = resource["Properties"]
        if properties.get("PackageType") == "Image":
            (command,) = properties["ImageConfig"]["Command"]
        else:
            command = properties["Handler"]
            makefile = (ROOT / properties["CodeUri"] / "Makefile").read_text(encoding="utf-8")
            assert f"\nbuild-{name}:\n" in makefile
        folder, module, function = command.split(".")
        code = (ROOT / "functions" / folder / f"{module}.py").read_text(encoding="utf-8")
        assert re.search(rf"^(def )?{function}\b", code, flags=re.MULTILINE), command


def test_traces_are_recorded_where_somebody_pays_for_them() -> None:
    functions = stack_of(Tracing="Active").of_type("AWS::Lambda::Function")
    assert {function["TracingConfig"]["Mode"] for function in functions.values()} == {"Active"}


@pytest.mark.parametrize(("parameter", "applied"), [("true", "PublishedVersions"), ("false", "None")])
def test_snapshots_are_a_parameter(parameter: str, applied: str) -> None:
    function = stack_of(SnapStart=parameter).properties("InferenceFunction")
    assert function["SnapStart"] == {"ApplyOn": applied}


def test_concurrency_is_reserved_where_a_number_is_named(stack: Stack) -> None:
    assert "ReservedConcurrentExecutions" not in stack.properties("InferenceFunction")
    stopped = stack_of(ReservedConcurrency="0").properties("InferenceFunction")
    assert stopped["ReservedConcurrentExecutions"] == "0"


def test_memory_and_architecture_are_parameters() -> None:
    stack = stack_of(MemorySize="512", Architecture="x86_64")
    assert stack.properties("InferenceFunction")["MemorySize"] == "512"
    for function in stack.of_type("AWS::Lambda::Function").values():
        assert function["Architectures"] == ["x86_64"]
    (layer,) = stack.of_type("AWS::Lambda::LayerVersion").values()
    assert layer["CompatibleArchitectures"] == ["x86_64"]


@pytest.mark.parametrize(
    ("function", "settings"),
    [
        ("InferenceFunction", InferenceSettings),
        ("PreTrafficFunction", PreTrafficSettings),
        ("VersionCheckFunction", RegistrySettings),
        ("OperationsFunction", OperationsSettings),
        ("MonitorFunction", MonitorSettings),
        ("AuditFunction", RegistrySettings),
    ],
)
def test_the_environment_holds_what_the_code_reads(
    stack: Stack, function: str, settings: type[RegistrySettings]
) -> None:
    variables = stack.properties(function)["Environment"]["Variables"]
    left_to_code = {"max_pointer_age"}  # follows from the refresh time
    left_to_code |= {"drain_seconds"}  # of a plain server
    left_to_code |= {"signing_key", "trusted_keys", "require_signature"}  # it publishes and promotes nothing
    if function not in {"InferenceFunction", "VersionCheckFunction"}:
        left_to_code |= {"allow_joblib"}  # it loads no model
    assert set(variables) == {f"SKYLIFT_{name.upper()}" for name in set(settings.model_fields) - left_to_code}
    settings(**{name.removeprefix("SKYLIFT_").lower(): value for name, value in variables.items()})


@pytest.mark.parametrize(
    ("stage", "parameter", "allowed"),
    [("dev", "", True), ("prod", "", False), ("dev", "false", False), ("prod", "true", True), ("dev2", "", False)],
)
def test_joblib_is_loaded_in_dev_or_where_the_parameter_says_so(stage: str, parameter: str, allowed: bool) -> None:
    stack = stack_of(Stage=stage, AllowJoblib=parameter)
    for function in ("InferenceFunction", "VersionCheckFunction"):
        assert stack.properties(function)["Environment"]["Variables"]["SKYLIFT_ALLOW_JOBLIB"] == str(allowed).lower()
    assert stack.outputs["AllowJoblib"] == str(allowed).lower()


@pytest.mark.parametrize(
    ("function", "settings", "left_to_code"),
    [
        ("RetrainFunction", RetrainSettings, {"train_minutes", "approval_hours"}),
        (
            "TriggerFunction",
            TriggerSettings,
            {"retrain_window_seconds", "allow_joblib", "signing_key", "trusted_keys", "require_signature"},
        ),
    ],
)
def test_what_trains_and_what_starts_it_are_told_what_they_read(
    function: str, settings: type[RegistrySettings], left_to_code: set[str]
) -> None:
    variables = stack_of(**EVERYTHING).properties(function)["Environment"]["Variables"]
    assert set(variables) == {f"SKYLIFT_{name.upper()}" for name in set(settings.model_fields) - left_to_code}


def test_a_task_is_told_the_rest_by_the_function() -> None:
    (container,) = stack_of(**EVERYTHING).properties("RetrainTask")["ContainerDefinitions"]
    told = {one["Name"].removeprefix("SKYLIFT_").lower() for one in container["Environment"]}
    required = {name for name, field in TaskSettings.model_fields.items() if field.is_required()}
    assert required - told == {"retraining", "callback", "retrain_function"}
    assert told <= TaskSettings.model_fields.keys()
    assert container["Name"] == tasks.CONTAINER


@pytest.mark.parametrize(
    ("function", "settings"), [("AutoRollbackFunction", AutoRollbackSettings), ("RolloutFunction", RolloutSettings)]
)
def test_what_moves_the_pointer_is_told_which_signatures_count(
    stack: Stack, function: str, settings: type[RegistrySettings]
) -> None:
    variables = stack.properties(function)["Environment"]["Variables"]
    left_to_code = {"service_log", "held_back_seconds"}  # of one machine, and how late lines may be
    assert set(variables) == {f"SKYLIFT_{name.upper()}" for name in set(settings.model_fields) - left_to_code}
    settings(**{name.removeprefix("SKYLIFT_").lower(): value for name, value in variables.items()})


def test_a_changed_parameter_makes_another_version(stack: Stack) -> None:
    name = stack.version_of("InferenceFunction")
    description = stack.properties(name)["Description"]
    function = json.dumps(stack.raw["InferenceFunction"]["Properties"])
    alternatives = {"Architecture": "x86_64", "SnapStart": "false", "LogLevel": "DEBUG", "Tracing": "Active"}
    alternatives |= {"Profiles": "false", "Labels": "true", "AllowJoblib": "false", "CaptureRate": "0.01"}
    alternatives |= {"Retraining": "true"}
    for parameter, value in stack.parameters.items():
        conditions = [
            name for name, test in source()["Conditions"].items() if f'"Ref": "{parameter}"' in json.dumps(test)
        ]
        read = f'"Ref": "{parameter}"' in function or any(f'"{name}"' in function for name in conditions)
        # Neither is part of a version: Lambda refuses to publish one that differs in nothing.
        if read and parameter != "ReservedConcurrency":
            other = stack_of(**{parameter: alternatives.get(parameter, f"{value}1")}).properties(name)["Description"]
            assert other != description, parameter
    long = {
        "Release": "r" * 40, "Architecture": "x86_64", "MemorySize": "10240", "RefreshSeconds": "3600",
        "MaxInstances": "30000", "LogLevel": "WARNING", "SnapStart": "true", "Tracing": "Active",
        "Labels": "true", "CaptureRate": "0.999", "AllowJoblib": "true", "ModelName": "m" * 63,
        "Retraining": "true",
    }  # fmt: skip
    assert len(stack_of(**long, Stage="s" * 63).properties(name)["Description"]) <= 256
    bucket = f"skylift-{'s' * 20}-modelbucket-{'x' * 13}"  # for the longest stage of bootstrap.yaml
    assert len(stack_of(**long, Stage="s" * 20, ModelBucketName=bucket).properties(name)["Description"]) <= 256


def test_a_changed_list_of_captured_features_makes_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is as long as it likes, so no description has it; SAM notices what is written in the template."""
    before = Stack().version_of("InferenceFunction")
    document = source()
    variables = document["Resources"]["InferenceFunction"]["Properties"]["Environment"]["Variables"]
    variables["SKYLIFT_CAPTURE_FEATURES"] = "age,income"
    monkeypatch.setattr(templates, "source", lambda _: document)

    assert Stack().version_of("InferenceFunction") != before


def test_a_version_that_is_replaced_stays_as_the_way_back_and_for_what_runs_on_it() -> None:
    for version in stack_of(Retraining="true").resources.values():
        if version["Type"] == "AWS::Lambda::Version":
            assert (version["DeletionPolicy"], version["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_every_function_logs_to_a_group_that_forgets() -> None:
    stack = stack_of(LogRetentionDays="7")
    groups = stack.of_type("AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] == "7" for group in groups.values())
    for function in stack.of_type("AWS::Lambda::Function").values():
        assert function["LoggingConfig"]["LogFormat"] == "JSON"
        assert function["LoggingConfig"]["LogGroup"] in groups


def test_a_schedule_has_the_active_version_checked(stack: Stack) -> None:
    rule = stack.properties("VersionCheckFunctionSchedule")
    assert rule["ScheduleExpression"] == "rate(5 minutes)"
    assert [target["Arn"] for target in rule["Targets"]] == ["VersionCheckFunction.Arn"]


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_lambda_never_drops_the_lines_of_metrics(level: str) -> None:
    function = stack_of(LogLevel=level).properties("InferenceFunction")
    assert function["LoggingConfig"]["ApplicationLogLevel"] in {"DEBUG", "INFO"}
