"""AWS's local runner, without a gap through which executions are lost."""

from aws_durable_execution_sdk_python_testing.executor import Executor


class LastingExecutor(Executor):
    """Calls a function as soon as a wait of it is over, whatever becomes of the timer.

    The runner (1.4.0) ends the wait on one thread and calls the function on another. The end of an invocation cancels
    the timer in between now and then, where a wait takes about as long as that end: nobody calls the function then.
    """

    def _fire_due_operations(self, execution_arn: str) -> bool:
        """End waits that are over, and call the function; False: there is nothing more to do."""
        if super()._fire_due_operations(execution_arn):
            self._invoke_execution(execution_arn)
        return False
