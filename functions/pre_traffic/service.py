"""A version of the service's function, asked as API Gateway would ask it."""

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from skylift.aws import aws_errors
from skylift.challenger import VARIANT_HEADER
from skylift.errors import CodeRefused

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

USER_AGENT = "skylift-pre-traffic"
"""Marks these requests in logs and prediction records: no client sent them."""


@dataclass(frozen=True, slots=True)
class FunctionAnswer:
    """What the service answered.

    Parameters
    ----------
    status
        HTTP status.
    document
        Parsed JSON body.
    """

    status: int
    document: dict[str, Any]


class NewService:
    """The new version, called past the alias.

    Parameters
    ----------
    function
        ARN of the version.
    client
        Lambda client.
    """

    def __init__(self, function: str, *, client: "LambdaClient") -> None:
        self._function = function
        self._client = client

    def ask(self, method: str, path: str, body: object = None) -> FunctionAnswer:
        """Send a request and return its answer.

        Raises
        ------
        AwsUnavailable
            Lambda throttled, refused or did not answer in time, in every attempt.
        CodeRefused
            The function failed, or answered with something other than an HTTP response with a JSON object.
        """
        doing = f"{method} {path}"
        with aws_errors(f"asking the new version for {doing}"):
            response = self._client.invoke(FunctionName=self._function, Payload=to_json(_event(method, path, body)))
            payload = response["Payload"].read()
        if kind := response.get("FunctionError"):
            raise CodeRefused(f"the new version fails at {doing} ({kind}: {_error_type(payload)})", "see its logs")
        try:
            answer = from_json(payload)
            return FunctionAnswer(int(answer["statusCode"]), dict(from_json(answer["body"])))
        except (KeyError, TypeError, ValueError) as error:
            raise CodeRefused(
                f"the new version's answer to {doing} is not an HTTP response with a JSON object", "see its logs"
            ) from error


def _event(method: str, path: str, body: object) -> dict[str, Any]:
    """An event of an HTTP API, payload format 2.0."""
    host = "pre-traffic.invalid"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "content-type": "application/json",
            "host": host,
            "user-agent": USER_AGENT,
            VARIANT_HEADER: "champion",  # the answers expected here are the active version's
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "pre-traffic",
            "domainName": host,
            "domainPrefix": "pre-traffic",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": USER_AGENT,
            },
            "requestId": f"pre-traffic-{uuid.uuid4()}",
            "routeKey": "$default",
            "stage": "$default",
        },
        **({} if body is None else {"body": json.dumps(body)}),
        "isBase64Encoded": False,
    }


def _error_type(payload: bytes) -> str:
    """The class of a function's failure, without its message, which may hold what no log should."""
    try:
        return str(from_json(payload)["errorType"])[:100]
    except (KeyError, TypeError, ValueError):
        return "unknown"
