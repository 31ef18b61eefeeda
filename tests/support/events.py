"""Lambda events as gateways, function URLs and load balancers send them, and handlers invoked with them."""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skylift.http.gateways import lambda_handler
from tests.support.asgi_client import JSON_HEADERS


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What the Lambda runtime gives a handler, as far as the service reads it."""

    aws_request_id: str = "lambda-request-1"
    function_name: str = "inference"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:inference:live"


def http_api_event(
    method: str, path: str, body: str | None = None, *, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """API Gateway HTTP API, payload 2.0; function URLs send the same."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "api.test", **JSON_HEADERS, **(headers or {})},
        "requestContext": {
            "requestId": "http-api-request-1",
            "stage": "$default",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
        },
        "body": body,
        "isBase64Encoded": False,
    }


def function_url_event(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    """Lambda function URL, with the body in base64."""
    event = http_api_event(method, path)
    event["requestContext"]["requestId"] = "function-url-request-1"
    event["requestContext"]["domainName"] = "abc.lambda-url.eu-central-1.on.aws"
    if body is not None:
        event |= {"body": base64.b64encode(body.encode()).decode(), "isBase64Encoded": True}
    return event


def rest_api_event(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    """API Gateway REST API, payload 1.0."""
    return {
        "version": "1.0",
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Host": "api.test", "Content-Type": "application/json"},
        "multiValueHeaders": {"Host": ["api.test"], "Content-Type": ["application/json"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {
            "requestId": "rest-api-request-1",
            "stage": "prod",
            "identity": {"sourceIp": "192.0.2.1"},
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
        },
        "body": body,
        "isBase64Encoded": False,
    }


def alb_event(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    """Application load balancer."""
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/a/1"}},
        "httpMethod": method,
        "path": path,
        "queryStringParameters": {},
        "headers": {"host": "alb.test", "content-type": "application/json", "x-forwarded-for": "192.0.2.1"},
        "body": body or "",
        "isBase64Encoded": False,
    }


def handler_of(app: Any) -> Any:
    """The Lambda handler of an application, made as the runtime does it: with an event loop that does not run."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return lambda_handler(app)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def invoke(handler: Any, event: Any) -> dict[str, Any]:
    """Invoke a Lambda handler as the runtime does: from a thread with an event loop but none running."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        response: dict[str, Any] = handler(event, LambdaContext())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return response


def body_of(response: Mapping[str, Any]) -> Any:
    """The document in a Lambda response."""
    assert not response["isBase64Encoded"], "JSON goes out as text"
    return json.loads(response["body"])
