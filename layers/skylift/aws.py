"""The one place where AWS clients are made and where their errors become Skylift's.

Clients come with short timeouts and bounded retries: a slow S3 or SSM must never cost more than a few seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.parsers import ResponseParserError

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
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_NOT_CONFIGURED = (
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)


def s3_client() -> "S3Client":
    """S3 in the region and at the endpoint that the standard environment variables name."""
    with _creating("S3"):
        return boto3.client("s3", config=_CONFIG)


def ssm_client() -> "SSMClient":
    """SSM, likewise."""
    with _creating("SSM"):
        return boto3.client("ssm", config=_CONFIG)


def cloudformation_client() -> "CloudFormationClient":
    """CloudFormation, likewise."""
    with _creating("CloudFormation"):
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
        raise StorageUnavailable(f"{doing} failed ({code or 'no error code'})", _todo(code)) from error
    except _NOT_CONFIGURED as error:
        raise StorageUnavailable(
            f"{doing} failed ({type(error).__name__})",
            "set AWS_DEFAULT_REGION and credentials, or name a profile in AWS_PROFILE",
        ) from error
    except ParamValidationError as error:
        raise StorageUnavailable(
            f"{doing} failed ({type(error).__name__})", "check the names of the bucket, the stage and the model"
        ) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise StorageUnavailable(
            f"{doing} failed ({type(error).__name__})", "check the network, the region and AWS_ENDPOINT_URL"
        ) from error


@contextmanager
def _creating(service: str) -> Iterator[None]:
    doing = f"creating the {service} client"
    with aws_errors(doing):
        try:
            yield
        except ValueError as error:  # botocore's word for an endpoint that is no URL
            raise StorageUnavailable(
                f"{doing} failed ({type(error).__name__})", "check AWS_ENDPOINT_URL and AWS_DEFAULT_REGION"
            ) from error


def _todo(code: str) -> str:
    if code in _DENIED:
        return "check the role's policy and credentials"
    if code == "NoSuchBucket":
        return "check SKYLIFT_BUCKET, or deploy the stack that makes the bucket"
    return "try again; see the AWS status page if it stays"
