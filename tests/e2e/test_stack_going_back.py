"""A bad promotion is undone by itself: alarm, pointer back, alarm clear, and somebody is told.

Only right after a promotion, and once: an alarm after that is about something else.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.conftest import Step
from tests.e2e.life import SERVER_ERRORS, Life, alarm_event, prepared, serve, traffic
from tests.e2e.stack import Stack
from tests.e2e.versions import UNSEEN, publish_failing
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def life(stack: Stack, quick_config: Path) -> Life:
    """The model, of which v1 serves."""
    return prepared(stack, quick_config)


@pytest.fixture(autouse=True)
def _all_agree_afterwards(life: Life, stack: Stack) -> Iterator[None]:
    yield
    stack.aws.forget_errors()  # an alarm that fires again would undo the promotion of the next test
    life.agree()
    serve(stack, "v1")


@pytest.fixture(scope="module")
def failing(stack: Stack, life: Life) -> str:
    """A version that fails an unseen flower."""
    return publish_failing(stack)


def fires(stack: Stack) -> bool:
    """Whether the alarm fires."""
    [found] = stack.aws.client("cloudwatch").describe_alarms(AlarmNames=[SERVER_ERRORS])["MetricAlarms"]
    return bool(found["StateValue"] == "ALARM")


def moves(life: Life) -> list[str]:
    """All values of the pointer."""
    return [move.after for move in life.pointer.history()]


def test_a_broken_version_is_left_by_itself_and_the_alarm_clears(
    life: Life, stack: Stack, failing: str, step: Step
) -> None:
    stack.done("Promote", "promote", failing)
    with life.tells("v1", failing, "server-errors"), traffic(stack, UNSEEN) as answers:
        with step("an alarm, and the way back"):
            wait_until(lambda: stack.pointer.startswith("v1@"), what="the pointer is back")
        with step("the alarm clears"):
            wait_until(lambda: not fires(stack), what="the alarm clears")
    assert 500 in {answer.status for answer in answers}
    assert {answer.status for answer in answers[-5:]} == {200}
    assert life.pointer.history()[-1].kind == "rollback"


def test_an_alarm_after_that_moves_nothing(life: Life, stack: Stack) -> None:
    before = moves(life)
    stack.invoke("AutoRollbackFunction", alarm_event(datetime.now(UTC)))
    stack.invoke("AutoRollbackFunction", alarm_event(datetime.now(UTC) + timedelta(minutes=1)))
    assert moves(life) == before


def test_an_alarm_long_after_a_promotion_moves_nothing(life: Life, stack: Stack, failing: str) -> None:
    stack.done("Promote", "promote", failing)
    before = moves(life)
    stack.invoke("AutoRollbackFunction", alarm_event(datetime.now(UTC) + timedelta(hours=25)))
    assert moves(life) == before


def test_an_alarm_that_is_delivered_twice_moves_once(life: Life, stack: Stack, failing: str) -> None:
    stack.done("Promote", "promote", failing)
    before = moves(life)
    event = alarm_event(datetime.now(UTC))
    for _ in range(2):
        stack.invoke("AutoRollbackFunction", event)
    assert moves(life) == [*before, str(life.reference("v1"))]


def test_going_back_ends_what_is_on_trial(life: Life, stack: Stack, failing: str) -> None:
    stack.done("Promote", "promote", failing)
    plan = life.plan("v2", ("canary", 50.0, 0.05))
    arn = life.start(plan)
    wait_until(lambda: life.on_trial is not None, what="it is on trial")
    stack.invoke("AutoRollbackFunction", alarm_event(datetime.now(UTC)))
    assert life.on_trial is None
    assert life.ended(arn)["outcome"] != "promoted"
    assert life.record(plan.id).outcome != "promoted"
