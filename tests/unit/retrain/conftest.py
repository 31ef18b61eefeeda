"""Retrainings of iris on AWS's runner, and a bucket of data."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.conftest import BUCKET
from tests.support.retraining import Retrainings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient


@pytest.fixture
def retrainings(s3: "S3Client", ssm: "SSMClient") -> Iterator[Retrainings]:
    with Retrainings(s3, ssm) as retrainings:
        yield retrainings


@pytest.fixture
def put(s3: "S3Client") -> Callable[[str, str], None]:
    """Puts an object below the model's data."""

    def put(name: str, text: str) -> None:
        s3.put_object(Bucket=BUCKET, Key=f"data/iris/{name}", Body=text.encode())

    return put
