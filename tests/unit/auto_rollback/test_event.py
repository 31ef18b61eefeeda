"""The event of an alarm, as EventBridge hands it over."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from auto_rollback.event import AlarmEvent
from tests.support.paths import ROOT

SAMPLE = json.loads((ROOT / "events/eventbridge/alarm_state_change.json").read_text(encoding="utf-8"))


def test_the_sample_fires_and_names_its_alarm() -> None:
    event = AlarmEvent.model_validate(SAMPLE)

    alarm = event.alarm("skylift-dev-")

    assert event.fires
    assert (alarm.name, alarm.at) == ("server-errors", datetime(2026, 11, 26, 12, 5, 17, 335000, tzinfo=UTC))
    assert alarm.reason.startswith("Threshold Crossed: 2 out of the last 3 datapoints")


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_one_that_becomes_quiet_does_not_fire(state: str) -> None:
    detail = SAMPLE["detail"] | {"state": SAMPLE["detail"]["state"] | {"value": state}}

    assert not AlarmEvent.model_validate(SAMPLE | {"detail": detail}).fires


def test_an_alarm_of_another_stack_keeps_its_whole_name() -> None:
    assert AlarmEvent.model_validate(SAMPLE).alarm("skylift-prod-").name == "skylift-dev-server-errors"


def test_something_else_is_not_taken_for_one() -> None:
    with pytest.raises(ValidationError):
        AlarmEvent.model_validate({"source": "aws.events", "detail": {}})
