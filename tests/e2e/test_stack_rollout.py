"""A rollout on the whole stack: durable function, service, lines, judge, parameters, audit, notification.

Each test puts a version on trial by a rollout of its own. Its steps take seconds where they take hours, and its limits
are such that a few dozen requests decide. Whatever became of it, pointer, challenger, versions and audit agree.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.conftest import Step
from tests.e2e.life import QUICK, Life, prepared, serve, traffic
from tests.e2e.stack import Stack
from tests.e2e.versions import UNSEEN, publish_failing
from tests.support.waiting import wait_until

CANARY, HALF = ("canary", 25.0, 0.05), ("canary", 50.0, 0.05)
HUNDRED_PAIRS = ("shadow", 100.0, 0.5)
"""A shadow until its 95th percentile is certain, from which later steps learn nothing more."""

CUT_OFF_SECONDS = 15
"""Time limit; within a minute the rollout tries ten times what SSM throttles."""

OF_A_LOOK = {
    "ssm:GetParameters": "reading the pointer",
    "logs:FilterLogEvents": "reading log group",
    "cloudwatch:DescribeAlarms": "reading the alarms",
}
OF_THE_END = {
    "s3:GetObject": "reading experiments/",
    "ssm:GetParameter": "reading the challenger",
    "ssm:GetParameterHistory": "reading the history",
    "ssm:PutParameter": "moving the challenger",
}
OF_THE_ROLLOUT = {"s3:PutObject", *OF_A_LOOK, *OF_THE_END}
"""Permissions of its role."""


@pytest.fixture(scope="module")
def life(stack: Stack, quick_config: Path) -> Life:
    """The model, of which v1 serves and v2 is published."""
    return prepared(stack, quick_config)


@pytest.fixture(autouse=True)
def _all_agree_afterwards(life: Life, stack: Stack) -> Iterator[None]:
    if life.on_trial is not None:
        stack.done("Promote", "reject")
    serve(stack, "v1")
    yield
    assert life.on_trial is None
    life.agree()


def test_a_good_version_gets_all_requests_step_by_step(life: Life, stack: Stack, step: Step) -> None:
    slow = {"median_ms": 1000, "p95_ms": 5000}  # as this machine may be
    plan = life.plan("v2", HUNDRED_PAIRS, CANARY, HALF, criteria=QUICK | slow)
    with life.tells("v2 promoted"), step("a rollout to 100%"), traffic(stack) as answers:
        assert life.ended(life.start(plan))["outcome"] == "promoted"
        wait_until(lambda: {answer.version for answer in answers[-10:]} == {"v2"}, what="all get v2")
    assert {answer.status for answer in answers} == {200}
    record = life.record(plan.id)
    assert record.verdict is not None
    assert record.verdict.challenger_requests >= QUICK["min_requests"]
    assert [change.description.partition(" ")[0] for change in life.challenger.changes()][-4:] == [
        *("begun", "ramped", "ramped", "promoted")
    ]


def test_a_version_that_fails_is_rejected_and_callers_notice_nothing(life: Life, stack: Stack, step: Step) -> None:
    version = publish_failing(stack)
    plan = life.plan(version, ("canary", 10.0, 0.05))
    with life.tells(f"{version} rejected", "server errors"), step("a rejection"), traffic(stack, UNSEEN) as answers:
        assert life.ended(life.start(plan))["outcome"] == "rejected"
    assert {answer.status for answer in answers} == {200}
    assert stack.pointer.startswith("v1@")


def test_a_version_without_traffic_comes_to_nothing(life: Life, step: Step) -> None:
    plan = life.plan("v2", HALF, criteria={"max_hours": 0.003})
    with life.tells("v2 inconclusive"), step("an inconclusive rollout"):
        assert life.ended(life.start(plan))["outcome"] == "inconclusive"


def test_a_person_approves(life: Life, stack: Stack) -> None:
    plan = life.plan("v2", HALF, approval=True)
    arn = life.start(plan)
    with life.tells("waits for approval"), traffic(stack):
        wait_until(lambda: life.experiments.asked(plan.id) is not None, what="it asks")
    assert stack.pointer.startswith("v1@")
    assert "AccessDenied" in stack.refused("Publish", "approve")
    stack.done("Promote", "approve")
    assert life.ended(arn)["outcome"] == "promoted"


def test_a_rollout_is_begun_once_however_often_it_is_started(life: Life, stack: Stack) -> None:
    plan = life.plan("v2", HALF)
    with ThreadPoolExecutor(4) as pool, traffic(stack):
        [arn] = set(pool.map(lambda _: life.start(plan), range(4)))
        assert life.ended(arn)["outcome"] == "promoted"
        assert life.start(plan) == arn


def test_of_two_rollouts_the_later_one_ends_at_once(life: Life, stack: Stack) -> None:
    plan = life.plan("v2", HALF)
    first = life.start(plan)
    wait_until(lambda: life.on_trial is not None, what="the first begins")
    second = life.ended(life.start(life.plan("v2", HALF)))
    assert second["outcome"] == "failed"
    assert life.on_trial is not None
    assert life.on_trial.id == plan.id
    stack.done("Promote", "reject")
    assert life.ended(first)["outcome"] == "rejected"


@pytest.mark.parametrize("after", ["begin", "look 1", "promote"])
def test_a_kill_between_steps_changes_nothing(after: str, life: Life, stack: Stack) -> None:
    plan = life.plan("v2", HALF)
    arn = life.start(plan)
    with traffic(stack):
        wait_until(lambda: after in life.steps_of(arn), what=after)
        stack.aws.kill(stack.physical("RolloutFunction"))
        assert life.ended(arn)["outcome"] == "promoted"
    assert life.record(plan.id).outcome == "promoted"
    assert [move.after for move in life.pointer.history()][-1] == str(life.reference("v2"))


def test_a_step_that_lambda_cuts_off_is_done_again(life: Life, stack: Stack) -> None:
    plan = life.plan("v2", HALF)
    with stack.time_limit("RolloutFunction", CUT_OFF_SECONDS):
        with stack.aws.fault("AmazonSSM.GetParameters"):
            arn = life.start(plan)
            wait_until(lambda: "StepInterrupted" in "".join(life.failures_of(arn)), what="it was cut off")
        with traffic(stack):
            assert life.ended(arn)["outcome"] == "promoted"


def test_a_rollout_without_a_permission_waits_a_little_and_then_ends_as_soon_as_it_may(
    life: Life, stack: Stack, step: Step
) -> None:
    plan = life.plan("v2", HALF)
    with step("all permissions of a rollout"), life.tells("v2 failed", "reading the alarms", "AccessDenied"):
        with stack.without("RolloutRole", "s3:PutObject"):
            arn = life.start(plan)
            life.wait_for_refusal(arn, "writing experiments/")
        *given_back, alarms = OF_A_LOOK
        for action in given_back:
            life.wait_for_a_look(arn)
            with stack.without("RolloutRole", action):
                life.wait_for_refusal(arn, OF_A_LOOK[action])
        life.wait_for_a_look(arn)
        with stack.without("RolloutRole", alarms) as take:
            life.wait_for_refusal(arn, OF_A_LOOK[alarms])
            missing = [*OF_THE_END]
            while missing:
                take(alarms, *missing)
                life.wait_for_refusal(arn, OF_THE_END[missing.pop(0)])
        assert life.ended(arn)["outcome"] == "failed"
