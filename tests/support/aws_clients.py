"""Clients of S3 and SSM that tests share: making one costs more than most tests."""

from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import boto3
import pytest

from skylift.aws import s3_client, ssm_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

REGION: Literal["eu-central-1"] = "eu-central-1"
_ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}


class Clients(NamedTuple):
    """One side's clients: hooks into them, `tests.support.faults`, leave the other side's alone."""

    s3: "S3Client"
    ssm: "SSMClient"


@cache
def shared_clients(side: Literal["operator", "service"]) -> Clients:
    """The product's clients, whatever the environment of the first test that asks for them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        for name, value in _ENVIRONMENT.items():
            patch.setenv(name, value)
        return Clients(s3_client(), ssm_client())


@cache
def every_operation() -> "S3Client":
    """S3 with the operations that the product's client leaves out, such as deleting."""
    return boto3.client("s3", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")


def create_bucket(name: str) -> None:
    """Create a bucket in the region of the clients."""
    shared_clients("operator").s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
