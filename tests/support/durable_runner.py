"""AWS's own runner of durable functions, in the test's process and without its pauses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aws_durable_execution_sdk_python import state
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner

from local_durable.executor import LastingExecutor

_PAUSE = 0.005


@contextmanager
def durable_runner(
    handler: Callable[..., Any], *, invocation_timeout: int = 900
) -> Iterator[DurableFunctionTestRunner]:
    """A runner that skips what executions wait for, and leaves nothing behind.

    Parameters
    ----------
    handler
        The durable function.
    invocation_timeout
        Seconds of an invocation, none of which is skipped.
    """
    runner = DurableFunctionTestRunner(handler, poll_interval=_PAUSE, invocation_timeout=invocation_timeout)
    runner._executor.__class__ = LastingExecutor
    runner._executor.RETRY_BACKOFF_SECONDS = 0  # of which it skips none
    pause, state._STOP_SIGNAL_POLL_SECONDS = state._STOP_SIGNAL_POLL_SECONDS, _PAUSE  # at the end of each invocation
    try:
        yield runner
    finally:
        runner.close()
        runner._scheduler._loop.close()  # it does not close it itself
        state._STOP_SIGNAL_POLL_SECONDS = pause
