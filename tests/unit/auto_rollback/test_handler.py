"""The Lambda entry: from the event to the pointer, and without what only scoring needs."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from auto_rollback.handler import handler
from skylift.going_back import Alarm
from skylift.pointer import ActivePointer
from skylift.references import Reference
from tests.support.paths import ROOT
from tests.support.topics import published
from tests.support.waiting import TIMES_OUT

SAMPLE = json.loads((ROOT / "events/eventbridge/alarm_state_change.json").read_text(encoding="utf-8"))


def event(alarm: Alarm, state: str = "ALARM") -> dict[str, Any]:
    """The sample, at another time and in another state."""
    changed = {"value": state, "timestamp": alarm.at.isoformat(), "reason": alarm.reason}
    return {**SAMPLE, "detail": {"alarmName": f"skylift-dev-{alarm.name}", "state": changed}}


@pytest.fixture(autouse=True)
def _without_a_deployment(settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKYLIFT_INFERENCE_FUNCTION")


def test_an_alarm_undoes_the_promotion(
    promoted: list[Reference], pointer: ActivePointer, topic: str, alarm: Callable[..., Alarm]
) -> None:
    assert handler(event(alarm())) == {"to": "v1", "why": "the alarm server-errors fired while v2 was active"}

    assert pointer.read() == promoted[0]
    assert len(published(topic)) == 1


@pytest.mark.usefixtures("aws")
def test_the_sample_is_delivered_too_late() -> None:
    answer = handler(SAMPLE)

    assert answer["to"] is None
    assert answer["why"] is not None


def test_an_alarm_that_becomes_quiet_moves_nothing(
    promoted: list[Reference], pointer: ActivePointer, alarm: Callable[..., Alarm]
) -> None:
    assert handler(event(alarm(), "OK")) == {"to": None, "why": "the alarm server-errors became quiet"}
    assert pointer.read() == promoted[1]


def test_it_is_switched_off_by_its_setting(
    promoted: list[Reference], pointer: ActivePointer, alarm: Callable[..., Alarm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYLIFT_AUTO_ROLLBACK_HOURS", "0")

    assert handler(event(alarm())) == {"to": None, "why": "going back is switched off"}
    assert pointer.read() == promoted[1]


def test_the_layer_has_all_it_imports() -> None:
    program = "import sys, auto_rollback.handler; print(sorted({'numpy', 'sklearn', 'onnxruntime'} & set(sys.modules)))"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=TIMES_OUT
    )

    assert done.stdout.strip() == "[]"
