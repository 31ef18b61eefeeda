"""What events ask for: the same one, delivered twice, for the same retraining."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from retrain_trigger.requests import request_of
from skylift.errors import ConfigError
from skylift.retraining.state import Request

WINDOW = timedelta(minutes=10)


def new_object(time: str = "2026-11-26T04:37:12Z", key: str = "data/iris/a.csv") -> dict[str, Any]:
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": time,
        "detail": {"bucket": {"name": "models"}, "object": {"key": key}},
    }


def alarm(state: str = "ALARM", name: str = "skylift-dev-drift") -> dict[str, Any]:
    return {
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "time": "2026-11-26T04:37:12Z",
        "detail": {"alarmName": name, "state": {"value": state}},
    }


def asked(event: dict[str, Any]) -> Request | None:
    return request_of(event, rollout="auto", window=WINDOW)


def test_all_objects_of_a_window_ask_for_one_which_waits_for_its_end() -> None:
    first, last = (
        asked(new_object("2026-11-26T04:30:00Z")),
        asked(new_object("2026-11-26T04:39:59Z", "data/iris/b.csv")),
    )

    assert first == last
    assert first is not None
    assert (first.id, first.reason, first.rollout) == ("data-20261126t043000", "new data", "auto")
    assert first.collect_until == datetime(2026, 11, 26, 4, 40, tzinfo=UTC)
    assert asked(new_object("2026-11-26T04:40:00Z")) != first


def test_the_schedule_asks_once_for_each_of_its_times() -> None:
    event = {"source": "skylift.schedule", "time": "2026-11-26T04:00:00Z"}

    request = asked(event)

    assert request == asked(event)
    assert request is not None
    assert (request.id, request.reason, request.collect_until) == ("schedule-20261126t040000", "schedule", None)


def test_an_alarm_asks_when_it_begins_and_not_when_it_ends() -> None:
    request, other = asked(alarm()), asked(alarm(name="skylift-dev-live-accuracy"))

    assert request is not None
    assert other is not None
    assert request.reason == "the alarm skylift-dev-drift"
    assert request.id.startswith("alarm-20261126t043712-")
    assert request.id != other.id
    assert asked(alarm("OK")) is None
    assert asked(alarm("INSUFFICIENT_DATA")) is None


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"source": "aws.s3"},
        {"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "time": "2026-11-26T04:00:00Z"},
        {"source": "aws.cloudwatch", "time": "2026-11-26T04:00:00Z", "detail": {}},
        {"source": "aws.s3", "time": "yesterday"},
        {"source": "aws.s3", "time": 7},
        [],
        "text",
    ],
    ids=str,
)
def test_other_events_are_refused(event: Any) -> None:
    with pytest.raises(ConfigError, match="asks for no retraining"):
        asked(event)
