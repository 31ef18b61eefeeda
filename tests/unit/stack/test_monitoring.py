"""Alarms and dashboards of the stack, held to the metrics that the service really writes."""

import asyncio
import contextlib
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from inference.access_log import AccessLog
from inference.degradation import Degradation
from skylift.errors import AwsThrottled
from skylift.http.record import record_of
from skylift.observability import NAMESPACE, MetricName, MetricPoint, WindowMetricName
from skylift.references import Reference
from skylift.settings import RegistrySettings
from tests.support.fakes import HostHarness
from tests.support.models import iris_package
from tests.support.templates import EVERYTHING, Stack, stack_of
from version_check import handler as version_check

type Sets = set[frozenset[str]]

OF_WINDOWS = set(get_args(WindowMetricName.__value__))
"""Metrics of the monitor, which writes them by stage and model."""

OF_TRIALS = {"ChallengerDropped", "ChallengerFailures", "ChallengerLoadFailures", "RetrainingFailed", "RolloutFailed"}
"""Metrics of what is on trial and trains again, by stage and model."""


async def _answering(scope: Any, _receive: Any, send: Any) -> None:
    record = record_of(scope)
    record.reason, record.unknown_categories = scope["test.reason"], 1
    await send({"type": "http.response.start", "status": scope["test.status"], "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def raises_throttled(**_: object) -> None:
    """Stands in for a client of SSM."""
    raise AwsThrottled("reading the pointer failed (ThrottlingException)")


async def _send(_: Any) -> None:
    """Forget the answer."""


@pytest.fixture(scope="module")
def emitted() -> dict[str, Sets]:
    """Sets of dimensions by metric, as requests, loads, refreshes and the check of the version really write them."""
    harness = HostHarness()
    harness.activate(iris_package())
    harness.host.wait_until_loaded()
    log = AccessLog(_answering, harness.host, stage="dev", model="iris")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        harness.host._events.extend(
            [
                MetricPoint("ModelLoadFailures"),
                MetricPoint("RefreshFailures"),
                MetricPoint("PointerStale"),
                MetricPoint("BaselineFailures"),
            ]
        )
        harness.host.degradation = Degradation("integrity-error", "why", datetime.now(UTC), Reference(2, "0" * 64))
        for status, reason in ((200, None), (422, "invalid-instance")):
            scope: Any = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
            asyncio.run(log(scope | {"test.status": status, "test.reason": reason}, _receive, _send))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(version_check, "RegistrySettings", lambda: RegistrySettings(bucket="b", model="iris"))
            patch.setattr(version_check, "ssm_client", raises_throttled)
            version_check.handler()
    found: dict[str, Sets] = {}
    for line in out.getvalue().splitlines():
        document = json.loads(line)
        for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Namespace"] == NAMESPACE
            for metric in directive["Metrics"]:
                found.setdefault(metric["Name"], set()).update(frozenset(names) for names in directive["Dimensions"])
    return found | {name: {frozenset({"stage", "model"})} for name in OF_WINDOWS | OF_TRIALS}


class TestAlarms:
    def test_every_metric_of_ours_is_written_with_these_dimensions(self, emitted: dict[str, Sets]) -> None:
        assert set(emitted) == set(get_args(MetricName.__value__)) | OF_WINDOWS | OF_TRIALS
        alarms = stack_of(Labels="true").of_type("AWS::CloudWatch::Alarm").values()
        ours = [alarm for alarm in alarms if alarm.get("Namespace") == NAMESPACE]
        assert {alarm["MetricName"] for alarm in ours} == {
            "ActiveVersionUnreadable",
            "Degraded",
            "DriftedFeatures",
            "LiveGatesMissed",
            "PointerStale",
            "RefreshFailures",
        }
        for alarm in ours:
            assert {item["Name"] for item in alarm["Dimensions"]} in emitted[alarm["MetricName"]]
            assert {item["Value"] for item in alarm["Dimensions"]} == {"dev", "iris"}

    def test_every_alarm_reaches_the_topic(self, stack: Stack) -> None:
        for alarm in stack.of_type("AWS::CloudWatch::Alarm").values():
            assert alarm["AlarmActions"] == alarm["OKActions"] == ["AlarmTopic"]
            assert alarm["AlarmName"].startswith("skylift-")

    def test_silence_is_health_but_where_a_schedule_should_speak(self, stack: Stack) -> None:
        for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items():
            scheduled = name == "ActiveVersionUnreadableAlarm"
            assert alarm["TreatMissingData"] == ("missing" if scheduled else "notBreaching")
            assert alarm.get("InsufficientDataActions", []) == (["AlarmTopic"] if scheduled else [])

    def test_an_active_version_that_two_checks_in_a_row_could_not_read_fires(self, stack: Stack) -> None:
        alarm = stack.properties("ActiveVersionUnreadableAlarm")
        rule = stack.properties("VersionCheckFunctionSchedule")
        assert (alarm["Statistic"], alarm["Threshold"], alarm["DatapointsToAlarm"]) == ("Maximum", 1, 2)
        assert rule["ScheduleExpression"] == f"rate({alarm['Period'] // 60} minutes)"

    def test_an_alarm_fires_within_a_canary_of_five_minutes(self, stack: Stack) -> None:
        (group,) = stack.of_type("AWS::CodeDeploy::DeploymentGroup").values()
        for name in [alarm["Name"] for alarm in group["AlarmConfiguration"]["Alarms"]]:
            alarm = stack.properties(name)
            period = alarm.get("Period") or alarm["Metrics"][0]["MetricStat"]["Period"]
            assert period * alarm["EvaluationPeriods"] <= 180

    def test_a_version_that_cannot_be_loaded_fires_as_long_as_it_lasts_and_not_for_one_failure(
        self, stack: Stack
    ) -> None:
        alarm = stack.properties("ModelLoadFailuresAlarm")
        assert (alarm["MetricName"], alarm["Statistic"], alarm["Threshold"]) == ("Degraded", "Maximum", 1)
        assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (3, 3)

    def test_the_error_rate_is_a_share_of_the_requests(self, stack: Stack) -> None:
        alarm = stack.properties("ServerErrorsAlarm")
        errors, requests, rate = alarm["Metrics"]
        assert errors["MetricStat"]["Metric"]["MetricName"] == "5xx"
        assert requests["MetricStat"]["Metric"]["MetricName"] == "Count"
        assert (rate["Expression"], rate["ReturnData"]) == ("IF(requests > 0, 100 * errors / requests, 0)", True)
        assert alarm["Threshold"] == "1"

    def test_a_mail_is_sent_where_an_address_is_named(self, stack: Stack) -> None:
        assert "AlarmSubscription" not in stack.resources
        subscription = stack_of(AlarmEmail="ops@example.com").properties("AlarmSubscription")
        assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")


class TestDashboards:
    @pytest.fixture(params=["OverviewDashboard", "DetailsDashboard", "ModelDashboard"])
    def widgets(self, request: pytest.FixtureRequest, stack: Stack) -> list[dict[str, Any]]:
        document = json.loads(stack.properties(request.param)["DashboardBody"])
        widgets: list[dict[str, Any]] = document["widgets"]
        return widgets

    @staticmethod
    def _ours(widgets: list[dict[str, Any]]) -> Iterator[tuple[str, tuple[str, ...]]]:
        for widget in widgets:
            for metric in widget["properties"].get("metrics", []):
                if metric[0] == NAMESPACE:
                    yield metric[1], tuple(metric[2:6:2])
                elif isinstance(metric[0], dict) and NAMESPACE in metric[0]["expression"]:
                    (names,) = re.findall(r"\{Skylift,([a-z,]+)\}", metric[0]["expression"])
                    (name,) = re.findall(r'MetricName="(\w+)"', metric[0]["expression"])
                    yield name, tuple(names.split(","))

    def test_every_metric_of_ours_is_written_with_these_dimensions(
        self, widgets: list[dict[str, Any]], emitted: dict[str, Sets]
    ) -> None:
        ours = list(self._ours(widgets))
        assert ours
        for name, dimensions in ours:
            assert set(dimensions) in emitted[name], name

    def test_widgets_do_not_overlap(self, widgets: list[dict[str, Any]]) -> None:
        taken: set[tuple[int, int]] = set()
        for widget in widgets:
            x, y = widget["x"], widget["y"]
            cells = {(x + i, y + j) for i in range(widget["width"]) for j in range(widget["height"])}
            assert max(column for column, _ in cells) < 24
            assert not cells & taken
            taken |= cells

    def test_starts_are_counted_with_and_without_a_snapshot(self, stack: Stack) -> None:
        """A REPORT line has either duration: SnapStart restores, and never initialises."""
        document = json.loads(stack.properties("DetailsDashboard")["DashboardBody"])
        (query,) = (
            widget["properties"]["query"]
            for widget in document["widgets"]
            if widget["properties"]["title"] == "Starts and memory"
        )
        for duration in ("initDurationMs", "restoreDurationMs"):
            assert f"count(record.metrics.{duration})" in query
            assert f"max(record.metrics.{duration})" in query

    def test_the_overview_counts_requests_by_what_each_line_says_of_its_code(self, stack: Stack) -> None:
        """Once each: a failure has a line of metrics besides, without the release."""
        document = json.loads(stack.properties("OverviewDashboard")["DashboardBody"])
        (query,) = (widget["properties"]["query"] for widget in document["widgets"] if widget["type"] == "log")
        log = AccessLog(_answering, HostHarness().host, stage="dev", model="iris", release="c-1.1", image_digest="a:b")
        scope: Any = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            for status, reason in ((200, None), (500, "internal")):
                asyncio.run(log(scope | {"test.status": status, "test.reason": reason}, _receive, _send))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(version_check, "RegistrySettings", lambda: RegistrySettings(bucket="b", model="iris"))
            patch.setattr(version_check, "ssm_client", raises_throttled)
            version_check.handler()

        counted = [line for line in map(json.loads, out.getvalue().splitlines()) if "release" in line]
        assert "filter ispresent(release)" in query
        assert len(counted) == 2
        (names,) = re.findall(r" by ([a-z_, ]+?) \|", query)
        assert all(set(names.split(", ")) <= line.keys() for line in counted)

    def test_all_together_show_every_metric_of_ours(self, stack: Stack) -> None:
        bodies = [json.loads(one["DashboardBody"]) for one in stack.of_type("AWS::CloudWatch::Dashboard").values()]
        shown = {name for body in bodies for name, _ in self._ours(body["widgets"])}
        assert shown == set(get_args(MetricName.__value__)) | OF_WINDOWS | OF_TRIALS

    @pytest.mark.parametrize("parameters", [{}, {"Labels": "true"}, {"Rollouts": "false"}, EVERYTHING])
    def test_all_together_show_every_alarm_once(self, parameters: dict[str, str]) -> None:
        stack = stack_of(**parameters)
        shown = [
            arn.removesuffix(".Arn")
            for dashboard in stack.of_type("AWS::CloudWatch::Dashboard").values()
            for widget in json.loads(dashboard["DashboardBody"])["widgets"]
            if widget["type"] == "alarm"
            for arn in widget["properties"]["alarms"]
        ]
        assert sorted(shown) == sorted(stack.of_type("AWS::CloudWatch::Alarm"))

    @pytest.mark.parametrize(("architecture", "price"), [("arm64", "0.0000133334"), ("x86_64", "0.0000166667")])
    def test_the_cost_follows_memory_and_architecture(self, architecture: str, price: str) -> None:
        body = stack_of(Architecture=architecture, MemorySize="512").properties("OverviewDashboard")["DashboardBody"]
        assert f"duration / 1000 * 512 / 1024 * {price} " in body
