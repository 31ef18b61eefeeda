"""The one place where AWS clients are made and where their errors become Skylift's.

Clients come with short timeouts and bounded retries: a slow S3 or SSM must never cost more than a few seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from skylift.errors import StorageUnavailable

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

_CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 2},
    s3={"addressing_style": "path"},
)
_DENIED = {"AccessDenied", "AccessDeniedException", "ExpiredToken", "InvalidAccessKeyId", "UnrecognizedClientException"}


def s3_client() -> "S3Client":
    """S3 in the region and at the endpoint that the standard environment variables name."""
    with aws_errors("creating the S3 client"):
        return boto3.client("s3", config=_CONFIG)


def ssm_client() -> "SSMClient":
    """SSM, likewise."""
    with aws_errors("creating the SSM client"):
        return boto3.client("ssm", config=_CONFIG)


def cloudformation_client() -> "CloudFormationClient":
    """CloudFormation, likewise."""
    with aws_errors("creating the CloudFormation client"):
        return boto3.client("cloudformation", config=_CONFIG)


def error_code(error: ClientError) -> str:
    """AWS's own code of an error, for example `NoSuchKey`."""
    return error.response.get("Error", {}).get("Code", "")


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn whatever botocore raises inside into `StorageUnavailable`.

    Parameters
    ----------
    doing
        What was tried, for the error: "reading the pointer /skylift/dev/iris/active".

    Raises
    ------
    StorageUnavailable
        AWS did not answer in time, throttled, refused or is not configured.
    """
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        todo = (
            "check the role's policy and credentials"
            if code in _DENIED
            else "try again; see the AWS status page if it stays"
        )
        raise StorageUnavailable(f"{doing} failed ({code or 'no error code'})", todo) from error
    except (NoCredentialsError, NoRegionError) as error:
        raise StorageUnavailable(
            f"{doing} failed ({type(error).__name__})",
            "set AWS_REGION and credentials, or name a profile in AWS_PROFILE",
        ) from error
    except BotoCoreError as error:
        raise StorageUnavailable(
            f"{doing} failed ({type(error).__name__})", "check the network, the region and AWS_ENDPOINT_URL"
        ) from error
