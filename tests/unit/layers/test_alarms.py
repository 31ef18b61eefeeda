"""Which of the stack's alarms fire."""

import boto3
import pytest

from skylift.alarms import ABOUT_THE_ACTIVE_VERSION, firing_alarms
from skylift.aws import cloudwatch_client
from skylift.errors import AwsUnavailable
from tests.support.faults import before, denied, fails_with
from tests.support.templates import EVERYTHING, stack_of

OF_THE_ACTIVE_VERSION = ("skylift-dev-drift", "skylift-dev-live-accuracy")


@pytest.fixture
def alarms(aws: None) -> None:
    """Four alarms of the stack, of which three fire, and one of another that does."""
    client = boto3.client("cloudwatch")
    states = {"skylift-dev-latency": "OK", "skylift-dev-errors": "ALARM", "other-errors": "ALARM"}
    for name, state in (states | dict.fromkeys(OF_THE_ACTIVE_VERSION, "ALARM")).items():
        client.put_metric_alarm(
            AlarmName=name,
            Namespace="Skylift",
            MetricName="m",
            EvaluationPeriods=1,
            Period=60,
            Threshold=1,
            Statistic="Sum",
            ComparisonOperator="GreaterThanThreshold",
        )
        client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")


def test_names_those_of_the_stack_that_fire_but_for_those_that_another_version_ends(alarms: None) -> None:
    assert firing_alarms("skylift-dev-", client=cloudwatch_client()) == ["skylift-dev-errors"]


def test_those_have_the_names_of_the_stack() -> None:
    names = {alarm["AlarmName"] for alarm in stack_of(**EVERYTHING).of_type("AWS::CloudWatch::Alarm").values()}
    assert {f"skylift-{name}" for name in ABOUT_THE_ACTIVE_VERSION} <= names


def test_no_alarm_fires_without_a_stack(alarms: None) -> None:
    assert firing_alarms("", client=cloudwatch_client()) == []


def test_a_failure_says_what_was_read(alarms: None) -> None:
    client = cloudwatch_client()
    before(client, "DescribeAlarms", fails_with(denied()))
    with pytest.raises(AwsUnavailable, match=r"reading the alarms skylift-dev-\*"):
        firing_alarms("skylift-dev-", client=client)
