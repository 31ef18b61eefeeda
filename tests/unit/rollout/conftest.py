"""A champion, a version to roll out, and the function's own code on AWS's runner."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from skylift.references import Reference
from skylift.registry import Registry
from tests.support.models import compiled_iris_package
from tests.support.rollouts import Rollouts
from tests.support.stored import placed, promoted

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient


@pytest.fixture
def v1(aws: None) -> Reference:
    """The champion."""
    return promoted(compiled_iris_package())


@pytest.fixture
def v2(v1: Reference) -> Reference:
    """A version that may serve."""
    return placed(compiled_iris_package())


@pytest.fixture
def rollouts(registry: Registry, s3: "S3Client", ssm: "SSMClient", v2: Reference) -> Iterator[Rollouts]:
    """Rollouts of iris."""
    with Rollouts(registry, s3, ssm) as rollouts:
        yield rollouts
