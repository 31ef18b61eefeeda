"""A plan's limits are checked before anything happens, and its looks are few, however long it takes."""

from datetime import timedelta
from typing import Any

import pytest

from rollout.plan import MAX_HOURS, criteria_of, pause
from skylift.errors import ConfigError
from skylift.experiment.criteria import Criteria
from skylift.references import Reference
from skylift.rollout import RolloutPlan, Step
from tests.support.rollouts import plan_of

REFERENCE = Reference(8, "0" * 64)
HOUR = Step(mode="canary", percent=5, minutes=60)


def plan(*steps: Step, **criteria: Any) -> RolloutPlan:
    return RolloutPlan.of_event(plan_of(REFERENCE, *steps, criteria=criteria))


def test_limits_are_the_judges_own_where_none_is_named() -> None:
    assert criteria_of(plan()) == Criteria()


def test_takes_the_limits_that_are_named() -> None:
    criteria = criteria_of(plan(min_requests=50, max_hours=5, max_disagreement=0.1))
    assert criteria == Criteria(min_requests=50, max_hours=5, max_disagreement=0.1)


@pytest.mark.parametrize(
    ("criteria", "words"),
    [
        ({"min_request": 50}, "min_request is not a limit"),
        ({"alpha": None}, "the limit alpha needs a number"),
        ({"alpha": 0}, "alpha and beta are probabilities"),
        ({"beta": 1}, "alpha and beta are probabilities"),
        ({"max_hours": 0}, "too short or too long"),
        ({"max_hours": MAX_HOURS + 1}, "too short or too long"),
        ({"max_hours": 3}, "the steps take 240 minutes, and the experiment ends after 3 hours"),
    ],
)
def test_says_which_limit_is_not_possible(criteria: dict[str, float | None], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        criteria_of(plan(**criteria))


def test_names_the_limit_that_was_meant() -> None:
    with pytest.raises(ConfigError) as refused:
        criteria_of(plan(max_hour=72))
    assert "max_hours" in refused.value.hint


def test_looks_every_minute_at_first() -> None:
    assert pause(timedelta(0), HOUR) == pause(timedelta(minutes=99), HOUR) == timedelta(minutes=1)


def test_later_a_look_is_late_by_a_hundredth_of_the_time() -> None:
    assert pause(timedelta(hours=50), HOUR) == timedelta(minutes=30)


def test_a_step_that_is_shorter_than_a_minute_is_looked_at_when_it_ends() -> None:
    assert pause(timedelta(0), Step(mode="canary", percent=5, minutes=0.25)) == timedelta(seconds=15)
    assert pause(timedelta(0), Step(mode="canary", percent=5, minutes=0.001)) == timedelta(seconds=1)


@pytest.mark.parametrize(("hours", "most"), [(1, 60), (72, 480), (MAX_HOURS, 640)])
def test_the_looks_of_a_rollout_are_few(hours: float, most: int) -> None:
    elapsed, looks = timedelta(0), 0
    while elapsed < timedelta(hours=hours):
        elapsed += pause(elapsed, HOUR)
        looks += 1
    assert looks <= most
    assert 2 * looks + 20 < 3000, "Lambda keeps no more operations of an execution: each look has a wait and a step"
