"""Retrainings without AWS and without training: a clock that tests move, a function, a job of a few lines."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.lambda_service import InvocationStatus
from aws_durable_execution_sdk_python.types import LambdaContext

from retrain.flow import retrain
from retrain.job import Job
from retrain.snapshot import Snapshots
from retrain.work import Work
from skylift.bucket import Bucket
from skylift.durable import DurableFunction
from skylift.errors import AwsThrottled, AwsUnavailable
from skylift.experiment.store import ExperimentStore
from skylift.notify import Notifier
from skylift.pointer import ActivePointer
from skylift.retraining.outcome import Outcome
from skylift.retraining.start import start
from skylift.retraining.state import Request, Retraining
from skylift.retraining.store import RetrainStore
from skylift.store import VersionStore
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.durable_runner import durable_runner
from tests.support.faults import Killed
from tests.support.manifests import draft, manifest
from tests.support.waiting import TIMES_OUT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 26, 4, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def move(self, time: timedelta) -> None:
        self.time += time


class FakeFunction(DurableFunction):
    """Starts executions in memory, each name once; the answers of some starts are lost, or they fail."""

    def __init__(self) -> None:
        self.arn = "arn:aws:lambda:eu-central-1:123456789012:function:retrain:live"
        self.executions: dict[str, Mapping[str, object]] = {}
        self.starts = 0
        self.fails = False
        self.loses_answers = False
        self.answers: list[tuple[str, str, object]] = []

    def start(self, name: str, payload: Mapping[str, object]) -> str:
        self.starts += 1
        if self.fails:
            raise AwsThrottled("starting failed (TooManyRequestsException)")
        self.executions.setdefault(name, payload)
        if self.loses_answers:
            raise AwsUnavailable("starting failed (ReadTimeoutError)")
        return f"arn:{name}"

    def succeed(self, callback_id: str, payload: object) -> None:
        self.answers.append(("succeed", callback_id, payload))

    def fail(self, callback_id: str, why: str) -> None:
        self.answers.append(("fail", callback_id, why))

    def heartbeat(self, callback_id: str) -> None:
        self.answers.append(("heartbeat", callback_id, None))


def job_of(folder: Path, *lines: str) -> Sequence[str]:
    """A command that runs these lines of Python: they know `told`, `card` and `data`, paths of the options, or None."""
    script = folder / "job.py"
    head = [
        "import os, sys, time, json, pathlib",
        "told, card, data = (pathlib.Path(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else None",
        "                    for name in ('--json', '--card', '--data'))",
    ]
    script.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
    return [sys.executable, str(script)]


class FakeJob(Job):
    """Trains in no time: publishes a version, or is refused, or fails, and counts how often it was run."""

    def __init__(self, store: RetrainStore, versions: VersionStore, snapshots: Snapshots, *, bucket: Bucket) -> None:
        super().__init__(store, versions, snapshots, bucket=bucket)
        self.bucket = bucket
        self.runs = 0
        self.comes_to: Outcome | Exception | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def _run(self, id: str, seconds: float) -> Outcome:  # noqa: A002
        self.runs += 1
        self.meanwhile()
        if isinstance(self.comes_to, Exception):
            raise self.comes_to
        if self.comes_to is not None:
            return self.comes_to
        made, lineage = draft(), manifest().lineage.model_copy(update={"retraining": id})
        now = self._store.now()
        version = self._versions.publish(
            lambda number: made.describe(number).model_copy(update={"lineage": lineage, "created_at": now}),
            made.artifacts,
        )
        return Outcome(outcome="published", model=MODEL, reference=str(version.reference), gates=version.manifest.gates)


class FakeTasks:
    """Starts tasks in memory."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str]] = []
        self.then: Callable[[str, str], object] = lambda _id, _callback: None

    def start(self, id: str, callback: str) -> None:  # noqa: A002
        self.started.append((id, callback))
        self.then(id, callback)


class Told(Notifier):
    """What people were told: subjects and texts."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []

    def send(self, subject: str, text: str) -> None:
        self.messages.append((subject, text))


class Retrainings(AbstractContextManager["Retrainings"]):
    """Retrainings of iris by the function's own code, on AWS's runner with its time skipped.

    Attributes
    ----------
    store, versions, job, tasks, itself, rollouts, told
        What the steps work with.
    invocations
        How often the function ran.
    """

    def __init__(self, s3: "S3Client", ssm: "SSMClient") -> None:
        self.bucket = Bucket(BUCKET, client=s3)
        self._stack = ExitStack()
        self.runner = self._stack.enter_context(durable_runner(self._invoke))
        self.approval_time, self.train_time = timedelta(hours=24), timedelta(hours=2)
        self.store = RetrainStore(self.bucket, MODEL, now=self.now)
        self.versions = VersionStore(BUCKET, MODEL, client=s3)
        self.snapshots = Snapshots(self.bucket, MODEL)
        self.pointer = ActivePointer(STAGE, MODEL, client=ssm)
        self.job = FakeJob(self.store, self.versions, self.snapshots, bucket=self.bucket)
        self.tasks: FakeTasks | None = None
        self.itself, self.rollouts = FakeFunction(), FakeFunction()
        self.has_rollouts, self.asks = True, False
        self.told = Told()
        self.invocations = 0
        self._handler = durable_execution(lambda event, context: retrain(event["id"], self.work(), context))

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def now(self) -> datetime:
        """Time of the runner, which skips what nobody waits for."""
        return self.runner._clock.now()

    def work(self) -> Work:
        """What an environment works with."""
        return Work(
            self.store,
            self.snapshots,
            self.job,
            bucket=self.bucket,
            pointer=self.pointer,
            experiments=ExperimentStore(self.bucket, MODEL),
            itself=self.itself,
            rollout=self.rollouts if self.has_rollouts else None,
            tasks=self.tasks,
            notifier=self.told,
            stage=STAGE,
            train_time=self.train_time,
            approval_time=self.approval_time,
            asks=self.asks,
        )

    def ask(self, id: str = "one", **fields: Any) -> Request:  # noqa: A002
        """Ask for a retraining."""
        request = Request(id=id, **{"reason": "a person asked", "by": "somebody"} | fields)
        start(request, store=self.store, function=self.itself)
        return request

    def begin(self, id: str = "one", name: str = "execution") -> str:  # noqa: A002
        """Begin an execution; its ARN."""
        return self.runner.run_async(json.dumps({"id": id}), execution_timeout=30 * 86_400, execution_name=name)

    def ends(self, arn: str) -> dict[str, Any]:
        """How an execution ends."""
        result = self.runner.wait_for_result(arn, timeout=int(TIMES_OUT))
        assert result.status is InvocationStatus.SUCCEEDED, result.error
        ended: dict[str, Any] = json.loads(result.result or "null")
        return ended

    def run(self, id: str = "one") -> Retraining:  # noqa: A002
        """Run a retraining to its end; its document, with which everything agrees."""
        ended = self.ends(self.begin(id))
        document = self.store.read(id)
        assert ended == {"id": id, "state": document.state}
        self.agree(id)
        return document

    def approval(self, id: str = "one") -> str | None:  # noqa: A002
        """The callback that waits for a person's approval."""
        return ExperimentStore(self.bucket, MODEL).asked(id)

    def agree(self, id: str) -> None:  # noqa: A002
        """Check that document, lock and versions agree."""
        document, lock = self.store.read(id), self.store.lock()
        assert document.has_ended
        assert document.ended is not None
        assert lock is None or lock.holder != id
        made = [version.reference for version in self.versions.versions() if version.manifest.lineage.retraining == id]
        assert [str(reference) for reference in made] == [
            reference for reference in [document.versions.published] if reference
        ]
        if document.state == "succeeded":
            assert made
            assert document.problem is None
        else:
            assert document.problem is not None

    def _invoke(self, event: Any, context: LambdaContext) -> Any:
        """One invocation; a process that is killed is one that Lambda lost."""
        self.invocations += 1
        try:
            return self._handler(event, context)
        except Killed as killed:
            raise RuntimeError("the process was killed") from killed
