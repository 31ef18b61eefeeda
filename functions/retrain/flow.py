"""The retraining as plain Python, which Lambda runs again from its checkpoints.

    begin -> data ... -> snapshot -> train -> conclude -> approval -> rollout -> end -> tell
               ^-wait-'                         |            |                    ^
                                                '------------'-- nothing more ----'

All of it is decided by what the steps gave back, so that another run decides the same. Clocks, AWS and the job are in
the steps alone (`retrain.work`).
"""

from itertools import count

from aws_durable_execution_sdk_python import CallbackExternalError, CallbackTimeoutError, DurableContext
from aws_durable_execution_sdk_python.config import Duration, WaitForCallbackConfig
from aws_durable_execution_sdk_python.exceptions import CallbackError, DurableOperationError

from retrain.work import Ended, Failure, Work
from skylift.durable_steps import A_DAY, HALF_AN_HOUR, TWICE, step

HEARTBEAT = Duration.from_minutes(15)
"""Longest silence of a task: it has to find its place and fetch its image before it can say anything."""

_LEFT_SECONDS = 60.0
"""Time that the function keeps for what comes after training."""


def retrain(id: str, work: Work, context: DurableContext) -> Ended:  # noqa: A002
    """Train again, to a version or to whatever ends it before.

    Parameters
    ----------
    id
        Id of the retraining, which was asked for.
    work
        What the steps do.
    context
        Context of the execution.
    """
    failure: Failure | None = None
    try:
        begun = step(context, "begin", work.begin, id)
        if begun["over"]:
            return Ended(id=id, state="over")
        failure = begun["failure"]
        if failure is None:
            _collect(id, work, context)
            published = _train(id, work, context)
            if published and begun["rollout"] != "none":
                failure = _roll_out(id, work, context, asks=begun["rollout"] == "manual")
    except DurableOperationError as error:  # tried often enough, or another attempt would change nothing
        failure = Failure(code="step-failed", message=error.message or str(error))
    ended = step(context, "end", work.end, id, failure, config=A_DAY)
    step(context, "tell", work.tell, id, config=A_DAY)
    return ended


def _collect(id: str, work: Work, context: DurableContext) -> None:  # noqa: A002
    """Wait until the data is there, and take a snapshot of it."""
    for number in count(1):
        seconds = step(context, f"data {number}", work.more, id)
        if not seconds:
            break
        context.wait(Duration.from_seconds(seconds), f"wait {number}")
    step(context, "snapshot", work.snapshot, id)


def _train(id: str, work: Work, context: DurableContext) -> bool:  # noqa: A002
    """Train here or elsewhere; whether that came to a version."""
    lost: str | None = None
    if work.tasks is None:
        context.wait(Duration.from_seconds(1), "a whole time limit")  # what comes next has a new invocation
        try:
            context.step(lambda _: work.train(id, _seconds_left(context)), "train", TWICE)
        except DurableOperationError as error:
            lost = error.message or str(error)
    else:
        config = WaitForCallbackConfig(
            timeout=Duration.from_seconds(work.train_time.total_seconds()),
            heartbeat_timeout=HEARTBEAT,
            retry_strategy=HALF_AN_HOUR.retry_strategy,
        )
        try:
            context.wait_for_callback(lambda callback, _: work.start_task(id, callback), "task", config)
        except CallbackError as error:
            lost = error.message or str(error)
    return step(context, "conclude", work.conclude, id, lost)


def _roll_out(id: str, work: Work, context: DurableContext, *, asks: bool) -> Failure | None:  # noqa: A002
    """Start a rollout, if a person is not needed or approves; why not."""
    if asks:
        config = WaitForCallbackConfig(
            timeout=Duration.from_seconds(work.approval_time.total_seconds()),
            retry_strategy=HALF_AN_HOUR.retry_strategy,
        )
        try:
            context.wait_for_callback(lambda callback, _: work.ask(id, callback), "approval", config)
        except CallbackTimeoutError:
            hours = work.approval_time.total_seconds() / 3600
            return Failure(code="approval-timeout", message=f"nobody approved its rollout within {hours:g} hours")
        except CallbackExternalError as error:
            return Failure(code="not-approved", message=error.message or "a person refused its rollout")
    step(context, "rollout", work.roll_out, id)
    return None


def _seconds_left(context: DurableContext) -> float:
    """Time that the function has for training: Lambda ends it whatever it does."""
    assert context.lambda_context is not None  # noqa: S101 (it runs in a function)
    return context.lambda_context.get_remaining_time_in_millis() / 1000 - _LEFT_SECONDS
