"""A person who approves the promotion: asked at the end, and the version is judged on until somebody answers."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aws_durable_execution_sdk_python.lambda_service import ErrorObject

from rollout.watch import _person
from skylift.errors import AwsUnavailable
from skylift.references import NOTHING, Reference
from skylift.rollout import Step
from tests.support.rollouts import Rollouts, plan_of

CANARY = Step(mode="canary", percent=50, minutes=1)


@pytest.fixture
def event(v2: Reference) -> dict[str, Any]:
    """A rollout that asks for approval after its second minute."""
    return plan_of(v2, CANARY, approval=True, criteria={"min_requests": 200, "max_hours": 0.1})


def ended(rollouts: Rollouts, event: dict[str, Any]) -> dict[str, str]:
    """How a rollout ends."""
    found: dict[str, str] = json.loads(rollouts.run(event).result or "")
    assert rollouts.parameter.value() == NOTHING
    assert (rollouts.registry.active() == Reference.parse(event["reference"])) is (found["outcome"] == "promoted")
    return found


def when_asked(rollouts: Rollouts, event: dict[str, Any], act: Callable[[], object]) -> None:
    """Let something happen during the first look after somebody was asked."""
    rollouts.traffic.when(lambda: rollouts.store.asked(event["id"]), act)


def callback(rollouts: Rollouts, event: dict[str, Any]) -> str:
    """The callback that waits for a person."""
    asked = rollouts.store.asked(event["id"])
    assert asked is not None
    return asked


def test_a_person_is_asked_and_approves(rollouts: Rollouts, event: dict[str, Any]) -> None:
    approve = rollouts.runner.send_callback_success
    when_asked(rollouts, event, lambda: approve(callback(rollouts, event), b'{"by": "anna"}'))
    assert ended(rollouts, event) == {"id": event["id"], "outcome": "promoted", "reason": "approved by anna"}
    assert [subject for subject, _ in rollouts.told.messages] == ["iris v2 waits for approval", "iris v2 promoted"]
    assert "skylift approve" in rollouts.told.messages[0][1]


@pytest.mark.parametrize("answer", ["", "yes", "[]", "null", '"anna"', '{"of": "anna"}', '{"by": "' + "a" * 999 + '"}'])
def test_any_answer_is_an_approval(answer: str) -> None:
    assert len(_person(answer)) <= 200


def test_a_person_refuses(rollouts: Rollouts, event: dict[str, Any]) -> None:
    refuse = rollouts.runner.send_callback_failure
    when_asked(rollouts, event, lambda: refuse(callback(rollouts, event), ErrorObject.from_message("anna says no")))
    assert ended(rollouts, event) == {"id": event["id"], "outcome": "rejected", "reason": "anna says no"}


def test_nobody_answers(rollouts: Rollouts, event: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollout.watch.APPROVAL", timedelta(minutes=8))
    assert ended(rollouts, event)["outcome"] == "inconclusive"
    record = rollouts.store.read(event["id"])
    assert record is not None
    assert record.reason.startswith("nobody approved it until")


def test_a_version_that_goes_bad_while_a_person_is_asked_is_rejected(rollouts: Rollouts, event: dict[str, Any]) -> None:
    when_asked(rollouts, event, lambda: setattr(rollouts.traffic, "errors", 0.5))
    assert ended(rollouts, event)["outcome"] == "rejected"
    record = rollouts.store.read(event["id"])
    assert record is not None
    assert "server errors" in record.reason


def test_an_answer_does_not_help_who_cannot_look_any_more(rollouts: Rollouts, event: dict[str, Any]) -> None:
    when_asked(rollouts, event, lambda: setattr(rollouts.traffic, "failure", AwsUnavailable("reading lines failed")))
    found = ended(rollouts, event)
    assert found["outcome"] == "failed"
    assert "reading lines failed" in found["reason"]
