"""A rollout on AWS's own runner with its time skipped: real parameters and records in moto, and traffic made up."""

import json
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.types import LambdaContext
from aws_durable_execution_sdk_python_testing import DurableFunctionTestResult

from rollout.handler import run
from rollout.work import Work
from skylift.bucket import Bucket
from skylift.experiment.counters import Arm, Counters, Pairs, difference_bin
from skylift.experiment.parameter import ChallengerParameter
from skylift.experiment.record import Look, StepCounts
from skylift.experiment.store import ExperimentStore
from skylift.experiment.trials import Trials
from skylift.notify import Notifier
from skylift.references import Reference
from skylift.registry import Registry
from skylift.rollout import DEFAULT_STEPS, RolloutPlan, Step, execution_name
from skylift.served import ServedParameters
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.durable_runner import durable_runner
from tests.support.faults import Killed
from tests.support.waiting import TIMES_OUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient


@dataclass
class Traffic:
    """Requests that come evenly, and what either side makes of them.

    Parameters
    ----------
    per_minute
        Requests of a minute.
    errors
        Share that the challenger fails.
    slower_ms
        Milliseconds that it takes longer.
    held_back
        Time for which lines may still arrive.
    failure, failures
        What counting raises instead, and how often.
    """

    served: ServedParameters
    per_minute: float = 600
    errors: float = 0
    slower_ms: float = 0.1
    held_back: timedelta = timedelta(0)
    failure: BaseException | None = None
    failures: float = math.inf
    counted: list[tuple[datetime, datetime]] = field(default_factory=list)
    due: Callable[[], object] = lambda: False
    act: Callable[[], object] = lambda: None

    def at(self, look: int, act: Callable[[], object]) -> None:
        """Let something happen while a look counts."""
        self.when(lambda: len(self.counted) == look, act)

    def when(self, due: Callable[[], object], act: Callable[[], object]) -> None:
        """Let something happen during the first look at which it is due."""
        self.due, self.act = due, act

    def count(self, experiment: str, start: datetime, end: datetime) -> Look:
        """What came in a span, all by the share that holds at its end."""
        if self.failure and self.failures > 0:
            self.failures -= 1
            raise self.failure
        challenger = self.served.read().challenger
        assert challenger is not None
        assert challenger.id == experiment
        self.counted.append((start, end))
        if self.due():
            self.due = lambda: False
            self.act()
        requests = round(self.per_minute * (end - start).total_seconds() / 60)
        ours = round(requests * challenger.percent / 100)
        if not requests:
            return Look(start=start, end=end)
        failed = round(ours * self.errors)
        shadow = challenger.mode == "shadow"
        bins = {difference_bin(self.slower_ms): ours - failed} if ours > failed else {}
        counters = Counters(
            Arm(ours, failed),
            Arm(ours if shadow else requests - ours),
            Pairs(rows=ours - failed, differences=bins) if shadow else Pairs(),
        )
        step = StepCounts(mode=challenger.mode, percent=challenger.percent, counters=counters)
        return Look(start=start, end=end, steps=(step,))


class Told(Notifier):
    """What people were told: subjects and texts."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.failure: BaseException | None = None
        self.failures = 1

    def send(self, subject: str, text: str) -> None:
        if self.failure and self.failures > 0:
            self.failures -= 1
            raise self.failure
        self.messages.append((subject, text))


class Rollouts(AbstractContextManager["Rollouts"]):
    """Rollouts of iris by the function's own code.

    Attributes
    ----------
    traffic, told, alarms
        What comes, what people were told, and which alarms fire.
    invocations
        How often the function ran.
    """

    def __init__(self, registry: Registry, s3: "S3Client", ssm: "SSMClient", *, invocation_timeout: int = 900) -> None:
        bucket = Bucket(BUCKET, client=s3)
        self.registry = registry
        self.parameter = ChallengerParameter(STAGE, MODEL, client=ssm)
        self.store = ExperimentStore(bucket, MODEL)
        self.served = ServedParameters(STAGE, MODEL, client=ssm)
        self.traffic = Traffic(self.served)
        self.told = Told()
        self.alarms: Sequence[str] = []
        self.invocations = 0
        self._stack = ExitStack()
        self.runner = self._stack.enter_context(durable_runner(self._invoke, invocation_timeout=invocation_timeout))
        self._s3 = s3
        self._handler = durable_execution(self._run)
        self.work = self.fresh_work()

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def now(self) -> datetime:
        """Time of the runner, which skips what nobody waits for."""
        return self.runner._clock.now()

    def trials(self, tool: str = "the rollout") -> Trials:
        """Experiments of iris, in somebody's hands."""
        return Trials(self.registry, self.parameter, self.store, tool=tool, clock=self.now)

    def spoil(self, reference: Reference) -> None:
        """Change a byte of a version's model."""
        self._s3.put_object(Bucket=BUCKET, Key=f"models/{MODEL}/{reference.name}/model.onnx", Body=b"spoiled")

    def fresh_work(self) -> Work:
        """What a new environment works with."""
        return Work(
            self.trials(),
            self.store,
            self.served,
            count=self.traffic.count,
            held_back=self.traffic.held_back,
            alarms=lambda: self.alarms,
            notifier=self.told,
            stage=STAGE,
            clock=self.now,
        )

    def start(self, event: dict[str, Any], *, name: str = "a rollout") -> str:
        """Start an execution; its ARN."""
        return self.runner.run_async(json.dumps(event), execution_timeout=30 * 86_400, execution_name=name)

    def run(self, event: dict[str, Any]) -> DurableFunctionTestResult:
        """Run an execution to its end."""
        return self.ends(self.start(event))

    def ends(self, arn: str) -> DurableFunctionTestResult:
        """Wait for the end of an execution."""
        return self.runner.wait_for_result(arn, timeout=int(TIMES_OUT))

    def _invoke(self, event: Any, context: LambdaContext) -> Any:
        """One invocation; a process that is killed is one that Lambda lost."""
        self.invocations += 1
        try:
            return self._handler(event, context)
        except Killed as killed:
            self.work = self.fresh_work()
            raise RuntimeError("the process was killed") from killed

    def _run(self, event: dict[str, Any], context: DurableContext) -> Any:
        return run(event, self.work, context)


def plan_of(reference: Reference, *steps: Step, **changes: Any) -> dict[str, Any]:
    """Event of a rollout of some steps."""
    plan = RolloutPlan(
        id=execution_name(MODEL, reference, 0),
        version=reference.name,
        reference=reference,
        by="arn:aws:iam::123456789012:user/anna",
        started=datetime(2026, 11, 26, 10, tzinfo=UTC),
        steps=steps or DEFAULT_STEPS,
    )
    return plan.to_event() | changes
