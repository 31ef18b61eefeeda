"""Each step of a rollout may run twice, in another process too, and ends the same."""

from datetime import datetime, timedelta

import pytest

from rollout.plan import criteria_of
from rollout.work import Begun, Decision
from skylift.experiment.criteria import Criteria
from skylift.experiment.record import Look
from skylift.references import NOTHING, Reference
from skylift.rollout import RolloutPlan, Step
from tests.support.rollouts import Rollouts, plan_of

CANARY = Step(mode="canary", percent=50, minutes=2)
PROMOTION = Decision(outcome="promoted", reason="good", alarms=[])
REJECTION = Decision(outcome="rejected", reason="bad", alarms=[])


@pytest.fixture
def plan(v2: Reference) -> RolloutPlan:
    """A rollout of one step."""
    return RolloutPlan.of_event(plan_of(v2, CANARY))


@pytest.fixture
def begun(rollouts: Rollouts, plan: RolloutPlan) -> Begun:
    """The same, under way."""
    return rollouts.work.begin(plan)


def test_an_experiment_is_of_the_execution_that_was_first(rollouts: Rollouts) -> None:
    limits = Criteria(min_requests=200)
    assert rollouts.work.claim("mine", "arn:1", limits) == "arn:1"
    assert rollouts.fresh_work().claim("mine", "arn:2", Criteria()) == "arn:1"
    assert rollouts.fresh_work().claim("mine", "arn:1", limits) == "arn:1"
    assert rollouts.work.claim("other", "arn:2", limits) == "arn:2"
    claimed = rollouts.store.execution("mine")
    assert claimed is not None
    assert Criteria(**claimed.criteria) == limits  # type: ignore[arg-type]


def test_beginning_twice_begins_once(rollouts: Rollouts, plan: RolloutPlan, v1: Reference, begun: Begun) -> None:
    assert begun["champion"] == str(v1)
    assert rollouts.fresh_work().begin(plan) == begun
    assert len(rollouts.parameter.changes()) == 1


def test_a_share_is_given_once(rollouts: Rollouts, plan: RolloutPlan, begun: Begun) -> None:
    more = CANARY.model_copy(update={"percent": 75})
    for work in (rollouts.work, rollouts.fresh_work()):
        assert work.ramp(plan, more)["over"] is None
    assert len(rollouts.parameter.changes()) == 2


def test_no_share_is_given_in_an_experiment_that_is_over(rollouts: Rollouts, plan: RolloutPlan, begun: Begun) -> None:
    rollouts.trials().end(plan.id, "rejected", "by hand")
    assert "not under way" in (rollouts.work.ramp(plan, CANARY)["over"] or "")
    assert rollouts.parameter.value() == NOTHING


class TestLooks:
    def test_a_look_that_is_made_again_counts_the_same_and_no_line_twice(
        self, rollouts: Rollouts, plan: RolloutPlan, begun: Begun
    ) -> None:
        criteria = criteria_of(plan)
        looks = [work.look(plan, criteria, CANARY, 1, begun) for work in (rollouts.work, rollouts.fresh_work())]
        assert {(look["outcome"], look["reason"]) for look in looks} == {(None, looks[0]["reason"])}
        assert len(rollouts.store.counts(plan.id)) == 1
        rollouts.fresh_work().look(plan, criteria, CANARY, 2, begun)
        first, second = rollouts.store.counts(plan.id)
        assert first.start == datetime.fromisoformat(begun["time"])
        assert first.end == second.start

    def test_a_process_reads_the_looks_of_others_once(
        self, rollouts: Rollouts, plan: RolloutPlan, begun: Begun, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        criteria, counts = criteria_of(plan), rollouts.store.counts
        readings: list[str] = []

        def read(experiment: str) -> list[Look]:
            readings.append(experiment)
            return counts(experiment)

        for number in (1, 2, 3):
            rollouts.work.look(plan, criteria, CANARY, number, begun)
        monkeypatch.setattr(rollouts.store, "counts", read)
        other = rollouts.fresh_work()
        for number in (4, 5, 6):
            other.look(plan, criteria, CANARY, number, begun)
        assert readings == [plan.id]

    def test_lines_of_the_last_minutes_are_left_for_the_next_look(
        self, rollouts: Rollouts, plan: RolloutPlan, begun: Begun
    ) -> None:
        rollouts.traffic.held_back = timedelta(minutes=3)
        rollouts.fresh_work().look(plan, criteria_of(plan), CANARY, 1, begun)
        (look,) = rollouts.store.counts(plan.id)
        assert look.start == look.end == datetime.fromisoformat(begun["time"])

    def test_what_a_look_returns_stays_small(self, rollouts: Rollouts, plan: RolloutPlan, begun: Begun) -> None:
        rollouts.alarms = [f"skylift-test-{number}-of-an-alarm-with-a-long-name" for number in range(500)]
        found = rollouts.work.look(plan, criteria_of(plan), CANARY, 1, begun)
        assert len(found["reason"]) <= 500
        assert len(found["alarms"]) == 20


class TestEndings:
    def test_the_ending_that_stands_is_the_first(self, rollouts: Rollouts, plan: RolloutPlan, begun: Begun) -> None:
        criteria = criteria_of(plan)
        assert rollouts.work.end(plan, criteria, REJECTION)["outcome"] == "rejected"
        other = Decision(outcome="failed", reason="later", alarms=[])
        assert rollouts.fresh_work().end(plan, criteria, other) == {
            "id": plan.id,
            "outcome": "rejected",
            "reason": "bad",
        }

    def test_a_promotion_that_happened_is_not_taken_back(
        self, rollouts: Rollouts, plan: RolloutPlan, begun: Begun, v2: Reference
    ) -> None:
        criteria = criteria_of(plan)
        rollouts.registry.promote(v2)  # and the process ended before the experiment
        ended = rollouts.work.end(plan, criteria, Decision(outcome="failed", reason="the process ended", alarms=[]))
        assert ended["outcome"] == "promoted"
        assert rollouts.registry.active() == v2
        assert rollouts.parameter.value() == NOTHING

    def test_promoting_twice_moves_the_pointer_once(
        self, rollouts: Rollouts, plan: RolloutPlan, begun: Begun, v2: Reference
    ) -> None:
        criteria = criteria_of(plan)
        for work in (rollouts.work, rollouts.fresh_work()):
            assert work.promote(plan, criteria, PROMOTION) == PROMOTION
        assert [move.after for move in rollouts.registry.history()].count(str(v2)) == 1
        assert rollouts.work.end(plan, criteria, PROMOTION)["outcome"] == "promoted"

    def test_people_read_the_outcome_the_reason_the_next_step_and_the_counts(
        self, rollouts: Rollouts, plan: RolloutPlan, begun: Begun
    ) -> None:
        criteria = criteria_of(plan)
        rollouts.work.look(plan, criteria, CANARY, 1, begun)
        rollouts.work.tell(plan, rollouts.work.end(plan, criteria, REJECTION))
        ((subject, text),) = rollouts.told.messages
        assert subject == "iris v2 rejected"
        lines = text.splitlines()
        assert lines[0] == f"{plan.reference}: rejected. bad"
        assert lines[2].startswith("The champion stays.")
        assert any(line.startswith("requests") for line in lines)
