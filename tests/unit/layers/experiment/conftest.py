"""Experiments of iris: a champion, a version that may be put on trial, and what can be done with it."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from skylift.bucket import Bucket
from skylift.experiment.parameter import ChallengerParameter
from skylift.experiment.store import ExperimentStore
from skylift.experiment.trials import Trials
from skylift.references import Reference
from skylift.registry import Registry
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.models import iris_package
from tests.support.stored import placed, promoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

START = datetime(2026, 11, 26, 2, tzinfo=UTC)


@pytest.fixture
def v1(aws: None) -> Reference:
    """The champion."""
    return promoted(iris_package())


@pytest.fixture
def v2(v1: Reference) -> Reference:
    """A version that may serve."""
    return placed(iris_package())


@pytest.fixture
def parameter(ssm: "SSMClient") -> ChallengerParameter:
    """The challenger of iris."""
    return ChallengerParameter(STAGE, MODEL, client=ssm)


@pytest.fixture
def experiments(s3: "S3Client") -> ExperimentStore:
    """The experiments of iris."""
    return ExperimentStore(Bucket(BUCKET, client=s3), MODEL)


@pytest.fixture
def trials(registry: Registry, parameter: ChallengerParameter, experiments: ExperimentStore) -> Trials:
    """What can be done, by a clock that goes a minute each time somebody looks."""
    times: Iterator[datetime] = (START + timedelta(minutes=minutes) for minutes in range(10_000))
    return Trials(registry, parameter, experiments, tool="a test", clock=lambda: next(times))
