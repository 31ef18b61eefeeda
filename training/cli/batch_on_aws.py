"""Runs the parts of a table by the state machine of a stack, and tells of each as its result comes."""

import json
import time
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from botocore.exceptions import ClientError

from skylift.aws import aws_errors, error_code, s3_client
from skylift.bucket import Bucket
from skylift.bulk.manifest import PLAN_FILE
from skylift.bulk.part import RESULTS, PartResult, result_of
from skylift.bulk.places import place_of
from skylift.bulk.plan import Part
from skylift.bulk.sources import split_address
from skylift.errors import DataError
from training.cli.batch_workers import Scorer

POLL_SECONDS = 2.0
_RUN_LETTERS = 48
_STARTED_BEFORE = "ExecutionAlreadyExists"
_RUNNING = "RUNNING"


class StateMachine:
    """The state machine of a stack.

    Parameters
    ----------
    arn
        ARN of it.
    client
        Botocore client for Step Functions; see `skylift.aws.states_client`.
    """

    def __init__(self, arn: str, *, client: Any) -> None:  # not typed: no stubs are installed
        self._arn, self._client = arn, client

    def start(self, run: str, document: object) -> str:
        """Start a run, or take up the execution of it that is on its way; the ARN of the execution.

        Step Functions keeps a name for 90 days, so that the next execution of a run has the next number.

        Raises
        ------
        AwsUnavailable
            Step Functions failed, or refused.
        """
        for number in count(1):
            name = f"{run[:_RUN_LETTERS]}-{number}"
            with aws_errors("starting the run on AWS"):
                try:
                    started = self._client.start_execution(
                        stateMachineArn=self._arn, name=name, input=json.dumps(document)
                    )
                except ClientError as error:
                    if error_code(error) != _STARTED_BEFORE:
                        raise
                else:
                    return str(started["executionArn"])
            execution = f"{self._arn.replace(':stateMachine:', ':execution:')}:{name}"
            if self.state(execution)["status"] == _RUNNING:
                return execution
        raise AssertionError  # numbers do not end

    def state(self, execution: str) -> dict[str, Any]:
        """What Step Functions says of an execution: `status`, and `error` with `cause` where it failed.

        Raises
        ------
        AwsUnavailable
        """
        with aws_errors("asking how far the run on AWS is"):
            described: dict[str, Any] = self._client.describe_execution(executionArn=execution)
        return described


def run_on_aws(parts: Sequence[Part], scorer: Scorer, machine: StateMachine) -> Iterator[PartResult]:
    """Have parts scored by a state machine, which goes on when nobody waits for it any more.

    Raises
    ------
    AwsUnavailable
        S3 or Step Functions failed.
    DataError
        The run ended without some of its parts.
    """
    bucket, key = split_address(f"{scorer.output.rstrip('/')}/{PLAN_FILE}")
    document = {
        "plan": {"bucket": bucket, "key": key},
        "run": scorer.run,
        "reference": f"{scorer.model.version}@sha256:{scorer.model.digest}",
        "explain": scorer.model.explain,
        "output": scorer.output,
    }
    execution = machine.start(scorer.run, document)
    pending = {part.name: part for part in parts}
    while True:
        state = machine.state(execution)
        yield from _new_results(pending, scorer)
        if state["status"] != _RUNNING:
            break
        time.sleep(POLL_SECONDS)
    if pending:
        why = f" ({state['error']})" if state.get("error") else ""
        raise DataError(
            f"the run on AWS ended as {state['status'].lower()}{why} without {len(pending):,} parts, "
            f"{next(iter(pending))} among them",
            "its reason is in the stack's log group /batch; the same command scores what is left",
        )


def _new_results(pending: dict[str, Part], scorer: Scorer) -> Iterator[PartResult]:
    """What parts came to that are done by now; they are taken off those that are awaited."""
    bucket, prefix = split_address(f"{scorer.output.rstrip('/')}/{RESULTS}/")
    place = place_of(scorer.output)
    for entry in Bucket(bucket, client=s3_client()).entries(prefix):
        name = entry.key.removeprefix(prefix).removesuffix(".json")
        if name in pending and (result := result_of(pending[name], place, scorer.run)) is not None:
            del pending[name]
            yield result
