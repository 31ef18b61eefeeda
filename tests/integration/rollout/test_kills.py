"""A rollout whose process is lost after any of its writes ends the same, and does nothing twice.

Before the next write, the same is stored, and the step that would be done again is done.
"""

import json
from collections.abc import Iterator
from itertools import pairwise
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from skylift.errors import AwsRefused, AwsUnavailable
from skylift.references import NOTHING, Reference
from skylift.registry import Registry
from skylift.rollout import Step
from tests.support.faults import Fault, Killed, after, before, fails_with, kills, throttled
from tests.support.models import compiled_iris_package
from tests.support.rollouts import Rollouts, plan_of
from tests.support.stored import placed, promoted
from tests.support.waiting import TIMES_OUT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

WRITES = {
    "s3.PutObject": ("the claim", "the first look", "the second look", "the record"),
    "ssm.PutParameter": ("the first share", "the second share", "the pointer", "the end of the trial"),
}
"""What a rollout of two shares, with a look at each, writes."""

EASY = {"min_requests": 500, "max_error_increase": 0.1, "max_hours": 1}


@pytest.fixture
def versions(aws: None) -> list[Reference]:
    """The champion, and a version to roll out."""
    return [promoted(compiled_iris_package()), placed(compiled_iris_package())]


@pytest.fixture
def rollouts(registry: Registry, s3: "S3Client", ssm: "SSMClient", versions: list[Reference]) -> Iterator[Rollouts]:
    """Rollouts of iris, with plenty of traffic."""
    with Rollouts(registry, s3, ssm) as rollouts:
        rollouts.traffic.per_minute = 6000
        yield rollouts


@pytest.fixture
def event(versions: list[Reference]) -> dict[str, Any]:
    """A rollout of two shares, each of a minute."""
    steps = (Step(mode="canary", percent=percent, minutes=1) for percent in (50, 75))
    return plan_of(versions[1], *steps, criteria=EASY)


def outcome(rollouts: Rollouts, event: dict[str, Any]) -> str:
    """How a rollout ends, after which pointer, challenger, record and looks agree, and nothing was written twice."""
    found = json.loads(rollouts.run(event).result or "{}")
    record = rollouts.store.read(event["id"])
    assert record is not None
    assert record.outcome == found["outcome"]
    promoted = record.outcome == "promoted"
    assert rollouts.parameter.value() == NOTHING
    assert rollouts.registry.active() == (record.challenger if promoted else record.champion)
    moves = [move.after for move in rollouts.registry.history()]
    assert moves.count(str(record.challenger)) == (1 if promoted else 0)
    values = [change.after for change in rollouts.parameter.changes()]
    assert len(values) == len(set(values)), "no share is given twice"
    looks = rollouts.store.counts(event["id"])
    assert all(earlier.end == later.start for earlier, later in pairwise(looks)), "no request is counted twice"
    if looks:
        assert record.verdict is not None
    return str(record.outcome)


def test_these_are_all_the_writes(rollouts: Rollouts, event: dict[str, Any], s3: "S3Client", ssm: "SSMClient") -> None:
    counters = {
        name: before(s3 if name.startswith("s3") else ssm, name.partition(".")[2], lambda _: None) for name in WRITES
    }
    assert outcome(rollouts, event) == "promoted"
    assert {name: counter.calls for name, counter in counters.items()} == {
        name: len(each) for name, each in WRITES.items()
    }


@pytest.mark.parametrize(
    ("operation", "number"),
    [
        pytest.param(operation, number, id=what)
        for operation, each in WRITES.items()
        for number, what in enumerate(each, 1)
    ],
)
def test_a_process_that_is_lost_at_a_write(
    rollouts: Rollouts,
    event: dict[str, Any],
    s3: "S3Client",
    ssm: "SSMClient",
    operation: str,
    number: int,
) -> None:
    service, _, name = operation.partition(".")
    after(s3 if service == "s3" else ssm, name, kills, only=number)
    assert outcome(rollouts, event) == "promoted"
    assert len(rollouts.store.counts(event["id"])) == 2
    assert [subject for subject, _ in rollouts.told.messages] == ["iris v2 promoted"]


@pytest.mark.parametrize(("operation", "number"), [("PutParameter", 2), ("PutObject", 3)])
def test_a_process_that_is_lost_at_the_rejection(
    rollouts: Rollouts,
    event: dict[str, Any],
    s3: "S3Client",
    ssm: "SSMClient",
    operation: str,
    number: int,
) -> None:
    rollouts.traffic.errors = 0.5
    after(ssm if operation == "PutParameter" else s3, operation, kills, only=number)
    assert outcome(rollouts, event) == "rejected"


def test_a_process_that_is_lost_when_it_told_people_tells_them_again(rollouts: Rollouts, event: dict[str, Any]) -> None:
    rollouts.told.failure = Killed()
    assert outcome(rollouts, event) == "promoted"
    assert [subject for subject, _ in rollouts.told.messages] == ["iris v2 promoted"]


def test_a_look_that_always_loses_its_process_ends_the_rollout(rollouts: Rollouts, event: dict[str, Any]) -> None:
    rollouts.traffic.failure = Killed()
    assert outcome(rollouts, event) == "failed"
    assert rollouts.told.messages[-1][0] == "iris v2 failed"


def test_a_step_that_does_not_come_to_its_end_is_cut_off_and_tried_again(
    registry: Registry, s3: "S3Client", ssm: "SSMClient", event: dict[str, Any]
) -> None:
    released, waits = Event(), iter([True])
    with Rollouts(registry, s3, ssm, invocation_timeout=2) as rollouts:
        rollouts.traffic.per_minute = 6000
        rollouts.traffic.when(lambda: next(waits, False), lambda: released.wait(TIMES_OUT))
        try:
            assert outcome(rollouts, event) == "promoted"
        finally:
            released.set()


class TestOutages:
    @pytest.mark.parametrize("operation", ["GetParameters", "GetParameter", "PutParameter", "GetParameterHistory"])
    def test_of_ssm_for_a_while(
        self, rollouts: Rollouts, event: dict[str, Any], ssm: "SSMClient", operation: str
    ) -> None:
        for call in (2, 3, 4):
            before(ssm, operation, fails_with(throttled()), only=call)
        assert outcome(rollouts, event) == "promoted"

    @pytest.mark.parametrize("operation", ["PutObject", "GetObject"])
    def test_of_s3_for_a_while(self, rollouts: Rollouts, event: dict[str, Any], s3: "S3Client", operation: str) -> None:
        for call in (2, 3, 4):
            before(s3, operation, fails_with(throttled("SlowDown")), only=call)
        assert outcome(rollouts, event) == "promoted"

    def test_of_the_logs_for_a_while(self, rollouts: Rollouts, event: dict[str, Any]) -> None:
        rollouts.traffic.failure, rollouts.traffic.failures = AwsUnavailable("reading lines failed"), 3
        assert outcome(rollouts, event) == "promoted"

    def test_of_the_logs_for_good(self, rollouts: Rollouts, event: dict[str, Any]) -> None:
        rollouts.traffic.failure = AwsUnavailable("reading lines failed")
        assert outcome(rollouts, event) == "failed"
        assert "reading lines failed" in rollouts.told.messages[-1][1]

    @pytest.mark.parametrize(("attempts", "ends_as"), [(2, "promoted"), (3, "failed")])
    def test_a_permission_that_is_missing_is_waited_for_shortly(
        self, attempts: int, ends_as: str, rollouts: Rollouts, event: dict[str, Any]
    ) -> None:
        rollouts.traffic.failure, rollouts.traffic.failures = AwsRefused("reading lines failed"), attempts
        assert outcome(rollouts, event) == ends_as

    def test_of_ssm_for_an_hour_is_outlasted_by_the_end(
        self, rollouts: Rollouts, event: dict[str, Any], ssm: "SSMClient", capsys: pytest.CaptureFixture[str]
    ) -> None:
        outages: list[Fault] = []

        def begin() -> None:
            outages.append(before(ssm, "GetParameters", fails_with(throttled())))
            outages.append(before(ssm, "GetParameter", end_after_20))

        def end_after_20(_: object) -> None:
            if outages[1].calls == 20:
                for outage in outages:
                    outage.heal()
            raise throttled()

        rollouts.traffic.at(1, begin)
        assert outcome(rollouts, event) == "failed"
        metrics = [line for line in capsys.readouterr().out.splitlines() if '"RolloutFailed"' in line]
        assert len(metrics) > 5, "the alarm stays on until it has ended"
