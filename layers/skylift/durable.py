"""Durable functions seen from outside: their executions are started by name, and answered where they wait.

A durable function is plain Python that Lambda runs again from its checkpoints: see docs/rollouts.md.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from skylift.aws import aws_errors, error_code
from skylift.errors import AwsUnavailable, CallbackClosed

MAX_NAME_LENGTH = 64
"""Characters of an execution's name: letters, digits, `-` and `_`."""

_ALREADY_STARTED = "DurableExecutionAlreadyStartedException"
_CLOSED = {"CallbackTimeoutException", "ResourceNotFoundException"}


class DurableFunction:
    """A durable function.

    Parameters
    ----------
    arn
        ARN with a version or an alias: an execution stays with the version that began it.
    client
        Botocore client for Lambda; see `skylift.aws.lambda_client`.
    """

    def __init__(self, arn: str, *, client: Any) -> None:  # not typed: the stubs lack these operations
        self.arn = arn
        self._client = client

    def start(self, name: str, payload: Mapping[str, object]) -> str:
        """Start an execution, and do not wait for it.

        Lambda begins one execution of a name, however often it is started, for as long as it keeps it
        (`RetentionPeriodInDays`): a start that is tried again begins no second one.

        Parameters
        ----------
        name
            Name of the execution: at most 64 letters, digits, `-` and `_`.
        payload
            Event of the execution, which JSON can hold.

        Returns
        -------
        str
            ARN of the execution; of the earlier one if the name was started before.

        Raises
        ------
        AwsUnavailable
            Lambda failed, or did not say which execution it is.
        """
        doing = f"starting {name} of {self.arn}"
        with aws_errors(doing):
            try:
                answer = self._client.invoke(
                    FunctionName=self.arn,
                    InvocationType="Event",
                    DurableExecutionName=name,
                    Payload=json.dumps(payload).encode(),
                )
            except ClientError as error:
                if error_code(error) != _ALREADY_STARTED:  # with the same payload Lambda answers as before
                    raise
                return self._started(name)
        if execution := answer.get("DurableExecutionArn"):
            return str(execution)
        raise AwsUnavailable(f"{doing} began no durable execution", "check that the function has a DurableConfig")

    def succeed(self, callback_id: str, payload: object) -> None:
        """Answer a callback: the execution continues with this value.

        Parameters
        ----------
        callback_id
            Id that the execution gave away.
        payload
            What JSON can hold; the execution reads it as text.

        Raises
        ------
        CallbackClosed
            Nobody waits for it.
        AwsUnavailable
            Lambda failed.
        """
        with self._answering("answering a callback"):
            self._client.send_durable_execution_callback_success(
                CallbackId=callback_id, Result=json.dumps(payload).encode()
            )

    def fail(self, callback_id: str, why: str) -> None:
        """Answer a callback with a failure, which is raised where the execution waits.

        Raises
        ------
        CallbackClosed
            Nobody waits for it.
        AwsUnavailable
            Lambda failed.
        """
        with self._answering("failing a callback"):
            self._client.send_durable_execution_callback_failure(CallbackId=callback_id, Error={"ErrorMessage": why})

    def heartbeat(self, callback_id: str) -> None:
        """Tell the execution that its answer is still being worked on.

        Raises
        ------
        CallbackClosed
            Nobody waits for it.
        AwsUnavailable
            Lambda failed.
        """
        with self._answering("keeping a callback open"):
            self._client.send_durable_execution_callback_heartbeat(CallbackId=callback_id)

    def _started(self, name: str) -> str:
        """ARN of the execution of a name."""
        found = self._client.list_durable_executions_by_function(FunctionName=self.arn, DurableExecutionName=name)
        if executions := found["DurableExecutions"]:
            return str(executions[0]["DurableExecutionArn"])
        raise AwsUnavailable(f"{name} was started before, and Lambda does not list it", "try again")

    @contextmanager
    def _answering(self, doing: str) -> Iterator[None]:
        with aws_errors(f"{doing} of {self.arn}"):
            try:
                yield
            except ClientError as error:
                if error_code(error) not in _CLOSED:
                    raise
                raise CallbackClosed(
                    f"{doing} of {self.arn} came too late, or was taken at a first try whose word was lost",
                    "see what became of it by `skylift history`",
                ) from error
