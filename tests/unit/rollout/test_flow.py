"""A rollout from its start to its one end: pointer, challenger and record agree, and people are told."""

import itertools
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aws_durable_execution_sdk_python.lambda_service import InvocationStatus

from skylift.errors import AwsUnavailable
from skylift.metrics import Gate
from skylift.pointer import ActivePointer
from skylift.references import NOTHING, Reference
from skylift.rollout import Step
from tests.support.models import changed, compiled_iris_package
from tests.support.rollouts import Rollouts, plan_of
from tests.support.stored import placed

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

SHADOW = Step(mode="shadow", percent=100, minutes=2)
CANARY = Step(mode="canary", percent=50, minutes=2)
FEW = {"min_requests": 200, "max_hours": 24}


def outcome(rollouts: Rollouts, event: dict[str, Any]) -> str:
    """How a rollout ends, after which all agree on it."""
    result = rollouts.run(event)
    assert result.status is InvocationStatus.SUCCEEDED, result.error
    ended = json.loads(result.result or "")
    record = rollouts.store.read(event["id"])
    assert record is not None
    assert (record.outcome, record.reason) == (ended["outcome"], ended["reason"])
    assert rollouts.parameter.value() == NOTHING
    active = rollouts.registry.active()
    assert active == (record.challenger if record.outcome == "promoted" else record.champion)
    assert [subject for subject, _ in rollouts.told.messages] == [f"iris v2 {record.outcome}"]
    return record.outcome


def test_a_good_version_gets_all_shares_and_then_the_traffic(rollouts: Rollouts, v2: Reference) -> None:
    steps = (SHADOW, *(Step(mode="canary", percent=percent, minutes=2) for percent in (5, 25, 50)))
    assert outcome(rollouts, plan_of(v2, *steps, criteria=FEW)) == "promoted"
    told = [rollouts.parameter.short(change.after) for change in rollouts.parameter.changes()]
    assert told == ["v2 (shadow, 100%)", "v2 (canary, 5%)", "v2 (canary, 25%)", "v2 (canary, 50%)", NOTHING]
    assert rollouts.registry.history()[-1].after == str(v2)


def test_the_counts_of_all_looks_are_kept_and_are_those_of_the_time(rollouts: Rollouts, v2: Reference) -> None:
    event = plan_of(v2, SHADOW, CANARY, criteria=FEW)
    outcome(rollouts, event)
    looks = rollouts.store.counts(event["id"])
    assert [(look.start, look.end) for look in looks] == rollouts.traffic.counted
    assert all(before.end == after.start for before, after in itertools.pairwise(looks))
    record = rollouts.store.read(event["id"])
    assert record is not None
    assert record.verdict is not None
    assert record.verdict.outcome == "promote"
    assert record.started == looks[0].start


def test_a_version_that_fails_is_rejected_in_its_first_minutes(rollouts: Rollouts, v2: Reference) -> None:
    rollouts.traffic.errors = 0.5
    event = plan_of(v2, Step(mode="canary", percent=5, minutes=60), CANARY)
    assert outcome(rollouts, event) == "rejected"
    record = rollouts.store.read(event["id"])
    assert record is not None
    assert (record.mode, record.percent) == ("canary", 5)
    assert record.ended - record.started < timedelta(minutes=5)
    assert "server errors" in record.reason


def test_a_version_that_is_slow_is_rejected_in_the_shadow(rollouts: Rollouts, v2: Reference) -> None:
    rollouts.traffic.slower_ms = 400
    event = plan_of(v2, SHADOW, CANARY)
    assert outcome(rollouts, event) == "rejected"
    record = rollouts.store.read(event["id"])
    assert record is not None
    assert record.mode == "shadow"
    assert "latency" in record.reason


def test_a_version_that_nobody_calls_stays_in_the_shadow_and_is_not_promoted(rollouts: Rollouts, v2: Reference) -> None:
    rollouts.traffic.per_minute = 0
    event = plan_of(v2, SHADOW, CANARY, criteria={"max_hours": 0.1})
    assert outcome(rollouts, event) == "inconclusive"
    record = rollouts.store.read(event["id"])
    assert record is not None
    assert record.mode == "shadow"
    assert timedelta(minutes=6) <= record.ended - record.started < timedelta(minutes=8)


def test_too_little_traffic_is_inconclusive_when_the_time_is_up(rollouts: Rollouts, v2: Reference) -> None:
    rollouts.traffic.per_minute = 150
    event = plan_of(v2, SHADOW, CANARY, criteria={"max_hours": 0.1})
    assert outcome(rollouts, event) == "inconclusive"
    record = rollouts.store.read(event["id"])
    assert record is not None
    assert (record.mode, record.percent) == ("canary", 50)
    assert "of 1,000 requests" in record.reason


def test_the_shadow_goes_on_until_its_pairs_are_enough_for_what_a_canary_cannot_show(
    rollouts: Rollouts, v2: Reference
) -> None:
    rollouts.traffic.per_minute = 2
    event = plan_of(v2, SHADOW, CANARY, criteria={"max_hours": 0.1})
    assert outcome(rollouts, event) == "inconclusive"
    record = rollouts.store.read(event["id"])
    assert record is not None
    assert record.mode == "shadow"
    assert "latency, 95th percentile not certain" in record.reason


def test_nothing_is_promoted_while_an_alarm_fires(rollouts: Rollouts, v2: Reference) -> None:
    rollouts.alarms = ["skylift-test-server-errors"]
    event = plan_of(v2, CANARY, criteria={**FEW, "max_hours": 0.1})
    assert outcome(rollouts, event) == "inconclusive"
    record = rollouts.store.read(event["id"])
    assert record is not None
    assert record.reason == "in alarm: skylift-test-server-errors"


def test_lines_that_arrive_late_are_waited_for(rollouts: Rollouts, v2: Reference) -> None:
    rollouts.traffic.held_back = timedelta(minutes=3)
    rollouts.work = rollouts.fresh_work()
    event = plan_of(v2, CANARY, criteria=FEW)
    assert outcome(rollouts, event) == "promoted"
    assert rollouts.store.counts(event["id"])[-1].end < rollouts.now() - timedelta(minutes=3)


def test_a_version_that_may_not_serve_never_gets_on_trial(rollouts: Rollouts) -> None:
    package = changed(compiled_iris_package(), gates=(Gate(metric="accuracy", min=0.99, value=0.5, passed=False),))
    v3 = placed(package)
    result = rollouts.run(plan_of(v3, CANARY))
    ended = json.loads(result.result or "")
    assert ended["outcome"] == "failed"
    assert "failed its gate" in ended["reason"]
    assert rollouts.parameter.changes() == []
    assert [subject for subject, _ in rollouts.told.messages] == ["iris v3 failed"]


def test_a_failure_is_a_metric(rollouts: Rollouts, v2: Reference, capsys: pytest.CaptureFixture[str]) -> None:
    rollouts.traffic.failure = AwsUnavailable("reading lines failed (AccessDeniedException)")
    assert outcome(rollouts, plan_of(v2, CANARY, criteria=FEW)) == "failed"
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "RolloutFailed" in line]
    assert [(line["RolloutFailed"], line["stage"], line["model"]) for line in metrics] == [([1.0], "test", "iris")]
    assert metrics[0]["why"] == "reading lines failed (AccessDeniedException)"


def test_what_is_written_down_of_a_look_is_small(rollouts: Rollouts, v2: Reference) -> None:
    rollouts.alarms = [f"skylift-test-{number:02}-{'x' * 230}" for number in range(50)]
    result = rollouts.run(plan_of(v2, CANARY, criteria={**FEW, "max_hours": 0.05}))
    largest = max(len(repr(operation)) for operation in result.operations)
    assert largest < 16 * 2**10, "Lambda takes 256 KiB for a step"
    assert 2 * 480 * largest < 100 * 2**20, "and 100 MiB for an execution: 72 hours have 480 looks with a wait each"


def test_an_event_that_is_not_a_plan_begins_nothing_and_is_told(rollouts: Rollouts, v2: Reference) -> None:
    result = rollouts.run({**plan_of(v2), "steps": []})
    assert result.status is InvocationStatus.FAILED
    assert result.error is not None
    assert result.error.message is not None
    assert "not the plan of a rollout: steps" in result.error.message
    assert rollouts.parameter.changes() == []
    assert [subject for subject, _ in rollouts.told.messages] == ["iris: a rollout did not begin"]


class TestOtherHands:
    def test_a_second_start_under_way_changes_nothing(self, rollouts: Rollouts, v2: Reference) -> None:
        event = plan_of(v2, SHADOW, CANARY, criteria=FEW)
        first, second = rollouts.start(event, name="first"), rollouts.start(event, name="second")
        endings = [json.loads(rollouts.ends(arn).result or "")["outcome"] for arn in (first, second)]
        assert sorted(endings) == ["elsewhere", "promoted"]
        assert len(rollouts.parameter.changes()) == 3
        assert len(rollouts.told.messages) == 1

    def test_a_start_that_comes_after_the_end_changes_nothing(self, rollouts: Rollouts, v2: Reference) -> None:
        event = plan_of(v2, CANARY, criteria=FEW)
        outcome(rollouts, event)
        again = json.loads(rollouts.run(event).result or "")
        assert again["outcome"] == "elsewhere"
        assert len(rollouts.parameter.changes()) == 2

    def test_another_experiment_under_way_is_left_alone(self, rollouts: Rollouts, v2: Reference) -> None:
        trials = rollouts.trials()
        other = trials.begin(v2, mode="canary", percent=5, by="anna", id="other")
        ended = json.loads(rollouts.run(plan_of(v2, CANARY)).result or "")
        assert ended["outcome"] == "failed"
        assert "is on trial already" in ended["reason"]
        assert rollouts.parameter.read() == other

    def test_an_experiment_that_somebody_ended_is_over(self, rollouts: Rollouts, v2: Reference) -> None:
        event = plan_of(v2, SHADOW, CANARY, criteria=FEW)
        rollouts.traffic.at(2, lambda: rollouts.trials().end(event["id"], "rejected", "anna does not like it"))
        assert outcome(rollouts, event) == "rejected"
        record = rollouts.store.read(event["id"])
        assert record is not None
        assert record.reason == "anna does not like it"

    def test_a_pointer_that_somebody_moved_ends_it_without_a_promotion(self, rollouts: Rollouts, v2: Reference) -> None:
        v3 = placed(compiled_iris_package())
        event = plan_of(v2, SHADOW, CANARY, criteria=FEW)
        rollouts.traffic.at(2, lambda: rollouts.registry.promote(v3))
        ended = json.loads(rollouts.run(event).result or "")
        assert ended["outcome"] == "inconclusive"
        assert "the pointer was moved" in ended["reason"]
        assert rollouts.registry.active() == v3
        assert rollouts.parameter.value() == NOTHING

    def test_a_pointer_that_somebody_spoiled_ends_it(
        self, rollouts: Rollouts, v2: Reference, ssm: "SSMClient", pointer: ActivePointer
    ) -> None:
        event = plan_of(v2, SHADOW, CANARY, criteria=FEW)
        rollouts.traffic.at(1, lambda: ssm.put_parameter(Name=pointer.name, Value="v2", Overwrite=True))
        ended = json.loads(rollouts.run(event).result or "")
        assert ended["outcome"] == "inconclusive"
        assert ended["reason"].startswith("the pointer names nothing any more")
        assert rollouts.parameter.value() == NOTHING

    def test_a_version_that_somebody_promoted_is_promoted(self, rollouts: Rollouts, v2: Reference) -> None:
        event = plan_of(v2, SHADOW, CANARY, criteria=FEW)
        rollouts.traffic.at(2, lambda: rollouts.registry.promote(v2))
        assert outcome(rollouts, event) == "promoted"

    def test_a_version_that_went_bad_meanwhile_is_rejected_at_the_promotion(
        self, rollouts: Rollouts, v2: Reference, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        event = plan_of(v2, CANARY, criteria=FEW)
        rollouts.traffic.at(1, lambda: rollouts.spoil(v2))
        assert outcome(rollouts, event) == "rejected"
