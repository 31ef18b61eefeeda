"""Lambda events: whatever is sent is answered, in one line, and nothing is raised."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from inference.access_log import AccessLog
from skylift.http.events import Adapter
from skylift.observability import logger
from tests.support.asgi_client import PROBLEM
from tests.support.events import LambdaContext, alb_event, function_url_event, http_api_event, invoke, rest_api_event
from tests.support.fakes import CurrentStdout, HostHarness

SECRET = "4111 1111 1111 1111"

NOT_HTTP: dict[str, Any] = {
    "a warmer": {},
    "nothing": None,
    "a text": SECRET,
    "a text with names": "version resource requestContext",
    "a number": 7,
    "a list": [{"requestContext": {}, "version": "2.0"}],
    "a schedule": {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
    "a queue": {"Records": [{"eventSource": "aws:sqs", "body": SECRET}]},
    "no records": {"Records": []},
    "records of no kind": {"Records": 7},
    "an object": {"Records": [{"eventSource": "aws:s3", "s3": {}}]},
    "half of CloudFront": {"Records": [{"cf": {}}]},
    "a body alone": {"instances": [{"x": SECRET}]},
}

type Change = Callable[[dict[str, Any]], object]


def without(*path: str) -> Change:
    def change(event: dict[str, Any]) -> None:
        *outer, last = path
        for name in outer:
            event = event[name]
        event.pop(last, None)

    return change


def holding(value: object, *path: str) -> Change:
    def change(event: dict[str, Any]) -> None:
        *outer, last = path
        for name in outer:
            event = event[name]
        event[last] = value

    return change


BROKEN: dict[str, tuple[dict[str, Any], Change]] = {
    "bad base64": (function_url_event("POST", "/predict", "{}"), holding("abcde", "body")),
    "base64 of no ASCII": (function_url_event("POST", "/predict", "{}"), holding("größe", "body")),
    "a number as body": (http_api_event("POST", "/predict"), holding(7, "body")),
    "an object as body": (http_api_event("POST", "/predict"), holding({"x": SECRET}, "body")),
    "half a surrogate pair in the body": (http_api_event("POST", "/predict"), holding('"\ud800"', "body")),
    "half a surrogate pair in the path": (http_api_event("GET", "/\ud800"), lambda _: None),
    "half a surrogate pair in a header": (http_api_event("GET", "/"), holding("\udfff", "headers", "x")),
    "a null header": (http_api_event("GET", "/"), holding(None, "headers", "x")),
    "a number as header": (rest_api_event("GET", "/"), holding([7], "multiValueHeaders", "x")),
    "no headers of a load balancer": (alb_event("GET", "/"), without("headers")),
    "null headers of a load balancer": (alb_event("GET", "/"), holding(None, "multiValueHeaders")),
    "no http": (http_api_event("GET", "/"), without("requestContext", "http")),
    "no method": (http_api_event("GET", "/"), without("requestContext", "http", "method")),
    "a null method": (http_api_event("GET", "/"), holding(None, "requestContext", "http", "method")),
    "a null query": (http_api_event("GET", "/"), holding(None, "rawQueryString")),
    "no method of a load balancer": (alb_event("GET", "/"), without("httpMethod")),
    "a null context": (http_api_event("GET", "/"), holding(None, "requestContext")),
    "a list as context": (http_api_event("GET", "/"), holding(["http"], "requestContext")),
    "a context alone": ({"requestContext": {"connectionId": "abc", "routeKey": "$connect"}}, lambda _: None),
    "a method alone": ({"httpMethod": "GET"}, lambda _: None),
}


@pytest.fixture(autouse=True)
def _logs_to_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pytest capture what the logger writes."""
    monkeypatch.setattr(logger.registered_handler, "stream", CurrentStdout())


@pytest.fixture(scope="module")
def handler() -> Adapter:
    """An adapter of an application that tells what it was asked."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"].decode()
        answer = json.dumps({"path": scope["path"], "body": body}).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    loop = asyncio.new_event_loop()  # as the runtime has one where Mangum asks for it
    asyncio.set_event_loop(loop)
    try:
        return Adapter(AccessLog(app, HostHarness().host, stage="dev", model="iris"), lifespan="off")
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def the_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    captured = capsys.readouterr()
    assert SECRET not in captured.out + captured.err
    (line,) = captured.out.splitlines()
    return dict(json.loads(line))


@pytest.mark.parametrize("event", NOT_HTTP.values(), ids=NOT_HTTP)
def test_what_is_not_http_is_answered_with_the_health_of_the_service(
    handler: Adapter, capsys: pytest.CaptureFixture[str], event: Any
) -> None:
    assert invoke(handler, event) == {"path": "/health", "body": ""}

    line = the_line(capsys)
    assert (line["level"], line["status"], line["path"]) == ("INFO", 200, "/health")
    assert line["correlation_id"] == "lambda-request-1"


@pytest.mark.parametrize(("event", "change"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_as_http_is_a_problem(
    handler: Adapter, capsys: pytest.CaptureFixture[str], event: dict[str, Any], change: Change
) -> None:
    event = json.loads(json.dumps(event))
    change(event)

    answer = invoke(handler, event)

    assert (answer["statusCode"], answer["headers"]["content-type"]) == (400, PROBLEM)
    document = json.loads(answer["body"])
    assert (document["status"], document["type"]) == (400, "urn:skylift:problem:broken-request")
    line = the_line(capsys)
    assert (line["level"], line["status"], line["reason"]) == ("INFO", 400, "broken-request")
    assert line["correlation_id"] == document["request_id"] == answer["headers"]["x-request-id"] == "lambda-request-1"


@pytest.mark.parametrize("make", [http_api_event, function_url_event, rest_api_event, alb_event])
def test_a_request_is_handed_on(handler: Adapter, make: Callable[..., dict[str, Any]]) -> None:
    answer = invoke(handler, make("POST", "/predict", "{}"))

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"path": "/predict", "body": "{}"}


def test_without_a_context_an_event_has_an_id_of_its_own(handler: Adapter, capsys: pytest.CaptureFixture[str]) -> None:
    handler({"requestContext": None}, None)

    assert the_line(capsys)["correlation_id"] != LambdaContext().aws_request_id
