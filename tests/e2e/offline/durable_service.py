"""AWS's local runner of durable functions as the service of an AWS on this machine; `local_aws` hands it the calls.

Run in the tests' own environment, at the top of the repository: the pins of the local AWS fight the runner's.

    python -m tests.e2e.offline.durable_service PORT LAMBDA_ENDPOINT STORE
"""

import logging
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_durable_execution_sdk_python.lambda_service import Operation
from aws_durable_execution_sdk_python_testing import runner as runner_module
from aws_durable_execution_sdk_python_testing.checkpoint.processors.step import StepProcessor
from aws_durable_execution_sdk_python_testing.execution import Execution
from aws_durable_execution_sdk_python_testing.model import StartDurableExecutionInput
from aws_durable_execution_sdk_python_testing.runner import WebRunner, WebRunnerConfig
from aws_durable_execution_sdk_python_testing.stores.base import StoreType
from aws_durable_execution_sdk_python_testing.web.server import WebServiceConfig

from local_durable.executor import LastingExecutor
from tests.e2e.sam import REGION

RETRY_SECONDS = 1
"""Pause before an invocation that failed is tried again."""

PAUSE = timedelta(seconds=3)
"""Pause before a step is tried again: time to change a policy, and longer than the rest of an invocation takes."""


def name_as_aws_does() -> None:
    """Give executions ARNs below the version of their function, which policies are asked with."""

    def new(input: StartDurableExecutionInput) -> Execution:  # noqa: A002
        # The SDK finds the input by the last part.
        function = f"arn:aws:lambda:{REGION}:{input.account_id}:function:{input.function_name}"
        arn = f"{function}:{input.function_qualifier}/durable-execution/{input.execution_name}/{input.invocation_id}"
        return Execution(durable_execution_arn=arn, start_input=input, operations=[])

    Execution.new = staticmethod(new)  # type: ignore[method-assign]


def try_steps_again_soon() -> None:
    """Have pauses between the attempts of a step be short."""
    process = StepProcessor.process

    def process_soon(*update: Any, **more: Any) -> Operation:
        operation = process(*update, **more)
        details = operation.step_details
        if details is None or details.next_attempt_timestamp is None:
            return operation
        return replace(operation, step_details=replace(details, next_attempt_timestamp=datetime.now(UTC) + PAUSE))

    StepProcessor.process = process_soon  # type: ignore[method-assign]


def main(port: str, endpoint: str, store: str) -> None:
    """Serve until it is ended."""
    name_as_aws_does()
    try_steps_again_soon()
    LastingExecutor.RETRY_BACKOFF_SECONDS = RETRY_SECONDS
    runner_module.Executor = LastingExecutor  # type: ignore[attr-defined]
    config = WebRunnerConfig(
        WebServiceConfig("127.0.0.1", int(port), logging.WARNING),
        lambda_endpoint=endpoint,
        local_runner_region=REGION,
        store_type=StoreType.SQLITE,
        store_path=store,
    )
    with WebRunner(config) as runner:
        runner.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
