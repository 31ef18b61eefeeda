"""What watches traffic and accuracy: captures, the monitor and its alarms, and how to switch each off."""

import json
from typing import Any

import pytest

from tests.support.filter_patterns import matches
from tests.support.templates import Stack, source, stack_of

CAPTURES = {"CaptureFilter", "SubscriptionRole", "CaptureStream", "CaptureRole", "CaptureLogGroup", "CaptureLogStream"}
MONITOR = {"MonitorFunction", "MonitorRole", "MonitorLogGroup", "MonitorTimer", "MonitorTimerRole", "ModelDashboard"}
ALARMS = {"DriftAlarm", "CapturesMissingAlarm"}


def destination(stack: Stack) -> dict[str, Any]:
    """Where Firehose writes."""
    found: dict[str, Any] = stack.properties("CaptureStream")["ExtendedS3DestinationConfiguration"]
    return found


@pytest.mark.parametrize(
    ("parameters", "there"),
    [
        ({}, CAPTURES | MONITOR | ALARMS),
        ({"Labels": "true"}, CAPTURES | MONITOR | ALARMS | {"LiveAccuracyAlarm"}),
        ({"MonitorSchedule": "", "Labels": "true"}, CAPTURES),
        ({"Captures": "false", "Labels": "true"}, set()),
        ({"Profiles": "false"}, set()),
    ],
    ids=["default", "labels", "no monitor", "no captures", "no profiles"],
)
def test_each_part_can_be_switched_off_with_what_needs_it(parameters: dict[str, str], there: set[str]) -> None:
    stack = stack_of(**parameters)
    assert stack.resources.keys() & (CAPTURES | MONITOR | ALARMS | {"LiveAccuracyAlarm"}) == there
    rest = json.dumps(stack.resources)
    assert not [name for name in CAPTURES | MONITOR if name not in there and f'"{name}.Arn"' in rest]


def test_what_is_deployed_is_told_to_the_service(stack: Stack) -> None:
    def told(stack: Stack) -> list[str]:
        variables = stack.properties("InferenceFunction")["Environment"]["Variables"]
        return [variables[f"SKYLIFT_{name}"] for name in ("PROFILE", "LABELS", "CAPTURE_RATE", "CAPTURE_FEATURES")]

    assert told(stack) == ["true", "false", "0", ""]
    assert told(stack_of(Profiles="false", Labels="true", CaptureRate="0.01")) == ["false", "true", "0.01", ""]


def test_lines_of_predictions_go_to_firehose_those_of_refused_ones_too(stack: Stack) -> None:
    subscription = stack.properties("CaptureFilter")
    assert subscription["LogGroupName"] == "InferenceLogGroup"
    assert subscription["DestinationArn"] == "CaptureStream.Arn"
    pattern = subscription["FilterPattern"]
    line = {"path": "/predict", "status": 200, "version": "v7"}
    assert matches(pattern, json.dumps(line))
    assert matches(pattern, json.dumps(line | {"status": 422, "reason": "invalid-instance"}))
    assert matches(pattern, json.dumps(line | {"path": "/v2/models/iris/infer", "protocol": "v2"}))
    assert not matches(pattern, json.dumps(line | {"path": "/v2/models/iris"}))
    assert not matches(pattern, json.dumps(line | {"path": "/health"}))
    assert not matches(pattern, json.dumps({"_aws": {}, "PredictionErrors": 1}))
    assert not matches(pattern, "START RequestId: 1 Version: 7")


def test_captures_are_kept_by_model_and_hour_as_cloudwatch_compressed_them(stack: Stack) -> None:
    written = destination(stack)
    assert written["Prefix"] == "captures/iris/!{timestamp:yyyy/MM/dd/HH}/"
    assert written["ErrorOutputPrefix"].startswith("captures/iris/failed/!{firehose:error-output-type}/")
    assert written["CompressionFormat"] == "UNCOMPRESSED"
    assert "ProcessingConfiguration" not in written
    assert written["CloudWatchLoggingOptions"]["Enabled"] is True


def test_a_bucket_that_was_kept_gets_captures_and_reports_too() -> None:
    adopting = stack_of(ModelBucketName="skylift-dev-modelbucket-abc")
    arn = "arn:aws:s3:::skylift-dev-modelbucket-abc"
    assert destination(adopting)["BucketARN"] == arn
    assert adopting.grants("CaptureRole")["s3:PutObject"] == {f"{arn}/captures/iris/*"}
    assert adopting.grants("MonitorRole")["s3:PutObject"] == {f"{arn}/reports/iris/*"}


@pytest.mark.parametrize(
    ("schedule", "hours", "cron", "period"),
    [("hourly", 1, "cron(20 * * * ? *)", 3600), ("daily", 24, "cron(20 0 * * ? *)", 86400)],
)
def test_a_window_is_as_long_as_the_time_between_runs(schedule: str, hours: int, cron: str, period: int) -> None:
    stack = stack_of(MonitorSchedule=schedule, Labels="true")
    assert stack.properties("MonitorFunction")["Environment"]["Variables"]["SKYLIFT_WINDOW_HOURS"] == hours
    assert stack.properties("MonitorTimer")["ScheduleExpression"] == cron
    assert {stack.properties(name)["Period"] for name in ("DriftAlarm", "LiveAccuracyAlarm")} == {period}
    predictions, rows, _ = stack.properties("CapturesMissingAlarm")["Metrics"]
    assert {each["MetricStat"]["Period"] for each in (predictions, rows)} == {period}


def test_a_run_begins_after_firehose_has_delivered(stack: Stack) -> None:
    """The function waits 15 minutes for the lines of a window, and runs 20 minutes after its end."""
    assert destination(stack)["BufferingHints"]["IntervalInSeconds"] <= 15 * 60 / 2


def test_the_schedule_tells_its_own_time_so_that_a_second_try_judges_the_same(stack: Stack) -> None:
    target = stack.properties("MonitorTimer")["Target"]
    assert (target["Arn"], target["RoleArn"]) == ("MonitorFunction.Arn", "MonitorTimerRole.Arn")
    assert json.loads(target["Input"]) == {"time": "<aws.scheduler.scheduled-time>"}
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3600


@pytest.mark.parametrize("name", ["MonitorFunction", "OperationsFunction"])
def test_further_functions_run_the_image_of_the_service_by_their_own_command(stack: Stack, name: str) -> None:
    function = stack.properties(name)
    folder = name.removesuffix("Function").lower()
    assert function["PackageType"] == "Image"
    assert function["ImageConfig"] == {"Command": [f"{folder}.handler.handler"]}
    built = source()["Resources"]
    assert built[name]["Metadata"] == built["InferenceFunction"]["Metadata"], "sam would build another image"


def test_drift_is_told_when_two_windows_of_three_have_it(stack: Stack) -> None:
    alarm = stack.properties("DriftAlarm")
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"], alarm["Threshold"]) == (3, 2, 1)


def test_captures_are_missed_where_predictions_are_made(stack: Stack) -> None:
    alarm = stack.properties("CapturesMissingAlarm")
    *_, missing = alarm["Metrics"]
    assert missing["Expression"] == "IF(FILL(predictions, 0) > 0 AND FILL(rows, 0) == 0, 1, 0)"
    assert alarm["EvaluationPeriods"] == alarm["DatapointsToAlarm"] == 3
