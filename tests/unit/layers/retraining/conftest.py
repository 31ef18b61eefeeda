"""Retrainings in a bucket in memory, at a time that tests set."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from skylift.bucket import Bucket
from skylift.retraining.store import RetrainStore
from tests.conftest import BUCKET, MODEL

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 26, 4, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def move(self, time: timedelta) -> None:
        self.time += time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(s3: "S3Client", clock: Clock) -> RetrainStore:
    return RetrainStore(Bucket(BUCKET, client=s3), MODEL, now=clock)
