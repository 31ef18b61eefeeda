"""The life of the stack's model: what its parts say of it, and that they agree."""

import json
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from skylift.audit import AuditTrail
from skylift.bucket import Bucket
from skylift.challenger import Challenger
from skylift.durable import DurableFunction
from skylift.experiment.parameter import ChallengerParameter
from skylift.experiment.record import Experiment
from skylift.experiment.store import ExperimentStore
from skylift.pointer import ActivePointer, way_back
from skylift.references import NOTHING, Reference
from skylift.rollout import RolloutPlan
from skylift.store import VersionStore
from tests.e2e.stack import STACK, Answer, Stack
from tests.support.models import IRIS_SETOSA
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from skylift.parameter import Parameter

MODEL = "iris"
SERVER_ERRORS = f"{STACK}-server-errors"
"""Alarm on the share of requests that are answered with a 5xx status."""

CALLERS = 2

QUICK = {"min_requests": 20, "max_error_increase": 0.3, "beta": 0.3, "max_hours": 1}
"""Limits under which a few dozen requests decide."""


class Life:
    """The model of a stack, as the account's root sees it.

    Parameters
    ----------
    stack
        The stack.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack, self._aws = stack, stack.aws
        name, s3, ssm = stack.outputs["ModelBucketName"], stack.aws.client("s3"), stack.aws.client("ssm")
        self.bucket = Bucket(name, client=s3)
        self.versions = VersionStore(name, MODEL, client=s3)
        self.pointer = ActivePointer("dev", MODEL, client=ssm)
        self.challenger = ChallengerParameter("dev", MODEL, client=ssm)
        self.experiments = ExperimentStore(self.bucket, MODEL)
        self.audit = AuditTrail(self.bucket, MODEL)

    def reference(self, version: str) -> Reference:
        """The reference of a version, by its name."""
        return self.versions.version(int(version.removeprefix("v"))).reference

    @property
    def on_trial(self) -> Challenger | None:
        """The version on trial."""
        return self.challenger.read()

    def plan(self, version: str, *steps: tuple[str, float, float], **more: Any) -> RolloutPlan:
        """A rollout of its own in steps of mode, percentage and minutes."""
        document = {
            "id": f"{version}-{uuid.uuid4().hex[:8]}",
            "version": version,
            "reference": str(self.reference(version)),
            "by": "make e2e",
            "steps": [dict(zip(("mode", "percent", "minutes"), each, strict=True)) for each in steps],
            "started": datetime.now(UTC).isoformat(),
            "criteria": QUICK,
        }
        return RolloutPlan.of_event(document | more)

    def start(self, plan: RolloutPlan, name: str = "") -> str:
        """Start a rollout as somebody who may promote; the ARN of its execution."""
        client = self._aws.client("lambda", self._stack.assume("Promote"))
        function = DurableFunction(self._stack.outputs["RolloutFunctionArn"], client=client)
        return function.start(name or plan.id, plan.to_event())

    def execution(self, arn: str) -> dict[str, Any]:
        """What Lambda tells of an execution."""
        found: dict[str, Any] = self._aws.client("lambda").get_durable_execution(DurableExecutionArn=arn)
        return found

    def ended(self, arn: str) -> dict[str, Any]:
        """What an execution came to: its result, which must be one."""
        wait_until(lambda: self.execution(arn)["Status"] != "RUNNING", what=f"{arn} ends")
        found = self.execution(arn)
        assert found["Status"] == "SUCCEEDED", found
        result: dict[str, Any] = json.loads(found["Result"])
        return result

    def record(self, experiment: str) -> Experiment:
        """The record of an experiment that has ended."""
        record = self.experiments.read(experiment)
        assert record is not None, f"{experiment} has no record"
        return record

    def steps_of(self, arn: str) -> list[str]:
        """Names of the steps that an execution has finished, in order."""
        return [event.get("Name", "") for event in self._history(arn) if event["EventType"] == "StepSucceeded"]

    def wait_for_a_look(self, arn: str) -> None:
        """Wait until a rollout has looked at its version once more."""

        def looks() -> int:
            return sum(name.startswith("look") for name in self.steps_of(arn))

        before = looks()
        wait_until(lambda: looks() > before, what="it looks once more")

    def failures_of(self, arn: str) -> list[str]:
        """What attempts of an execution's steps failed with, in order: the type of the error, and its words."""
        failed = [event["StepFailedDetails"]["Error"] for event in self._history(arn) if "StepFailedDetails" in event]
        return [f"{error['Payload']['ErrorType']}: {error['Payload']['ErrorMessage']}" for error in failed]

    def wait_for_refusal(self, arn: str, doing: str) -> None:
        """Wait until a step of an execution lacks the permission for what it does."""
        wait_until(
            lambda: any(f": {doing}" in each and "AccessDenied" in each for each in self.failures_of(arn)),
            what=f"{doing} is refused",
        )

    def _history(self, arn: str) -> list[dict[str, Any]]:
        pages = self._aws.client("lambda").get_paginator("get_durable_execution_history")
        return [event for page in pages.paginate(DurableExecutionArn=arn) for event in page["Events"]]

    def agree(self) -> None:
        """Pointer, challenger, versions and audit agree, and nothing is half done."""
        published = {str(version.reference) for version in self.versions.versions()}
        active = self.pointer.value()
        assert active in published | {NOTHING}
        on_trial = self.on_trial
        assert on_trial is None or self.experiments.read(on_trial.id) is None, f"{on_trial} has ended"
        for experiment in self.experiments.ids():
            record = self.record(experiment)
            assert str(record.challenger) in published
            moves = [move.after for move in self.pointer.history()]
            assert (record.outcome == "promoted") <= (str(record.challenger) in moves), record
        wait_until(self._audited, what="every change is in the audit")

    def _audited(self) -> bool:
        """Whether the audit has the changes that SSM remembers, with their values and callers, each once."""
        entries = [(each.parameter, each.number, each.before, each.after, each.by) for each in self.audit.entries()]
        parameters: tuple[Parameter, ...] = (self.pointer, self.challenger)
        changes = [
            (each.name, change.number, change.before, change.after, change.by)
            for each in parameters
            for change in each.changes()
        ]
        return sorted(entries) == sorted(changes)

    @cached_property
    def _queue(self) -> str:
        sqs, sns = self._aws.client("sqs"), self._aws.client("sns")
        url = str(sqs.create_queue(QueueName="told")["QueueUrl"])
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        sns.subscribe(TopicArn=self._stack.outputs["AlarmTopicArn"], Protocol="sqs", Endpoint=arn)
        return url

    def told(self) -> list[Mapping[str, str]]:
        """What people were told since this was asked last, as `Subject` and `Message`."""
        sqs, found = self._aws.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    @contextmanager
    def tells(self, *words: str) -> Iterator[None]:
        """People are told this, while or soon after."""
        self.told()
        yield
        heard: list[str] = []

        def is_told() -> bool:
            heard.extend(f"{each.get('Subject')} {each['Message']}" for each in self.told())
            return any(all(word in text for word in words) for text in heard)

        wait_until(is_told, what=f"somebody is told {words}")


def prepared(stack: Stack, quick_config: Path) -> Life:
    """The model, of which v1 serves and v2 is published; no alarm fires for what came before."""
    life = Life(stack)
    stack.aws.forget_errors()
    stack.set_variables("RolloutFunction", SKYLIFT_HELD_BACK_SECONDS="1")  # here lines arrive at once
    if 1 not in life.versions.numbers():
        stack.done("Publish", "train")
    if 2 not in life.versions.numbers():
        stack.done("Publish", "train", "--config", quick_config)
    serve(stack, "v1")
    return life


def serve(stack: Stack, version: str) -> None:
    """Have a version active and answering, by going back to it where it was active before."""
    if not stack.pointer.startswith(f"{version}@"):
        earlier = way_back(Life(stack).pointer.history())
        returns = [each.name for each in earlier[-2:-1]] == [version]
        stack.done("Promote", *(["rollback"] if returns else ["promote", version]))
    wait_until(lambda: stack.predict(IRIS_SETOSA).version == version, what=f"{version} serves")


@contextmanager
def traffic(stack: Stack, flower: dict[str, float] = IRIS_SETOSA, *, callers: int = CALLERS) -> Iterator[list[Answer]]:
    """Predictions asked for as fast as they are answered, by some callers at once; what they got."""
    answers: list[Answer] = []
    stop = Event()

    def call() -> None:
        while not stop.is_set():
            answers.append(stack.predict(flower))

    with ThreadPoolExecutor(callers) as pool:
        calling = [pool.submit(call) for _ in range(callers)]
        try:
            yield answers
        finally:
            stop.set()
    for each in calling:
        each.result()


def alarm_event(at: datetime) -> dict[str, Any]:
    """What EventBridge tells of the alarm."""
    state = {"value": "ALARM", "reason": "drill", "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")}
    return {
        "version": "0",
        "id": "drill",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "000000000000",
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "eu-central-1",
        "resources": [f"arn:aws:cloudwatch:eu-central-1:000000000000:alarm:{SERVER_ERRORS}"],
        "detail": {"alarmName": SERVER_ERRORS, "state": state, "previousState": {"value": "OK"}},
    }
