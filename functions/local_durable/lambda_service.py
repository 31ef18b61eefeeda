"""Lambda's API for durable functions, by AWS's local runner: start, checkpoint, call back, ask, and go on after a kill.

The runner keeps every execution in a SQLite file. By itself it forgets those when its process ends; `resume` gives them
back to it, and each is replayed from its checkpoints. See docs/decisions/0076-durable-functions-on-one-machine.md.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any, Self

from aws_durable_execution_sdk_python.lambda_service import CallbackOptions, Operation, OperationStatus, OperationType
from aws_durable_execution_sdk_python_testing.checkpoint.processor import CheckpointProcessor
from aws_durable_execution_sdk_python_testing.client import InMemoryServiceClient
from aws_durable_execution_sdk_python_testing.execution import Execution, ExecutionStatus
from aws_durable_execution_sdk_python_testing.invoker import InProcessInvoker
from aws_durable_execution_sdk_python_testing.scheduler import Scheduler
from aws_durable_execution_sdk_python_testing.stores.sqlite import SQLiteExecutionStore
from aws_durable_execution_sdk_python_testing.worker.registry import ExecutionRegistry

from local_durable.endpoint import LONGEST_SECONDS, REGION, Endpoint
from local_durable.executor import LastingExecutor

HANDLERS = {"rollout": "rollout.handler", "retrain": "retrain.handler"}
"""Modules with the handlers, by name of the function."""

type Handler = Callable[[Any, Any], Any]


class LambdaService:
    """The durable functions of one model; it answers within a `with` block.

    Parameters
    ----------
    store
        SQLite file that keeps the executions; made if it is missing.
    handlers
        Handlers by name of the function.

    Attributes
    ----------
    port
        Port on 127.0.0.1 at which it answers.
    """

    def __init__(self, store: Path, handlers: Mapping[str, Handler] | None = None) -> None:
        self._store = SQLiteExecutionStore.create_and_initialize(store)
        self._scheduler = Scheduler()
        self._scheduler.start()
        self._registry = ExecutionRegistry(self._store, self._scheduler)
        processor = CheckpointProcessor(self._store, self._scheduler)
        invoker = InProcessInvoker(_unknown, InMemoryServiceClient(processor, self._registry), region=REGION)
        handlers = handlers or {name: _imported(module) for name, module in HANDLERS.items()}
        for name, handler in handlers.items():
            invoker.register(name, handler)
        self._executor = LastingExecutor(
            self._store,
            self._scheduler,
            invoker,
            processor,
            # A thread cannot be ended from outside: a second call beside it would not help.
            invocation_timeout_seconds=LONGEST_SECONDS,
            registry=self._registry,
            region=REGION,
        )
        processor.add_execution_observer(self._executor)
        self._server = Endpoint(self._executor, handlers.keys())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.port: int = self._server.server_port

    def resume(self) -> None:
        """Continue every execution that an earlier process left open."""
        for execution in self._store.list_all():
            if execution.current_status() is ExecutionStatus.RUNNING:
                self._resume(execution)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._executor.shutdown()
        self._registry.shutdown()
        self._scheduler.stop()
        self._scheduler._loop.close()  # noqa: SLF001 (the runner leaves it open)

    def _resume(self, execution: Execution) -> None:
        """Call the function of an execution with its checkpoints, and arm again what waits for a callback.

        Waits and retries are armed by the call itself: the runner looks for the earliest one after each.
        """
        arn = execution.durable_execution_arn
        for operation in execution.operations:
            if operation.operation_type is OperationType.CALLBACK and operation.status is OperationStatus.STARTED:
                assert operation.callback_details is not None  # noqa: S101 (for the types: a callback has them)
                self._executor._schedule_callback_timeouts(  # noqa: SLF001 (the runner has no other door)
                    arn, _left(execution, operation), operation.callback_details.callback_id
                )
        self._executor._launch_execution(execution, LONGEST_SECONDS)  # noqa: SLF001


def _left(execution: Execution, operation: Operation) -> CallbackOptions:
    """What is left of a callback's timeout; a heartbeat gets its whole time again."""
    options = next(
        (
            update.callback_options
            for update in execution.updates
            if update.operation_id == operation.operation_id and update.callback_options
        ),
        CallbackOptions(),
    )
    started = operation.start_timestamp or datetime.now(UTC)
    passed = int((datetime.now(UTC) - started).total_seconds())
    left = max(1, options.timeout_seconds - passed) if options.timeout_seconds else 0
    return CallbackOptions(timeout_seconds=left, heartbeat_timeout_seconds=options.heartbeat_timeout_seconds)


def _imported(module: str) -> Handler:
    """A handler whose module is imported by its first call: none costs anything before."""

    def handler(event: Any, context: Any) -> Any:
        return import_module(module).handler(event, context)

    return handler


def _unknown(event: Any, context: Any) -> Any:
    """Stands for a function that is no longer there; `InvokeHandler` starts none."""
    del event
    raise LookupError(f"there is no function {context.function_name}")
