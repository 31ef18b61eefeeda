"""The one place where AWS clients are made and where their errors become Skylift's.

Clients come with short timeouts, bounded retries and an end of answers that trickle: a slow S3 or SSM must never cost
more than a few seconds, or twice the grace of `skylift.pace`. They are botocore's: boto3 adds resources and transfers,
which nothing here uses, and a twentieth of a second to each start.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    LoginError,
    NoAuthTokenError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.loaders import Loader
from botocore.parsers import ResponseParserError
from botocore.session import Session
from urllib3.exceptions import HTTPError

from skylift.errors import AwsRefused, AwsThrottled, AwsUnavailable
from skylift.pace import hold_to_pace

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_codedeploy import CodeDeployClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

_CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 2},
    s3={"addressing_style": "path"},
)
_CUT_DOWN = Path(__file__).parent / "botocore_data"  # made by tools/botocore_data.py
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "KMSAccessDeniedException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException"}
_THROTTLED = {
    "RequestLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_PATIENT_ATTEMPTS = 10
_LONGEST_PAUSE_SECONDS = 8.0
_WRONG_TIME = {"RequestExpired", "RequestTimeTooSkewed"}
_NOT_CONFIGURED = (
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
_LOGGED_OUT = (LoginError, NoAuthTokenError, SSOError, TokenRetrievalError)


def s3_client() -> "S3Client":
    """S3 in the region and at the endpoint that the standard environment variables name.

    The client has the operations that `tools/botocore_data.py` lists, and no others; so has SSM's.
    """
    return cast("S3Client", _client("s3", "S3"))


def ssm_client(*, patient: bool = False) -> "SSMClient":
    """SSM; see `s3_client`.

    Parameters
    ----------
    patient
        Whether to try ten times, within a minute, when SSM throttles: a fleet of environments shares its limit with
        the person who moves the pointer, and must not keep a rollback from happening.
    """
    client = cast("SSMClient", _client("ssm", "SSM"))
    if patient:
        client.meta.events.register("needs-retry.ssm", cast("Callable[..., None]", _pause_when_throttled))
    return client


def cloudformation_client() -> "CloudFormationClient":
    """CloudFormation; see `s3_client`."""
    return cast("CloudFormationClient", _client("cloudformation", "CloudFormation"))


def lambda_client(*, answer_seconds: float = 3) -> "LambdaClient":
    """Lambda; see `s3_client`. A function takes longer to answer than a service of AWS.

    Parameters
    ----------
    answer_seconds
        Seconds to wait for a function's answer; tried three times if Lambda throttles or does not answer. The default
        is for calls that Lambda itself answers.
    """
    patient = Config(read_timeout=answer_seconds, retries={"mode": "standard", "total_max_attempts": 3})
    return cast("LambdaClient", _client("lambda", "Lambda", _CONFIG.merge(patient)))


def kms_client(region: str) -> Any:
    """KMS in a region, that of the key; see `s3_client`."""
    return _client("kms", "KMS", region=region)


def logs_client(*, patient: bool = False) -> Any:
    """CloudWatch Logs; see `s3_client`.

    Parameters
    ----------
    patient
        Whether to try ten times, within a minute, when CloudWatch throttles: an account has a few reads a second.
    """
    client = _client("logs", "CloudWatch Logs")
    if patient:
        client.meta.events.register("needs-retry.cloudwatch-logs", _pause_when_throttled)
    return client


def codedeploy_client() -> "CodeDeployClient":
    """CodeDeploy; see `s3_client`."""
    return cast("CodeDeployClient", _client("codedeploy", "CodeDeploy"))


def ecr_client() -> "ECRClient":
    """ECR; see `s3_client`."""
    return cast("ECRClient", _client("ecr", "ECR"))


def cloudwatch_client() -> Any:
    """CloudWatch; see `s3_client`."""
    return _client("cloudwatch", "CloudWatch")


def ecs_client() -> Any:
    """ECS; see `s3_client`."""
    return _client("ecs", "ECS")


def states_client() -> Any:
    """Step Functions; see `s3_client`."""
    return _client("stepfunctions", "Step Functions")


def sns_client() -> Any:
    """SNS; see `s3_client`."""
    return _client("sns", "SNS")


def sts_client() -> "STSClient":
    """STS; see `s3_client`."""
    return cast("STSClient", _client("sts", "STS"))


def error_code(error: ClientError) -> str:
    """AWS's own code of an error, for example `NoSuchKey`."""
    return error.response.get("Error", {}).get("Code", "")


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn whatever botocore, or urllib3 below it, raises inside into `AwsUnavailable`.

    Parameters
    ----------
    doing
        Attempted action, for the error: "reading the pointer /skylift/dev/iris/active".

    Raises
    ------
    AwsThrottled
        AWS throttled.
    AwsRefused
        AWS does not allow it.
    AwsUnavailable
        AWS did not answer in time, failed or is not configured.
    """
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        kind = AwsThrottled if code in _THROTTLED else AwsRefused if code in _DENIED else AwsUnavailable
        raise kind(f"{doing} failed ({code or 'no error code'})", _hint(code)) from error
    except _NOT_CONFIGURED as error:
        raise AwsUnavailable(
            f"{doing} failed ({type(error).__name__})",
            "set AWS_DEFAULT_REGION and credentials, or name a profile in AWS_PROFILE",
        ) from error
    except _LOGGED_OUT as error:
        command = "aws login" if isinstance(error, LoginError) else "aws sso login"
        raise AwsUnavailable(
            f"{doing} failed ({type(error).__name__})", f"log in again: {_with_profile(command)}"
        ) from error
    except ParamValidationError as error:
        raise AwsUnavailable(
            f"{doing} failed ({type(error).__name__})", "check the names of the bucket, the stage and the model"
        ) from error
    except (BotoCoreError, ResponseParserError, HTTPError) as error:
        raise AwsUnavailable(
            f"{doing} failed ({type(error).__name__})", "check the network, the region and AWS_ENDPOINT_URL"
        ) from error


def _pause_when_throttled(
    response: tuple[object, dict[str, Any]] | None, attempts: int, **_event: object
) -> float | None:
    """Seconds to wait before the next attempt, or None: a handler of botocore's event `needs-retry`."""
    code = response[1].get("Error", {}).get("Code") if response else None
    if code not in _THROTTLED or attempts >= _PATIENT_ATTEMPTS:
        return None
    return min(2.0 ** (attempts - 2), _LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1)  # noqa: S311 (spreads load)


def _client(name: str, service: str, config: Config = _CONFIG, *, region: str | None = None) -> Any:
    doing = f"creating the {service} client"
    with aws_errors(doing):
        try:
            session = Session()
            session.register_component("data_loader", _loader())
            client = session.create_client(name, region_name=region, config=config)
        except ValueError as error:  # botocore, for an endpoint that is not a URL
            raise AwsUnavailable(
                f"{doing} failed ({type(error).__name__})", "check AWS_ENDPOINT_URL and AWS_DEFAULT_REGION"
            ) from error
    hold_to_pace(client)
    return client


@cache
def _loader() -> Loader:
    """Reader of the descriptions of services and endpoints; those cut down to what is called here come first."""
    return Loader(extra_search_paths=[str(_CUT_DOWN)])


def _with_profile(command: str) -> str:
    """A command of the AWS CLI for the profile that is used."""
    profile = Session().profile
    return f"{command} --profile {profile}" if profile else command


def _hint(code: str) -> str:
    if code in _DENIED:
        return "check the role's policy and credentials"
    if code in _EXPIRED:
        return (
            f"the credentials have expired: get new ones, where they come from SSO by {_with_profile('aws sso login')}"
        )
    if code in _WRONG_TIME:
        return "check the clock of this machine"
    if code == "NoSuchBucket":
        return "check SKYLIFT_BUCKET, or deploy the stack that makes the bucket"
    return "try again; see the AWS status page if it stays"
