"""A wait that is over leads on, whatever becomes of the timer that ended it."""

from datetime import datetime, timedelta
from typing import Any

from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import Duration
from aws_durable_execution_sdk_python.lambda_service import InvocationStatus
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner
from aws_durable_execution_sdk_python_testing.clock import RealClock

from local_durable.executor import LastingExecutor
from tests.support.waiting import TIMES_OUT, wait_until


class Tomorrow(RealClock):
    """A clock that is a day ahead."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=1)


@durable_execution
def waits(_event: Any, context: DurableContext) -> str:
    context.wait(Duration.from_hours(1), "an hour")
    return "done"


def test_the_function_is_called_when_a_wait_is_over_although_its_timer_was_cancelled_meanwhile() -> None:
    with DurableFunctionTestRunner(waits, skip_time=False) as runner:
        runner._executor.__class__ = LastingExecutor
        arn = runner.run_async("{}")
        wait_until(lambda: arn in runner._executor._pending_wakeup, what="it waits")

        runner._executor._clock = Tomorrow()
        runner._executor._fire_due_operations(arn)  # and nobody looks at what it found

        assert runner.wait_for_result(arn, timeout=int(TIMES_OUT)).status is InvocationStatus.SUCCEEDED
    runner._scheduler._loop.close()
