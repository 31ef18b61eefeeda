"""A fleet that asks SSM more often than it answers: it still follows, and whoever moves the pointer succeeds."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from inference import host as host_module
from inference.host import ModelHost
from skylift.registry import Registry
from skylift.served import ServedParameters
from skylift.store import VersionStore
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.commands import done
from tests.support.fakes import Clock
from tests.support.models import compiled_iris_package
from tests.support.ssm_limits import limit_readings
from tests.support.waiting import TIMES_OUT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

ENVIRONMENTS = 20
READINGS_PER_SECOND = 1.0  # the fleet wants a third more, without a try that is refused


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of all, in which the pauses between tries pass at once."""
    made = Clock()
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=made.advance))
    monkeypatch.setattr(host_module, "REQUEST_WAIT_SECONDS", TIMES_OUT)
    monkeypatch.setattr(host_module, "FIRST_WAIT_SECONDS", TIMES_OUT)
    return made


def serves(fleet: list[ModelHost]) -> set[str]:
    """Names of the versions that the fleet answers with."""
    return {host.model.reference.name if host.model else "none" for host in fleet}


def pass_time(fleet: list[ModelHost], clock: Clock, until: Callable[[], bool]) -> None:
    """Let the environments be asked whenever a reading is due, for at most half an hour."""
    end = clock.now + 1800
    while not until():
        assert clock.now < end, serves(fleet)
        host = min(fleet, key=lambda each: each._due)
        clock.now = max(clock.now, host._due)
        asyncio.run(_asked(host))


async def _asked(host: ModelHost) -> None:
    if host.model is None:
        host.start_loading()
        assert host._flight is not None
        await asyncio.wait([asyncio.wrap_future(host._flight)])
    else:
        await host.current()


def test_a_fleet_and_a_rollback_share_a_limit_that_is_too_small_for_both(
    registry: Registry, s3: "S3Client", ssm: "SSMClient", clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for candidate in ("logistic", "tree"):
        package = compiled_iris_package(candidate)
        registry.publish(package.describe, package.artifacts)
    registry.promote("v1")
    limit_readings(monkeypatch, READINGS_PER_SECOND, clock=clock)
    store = VersionStore(BUCKET, MODEL, client=s3)
    parameters = ServedParameters(STAGE, MODEL, client=ssm)
    fleet = [
        ModelHost(parameters, store, refresh_seconds=15, max_instances=10, clock=clock) for _ in range(ENVIRONMENTS)
    ]
    pass_time(fleet, clock, lambda: serves(fleet) == {"v1"})

    assert max(host._policy.interval for host in fleet) > 15  # some were refused

    done("promote", "v2")
    pass_time(fleet, clock, lambda: serves(fleet) == {"v2"})

    done("rollback")
    pass_time(fleet, clock, lambda: serves(fleet) == {"v1"})
