"""Iris with three versions, of which the second was promoted just now; its topic, and what an alarm leads to."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from auto_rollback.settings import AutoRollbackSettings
from auto_rollback.undoing import Undoing
from skylift.bucket import Bucket
from skylift.experiment.parameter import ChallengerParameter
from skylift.experiment.store import ExperimentStore
from skylift.experiment.trials import Trials
from skylift.going_back import Alarm
from skylift.notify import Notifier
from skylift.pointer import ActivePointer
from skylift.references import Reference
from skylift.registry import Registry
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.manifests import draft
from tests.support.stored import placed
from tests.support.topics import create_topic, shared_sns

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

ALIAS = "arn:aws:lambda:eu-central-1:123456789012:function:skylift-dev-InferenceFunction:live"


class Lambda:
    """Lambda, as far as aliases go.

    Attributes
    ----------
    weights
        Shares of the traffic by further versions of the code.
    asked
        Function and alias of each call.
    """

    def __init__(self) -> None:
        self.weights: dict[str, float] = {}
        self.asked: list[tuple[str, str]] = []

    def get_alias(self, **arguments: str) -> dict[str, Any]:
        self.asked.append((arguments["FunctionName"], arguments["Name"]))
        routing = {"RoutingConfig": {"AdditionalVersionWeights": self.weights}} if self.weights else {}
        return {"FunctionVersion": "1", **routing}


@pytest.fixture
def versions(aws: None) -> list[Reference]:
    """v1, v2 and v3."""
    return [placed(draft(f"model {number}".encode())) for number in (1, 2, 3)]


@pytest.fixture
def promoted(pointer: ActivePointer, versions: list[Reference]) -> list[Reference]:
    """v1, then v2 were promoted just now."""
    for version in versions[:2]:
        pointer.move(version, tool="skylift promote")
    return versions


@pytest.fixture
def topic(aws: None) -> str:
    """ARN of the topic."""
    return create_topic()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, topic: str) -> AutoRollbackSettings:
    """Settings as the stack sets them."""
    monkeypatch.setenv("SKYLIFT_ALARM_PREFIX", "skylift-dev-")
    monkeypatch.setenv("SKYLIFT_TOPIC_ARN", topic)
    monkeypatch.setenv("SKYLIFT_INFERENCE_FUNCTION", ALIAS)
    return AutoRollbackSettings()


@pytest.fixture
def lambdas() -> Lambda:
    """Lambda, where no deployment is under way."""
    return Lambda()


@pytest.fixture
def trials(registry: Registry, s3: "S3Client", ssm: "SSMClient") -> Trials:
    """The experiments of iris."""
    store = ExperimentStore(Bucket(BUCKET, client=s3), MODEL)
    return Trials(registry, ChallengerParameter(STAGE, MODEL, client=ssm), store, tool="auto-rollback")


@pytest.fixture
def undoing(
    settings: AutoRollbackSettings,
    pointer: ActivePointer,
    registry: Registry,
    trials: Trials,
    s3: "S3Client",
    lambdas: Any,
) -> Undoing:
    """What an alarm leads to."""
    notifier = Notifier(settings.topic_arn, client=shared_sns())
    return Undoing(settings, pointer, registry, trials, notifier, Bucket(BUCKET, client=s3), client=lambdas)


@pytest.fixture
def alarm() -> Callable[..., Alarm]:
    """Makes alarms that fire in a minute: after any promotion of the test."""

    def make(name: str = "server-errors", *, after: timedelta = timedelta(minutes=1)) -> Alarm:
        return Alarm(name, datetime.now(UTC).replace(microsecond=0) + after, "Threshold Crossed")

    return make
