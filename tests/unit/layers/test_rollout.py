"""The event of a rollout is checked before anything happens, and its name keeps it from running twice."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from skylift.durable import MAX_NAME_LENGTH
from skylift.errors import ConfigError
from skylift.references import Reference
from skylift.rollout import DEFAULT_STEPS, RolloutPlan, Step, execution_name
from tests.support.paths import ROOT

REFERENCE = Reference(8, "0123456789abcdef" * 4)
EVENT: dict[str, Any] = {
    "id": "iris-0123456789abcdef01234567-0",
    "version": "v8",
    "reference": str(REFERENCE),
    "by": "arn:aws:iam::123456789012:user/anna",
    "started": "2026-11-26T10:00:00Z",
}


def test_reads_an_event() -> None:
    plan = RolloutPlan.of_event(
        {
            **EVENT,
            "key": "header:x-user-id",
            "steps": [
                {"mode": "shadow", "percent": 100, "minutes": 1},
                {"mode": "canary", "percent": 5, "minutes": 0.5},
            ],
            "approval": True,
            "criteria": {"min_requests": 50, "max_disagreement": None},
        }
    )
    assert plan.reference == REFERENCE
    assert plan.steps == (Step(mode="shadow", percent=100, minutes=1), Step(mode="canary", percent=5, minutes=0.5))
    assert plan.approval
    assert plan.criteria == {"min_requests": 50, "max_disagreement": None}
    assert plan.started == datetime(2026, 11, 26, 10, tzinfo=UTC)


def test_reads_the_sample_event() -> None:
    event = json.loads((ROOT / "events/rollout/start.json").read_text(encoding="utf-8"))
    plan = RolloutPlan.of_event(event)
    assert plan.to_event() == event
    assert plan.id == execution_name("iris", plan.reference, 0)


def test_without_steps_it_takes_an_hour_in_the_shadow_and_at_each_share() -> None:
    plan = RolloutPlan.of_event(EVENT)
    assert plan.steps == DEFAULT_STEPS
    assert [str(step) for step in plan.steps] == ["shadow, 100%", "canary, 5%", "canary, 25%", "canary, 50%"]


def test_what_it_writes_it_reads() -> None:
    plan = RolloutPlan.of_event(EVENT)
    assert RolloutPlan.of_event(json.loads(json.dumps(plan.to_event()))) == plan


def steps(*shares: tuple[str, float]) -> dict[str, Any]:
    return {"steps": [{"mode": mode, "percent": percent, "minutes": 1} for mode, percent in shares]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "a/b"}, "id: "),
        ({"version": "v7"}, "the version is v7, and the reference names v8"),
        ({"reference": "v8"}, "reference: "),
        ({"reference": 8}, "reference: "),
        ({"started": "today"}, "started: "),
        ({"started": "2026-11-26T10:00:00"}, "started: "),
        ({"by": ""}, "by: "),
        ({"aproval": True}, "aproval: unknown key"),
        ({"approval": "no"}, "approval: "),
        ({"steps": []}, "steps: "),
        (steps(*[("canary", 5)] * 21), "steps: "),
        (steps(("canary", 0)), "steps.0.percent: "),
        (steps(("canary", 101)), "steps.0.percent: "),
        (steps(("canary", 5), ("canary", 100)), "leaves none to compare with"),
        ({"steps": [{"mode": "canary", "percent": 5, "minutes": 0}]}, "steps.0.minutes: "),
        ({"steps": [{"mode": "dark", "percent": 5, "minutes": 1}]}, "steps.0.mode: "),
        (steps(("canary", 5), ("shadow", 100)), "the shadow comes first"),
        (steps(("canary", 25), ("canary", 5)), "canary, 5% comes after canary, 25%: a share may not fall"),
        ({"criteria": {"alpha": "small"}}, "criteria.alpha: "),
    ],
)
def test_says_what_is_wrong_with_an_event(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match="not the plan of a rollout") as refused:
        RolloutPlan.of_event({**EVENT, **change})
    assert words in str(refused.value)
    assert "skylift challenge --auto" in refused.value.hint


def test_an_event_that_lacks_a_member_names_it() -> None:
    with pytest.raises(ConfigError, match="reference: missing"):
        RolloutPlan.of_event({name: value for name, value in EVENT.items() if name != "reference"})


def test_a_name_is_one_that_lambda_takes_whatever_the_model_is_called() -> None:
    name = execution_name("m" * 63, REFERENCE, 999_999)
    assert len(name) <= MAX_NAME_LENGTH
    assert re.fullmatch("[a-zA-Z0-9-_]+", name)


def test_a_version_that_was_tried_before_runs_under_another_name() -> None:
    assert execution_name("iris", REFERENCE, 0) != execution_name("iris", REFERENCE, 1)
