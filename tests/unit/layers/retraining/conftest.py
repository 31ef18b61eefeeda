"""Retrainings in a bucket in memory, at a time that tests set."""

from typing import TYPE_CHECKING

import pytest

from skylift.bucket import Bucket
from skylift.retraining.store import RetrainStore
from tests.conftest import BUCKET, MODEL
from tests.support.retraining import Clock

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(s3: "S3Client", clock: Clock) -> RetrainStore:
    return RetrainStore(Bucket(BUCKET, client=s3), MODEL, now=clock)
