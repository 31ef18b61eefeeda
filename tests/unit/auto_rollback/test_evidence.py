"""What else an alarm may be about: new code that takes traffic, and the version that a report judges."""

from typing import Any

import pytest

from auto_rollback.evidence import OF_REPORTS, STOPS_CODE, is_deploying, reported_version
from skylift.errors import AwsUnavailable
from skylift.going_back import ALARMS
from tests.support.fakes import MemoryBucket
from tests.support.faults import refusal
from tests.support.templates import stack_of
from tests.unit.auto_rollback.conftest import ALIAS, Lambda


@pytest.mark.parametrize(("weights", "deploying"), [({}, False), ({"7": 0.1}, True)])
def test_new_code_is_deployed_while_the_alias_splits_the_traffic(weights: dict[str, float], deploying: bool) -> None:
    client: Any = Lambda()
    client.weights = weights

    assert is_deploying(ALIAS, client=client) == deploying
    assert client.asked == [("arn:aws:lambda:eu-central-1:123456789012:function:skylift-dev-InferenceFunction", "live")]


def test_a_lambda_that_does_not_answer_is_an_error_to_try_again() -> None:
    class Throttled:
        def get_alias(self, **_: str) -> None:
            raise refusal("TooManyRequestsException", 429)

    client: Any = Throttled()

    with pytest.raises(AwsUnavailable, match=f"reading the alias {ALIAS} failed"):
        is_deploying(ALIAS, client=client)


@pytest.mark.parametrize(
    ("body", "version"),
    [(None, None), (b"[]", None), (b'{"state": "ok"}', None), (b'{"schema_version": 1, "version": "v7"}', "v7")],
)
def test_the_latest_report_names_the_version_that_it_judges(body: bytes | None, version: str | None) -> None:
    objects = {} if body is None else {"reports/iris/latest.json": body}

    assert reported_version(MemoryBucket(objects), "iris") == version


def test_it_knows_which_of_its_alarms_stop_a_deployment_of_code() -> None:
    resources = stack_of().resources
    (group,) = (one for one in resources.values() if one["Type"] == "AWS::CodeDeploy::DeploymentGroup")
    watched = {one["Name"] for one in group["Properties"]["AlarmConfiguration"]["Alarms"]}
    names = {resources[alarm]["Properties"]["AlarmName"].removeprefix("skylift-") for alarm in watched}

    assert names & set(ALARMS) == STOPS_CODE


def test_each_alarm_that_it_knows_is_one_of_the_stack() -> None:
    alarms = stack_of(Labels="true").of_type("AWS::CloudWatch::Alarm").values()

    assert {alarm["AlarmName"].removeprefix("skylift-") for alarm in alarms} >= {*ALARMS, *OF_REPORTS}
