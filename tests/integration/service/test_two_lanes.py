"""`/predict` by the fast lane and by FastAPI's route: the same status, the same headers, the same bytes."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from inference.app import App
from inference.routes import create_routes
from inference.settings import InferenceSettings
from skylift.http.body import MAX_BODY_BYTES
from tests.support.asgi_client import HttpClient
from tests.support.bad_bodies import BAD_BODIES, with_changes, with_literal
from tests.support.fakes import FailingPredictor, HostHarness
from tests.support.models import IRIS_SETOSA, iris_package

SETTINGS = InferenceSettings(bucket="models", model="iris")
JSON_TYPE = {"content-type": "application/json"}
HEADERS = ("content-type", "content-length", "allow", "retry-after", "x-model-version")

ONE = json.dumps(IRIS_SETOSA)
VALUES = list(IRIS_SETOSA.values())


BODIES: dict[str, str | bytes] = {
    "one": ONE,
    "several": json.dumps({"instances": [IRIS_SETOSA] * 3}),
    "by position": json.dumps({"features": VALUES}),
    "outside the training range": with_changes(petal_width=99),
    "as many as allowed": json.dumps({"instances": [IRIS_SETOSA] * 1000}),
    "the largest": ONE.encode() + b" " * (MAX_BODY_BYTES - len(ONE)),
    "too many": json.dumps({"instances": [IRIS_SETOSA] * 1001}),
    "too large": b" " * (MAX_BODY_BYTES + 1),
    "unknown": with_changes(zzz=1),
    "list": with_changes(petal_width=[0.2]),
    "object": with_changes(petal_width={}),
    "many digits": with_literal("9" * 5000),
    "null document": "null",
    "number": "5",
    "instances object": '{"instances": {}}',
    "too many features": '{"features": [1, 2, 3, 4, 5]}',
    "features of text": '{"features": [1, 2, 3, "4"]}',
    "many faults": json.dumps({"instances": [{}] * 1000}),
    "unicode": '{"größe": "数"}',
    "long name": json.dumps({"x" * 1_000_000: 1}),
    **{f"bad body {number}": body for number, body in enumerate(BAD_BODIES)},
}

type Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def harness() -> HostHarness:
    harness = HostHarness()
    harness.activate(iris_package())
    harness.host.wait_until_loaded()
    return harness


@pytest.fixture(scope="module")
def lanes(harness: HostHarness) -> tuple[HttpClient, HttpClient]:
    """Clients of the whole service and of FastAPI's routes alone, over the same host."""
    return HttpClient(App(SETTINGS, harness.host)), HttpClient(create_routes(SETTINGS, harness.host))


def ask(client: HttpClient, method: str, body: str | bytes | None, headers: Mapping[str, str]) -> Answer:
    response = client.request(method, "/predict", content=body, headers={"x-request-id": "r-1", **headers})
    return (
        response.status_code,
        {name: response.headers[name] for name in HEADERS if name in response.headers},
        response.content,
    )


def asked_of_both(
    lanes: tuple[HttpClient, HttpClient], method: str, body: str | bytes | None, headers: Mapping[str, str]
) -> Answer:
    """The answer of both lanes, after checking that it is one."""
    fast, routes = (ask(client, method, body, headers) for client in lanes)
    assert fast == routes
    return fast


@pytest.mark.parametrize("name", BODIES)
def test_every_body_is_answered_the_same(lanes: tuple[HttpClient, HttpClient], name: str) -> None:
    status, headers, _ = asked_of_both(lanes, "POST", BODIES[name], JSON_TYPE)

    assert status in {200, 400, 413, 422}
    assert ("x-model-version" in headers) == (status == 200)


@pytest.mark.parametrize("content_type", ["text/plain", "", "text/json", "application/vnd.api+json; charset=utf-8"])
def test_every_content_type_is_answered_the_same(lanes: tuple[HttpClient, HttpClient], content_type: str) -> None:
    status, _, _ = asked_of_both(lanes, "POST", ONE, {"content-type": content_type})

    assert status == (200 if "+json" in content_type else 415)


def test_a_body_without_a_content_type_is_answered_the_same(lanes: tuple[HttpClient, HttpClient]) -> None:
    assert asked_of_both(lanes, "POST", ONE.encode(), {})[0] == 415


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_every_other_method_is_answered_the_same(lanes: tuple[HttpClient, HttpClient], method: str) -> None:
    status, headers, _ = asked_of_both(lanes, method, None, {})

    assert (status, headers["allow"]) == (405, "POST")


def test_a_browsers_preflight_request_is_answered_the_same(lanes: tuple[HttpClient, HttpClient]) -> None:
    asked = {"origin": "https://a.test", "access-control-request-method": "POST"}

    assert asked_of_both(lanes, "OPTIONS", None, asked) == (204, {}, b"")


def test_without_a_model_both_ask_to_come_back() -> None:
    host = HostHarness().host
    both = HttpClient(App(SETTINGS, host)), HttpClient(create_routes(SETTINGS, host))

    status, headers, _ = asked_of_both(both, "POST", ONE, JSON_TYPE)

    assert (status, headers["retry-after"]) == (503, "2")


def test_an_unexpected_error_is_answered_the_same(
    harness: HostHarness, lanes: tuple[HttpClient, HttpClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert harness.host.model is not None
    monkeypatch.setattr(harness.host, "model", replace(harness.host.model, predictor=FailingPredictor()))

    assert asked_of_both(lanes, "POST", ONE, JSON_TYPE)[0] == 500
