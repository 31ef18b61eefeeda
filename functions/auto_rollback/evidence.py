"""What else an alarm may be about than the last promotion: new code, or an earlier version."""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from skylift.aws import aws_errors
from skylift.bucket import Bucket

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

STOPS_CODE = frozenset({"server-errors", "latency", "model-load-failures"})
"""Alarms that also stop a deployment of code, and restore the old code."""

OF_REPORTS = frozenset({"live-accuracy"})
"""Alarms about the version of the latest report, which may have been active before."""

_MAX_REPORT_BYTES = 16 * 2**20


class _Report(BaseModel):
    version: str


def is_deploying(alias_arn: str, *, client: "LambdaClient") -> bool:
    """Whether new code takes a part of the traffic.

    Parameters
    ----------
    alias_arn
        ARN of a function with its alias.

    Raises
    ------
    AwsUnavailable
        Lambda failed.
    """
    function, _, alias = alias_arn.rpartition(":")
    with aws_errors(f"reading the alias {alias_arn}"):
        answer = client.get_alias(FunctionName=function, Name=alias)
    return bool(answer.get("RoutingConfig", {}).get("AdditionalVersionWeights"))


def reported_version(bucket: Bucket, model: str) -> str | None:
    """Name of the version that the latest report judges; None if no report can be read.

    Raises
    ------
    AwsUnavailable
        S3 failed.
    """
    data = bucket.read(f"reports/{model}/latest.json", limit=_MAX_REPORT_BYTES)
    try:
        return _Report.model_validate_json(data or b"").version
    except ValidationError:
        return None
