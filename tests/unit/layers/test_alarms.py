"""Which of the stack's alarms fire."""

import boto3
import pytest

from skylift.alarms import firing_alarms
from skylift.aws import cloudwatch_client
from skylift.errors import AwsUnavailable
from tests.support.faults import before, denied, fails_with


@pytest.fixture
def alarms(aws: None) -> None:
    """Two alarms of the stack, of which one fires, and one of another that does."""
    client = boto3.client("cloudwatch")
    for name, state in (("skylift-dev-latency", "OK"), ("skylift-dev-errors", "ALARM"), ("other-errors", "ALARM")):
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


def test_names_those_of_the_stack_that_fire(alarms: None) -> None:
    assert firing_alarms("skylift-dev-", client=cloudwatch_client()) == ["skylift-dev-errors"]


def test_no_alarm_fires_without_a_stack(alarms: None) -> None:
    assert firing_alarms("", client=cloudwatch_client()) == []


def test_a_failure_says_what_was_read(alarms: None) -> None:
    client = cloudwatch_client()
    before(client, "DescribeAlarms", fails_with(denied()))
    with pytest.raises(AwsUnavailable, match=r"reading the alarms skylift-dev-\*"):
        firing_alarms("skylift-dev-", client=client)
