"""The path of an event, whatever is in front of the API."""

from typing import Any

import pytest

from inference.routes import ROUTES
from skylift.http.paths import path_in_api, path_of_caller

CUSTOM = {"domainName": "api.example.com", "stage": "$default"}
OWN = {"domainName": "a1b2c3.execute-api.eu-central-1.amazonaws.com", "stage": "$default"}
NAMED = OWN | {"stage": "prod"}

EVENTS: dict[str, dict[str, Any]] = {
    "HTTP API, a route": {"version": "2.0", "routeKey": "POST /predict", "requestContext": CUSTOM},
    "HTTP API, all routes": {"version": "2.0", "routeKey": "$default", "requestContext": CUSTOM},
    "HTTP API, a proxy": {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "pathParameters": {"proxy": "predict"},
        "requestContext": CUSTOM,
    },
    "HTTP API, format 1.0": {"version": "1.0", "resource": "/predict", "requestContext": CUSTOM},
    "HTTP API, format 1.0, all routes": {"version": "1.0", "resource": "$default", "requestContext": CUSTOM},
    "REST API, a route": {"resource": "/predict", "requestContext": CUSTOM | {"stage": "prod"}},
    "REST API, a proxy": {
        "resource": "/{proxy+}",
        "pathParameters": {"proxy": "predict"},
        "requestContext": CUSTOM | {"stage": "prod"},
    },
    "load balancer": {"requestContext": {"elb": {"targetGroupArn": "arn"}}},
}


@pytest.mark.parametrize("path", ["/predict", "/models/predict", "/models/iris/predict"])
@pytest.mark.parametrize("kind", EVENTS)
def test_a_base_path_is_left_out(kind: str, path: str) -> None:
    assert path_in_api(path, EVENTS[kind]) == "/predict"


@pytest.mark.parametrize("path", ["/prod/predict", "/predict"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_stage_is_left_out(version: str, path: str) -> None:
    event = {"version": version, "routeKey": "$default", "resource": "$default", "requestContext": NAMED}

    assert path_in_api(path, event) == "/predict"


@pytest.mark.parametrize(
    ("path", "event"),
    [
        ("/prod", {"version": "2.0", "requestContext": NAMED}),
        ("/prod/", {"version": "2.0", "requestContext": NAMED}),
        ("/models", {"version": "2.0", "routeKey": "GET /", "requestContext": CUSTOM}),
        ("/models", {"resource": "/", "requestContext": CUSTOM}),
        ("/models/", EVENTS["load balancer"]),
        ("/", EVENTS["load balancer"]),
        ("/", {"version": "2.0", "requestContext": OWN}),
    ],
)
def test_the_root_is_found_below_a_prefix(path: str, event: dict[str, Any]) -> None:
    assert path_in_api(path, event) == "/"


@pytest.mark.parametrize("path", ["/retrain/r-1", "/models/iris/retrain/r-1"])
@pytest.mark.parametrize(
    "event",
    [
        {
            "version": "2.0",
            "routeKey": "GET /retrain/{id}",
            "pathParameters": {"id": "r-1"},
            "requestContext": CUSTOM,
        },
        {"resource": "/retrain/{id}", "pathParameters": {"id": "r-1"}, "requestContext": CUSTOM},
        {"version": "2.0", "routeKey": "$default", "requestContext": CUSTOM},
        EVENTS["load balancer"],
    ],
    ids=["HTTP API", "REST API", "HTTP API, all routes", "load balancer"],
)
def test_a_path_of_two_parts_is_found_below_a_prefix(path: str, event: dict[str, Any]) -> None:
    assert path_in_api(path, event) == "/retrain/r-1"


def test_a_path_below_another_stays_unknown_on_a_domain_of_aws() -> None:
    event = {"version": "2.0", "routeKey": "$default", "requestContext": OWN}

    assert path_in_api("/models/predict", event) == "/models/predict"


def test_each_path_of_the_api_has_one_part() -> None:
    assert {route.path.count("/") for route in ROUTES} == {1}


@pytest.mark.parametrize("path", ["/page/0123456789ab/main.js", "/models/page/0123456789ab/main.js"])
@pytest.mark.parametrize("kind", ["load balancer", "HTTP API, all routes"])
def test_files_of_the_page_have_three_parts(kind: str, path: str) -> None:
    assert path_in_api(path, EVENTS[kind]) == "/page/0123456789ab/main.js"


def test_files_of_the_page_are_found_by_their_route() -> None:
    event = {
        "version": "2.0",
        "routeKey": "GET /page/{digest}/{name}",
        "pathParameters": {"digest": "0123456789ab", "name": "main.js"},
        "requestContext": NAMED,
    }

    assert path_in_api("/prod/page/0123456789ab/main.js", event) == "/page/0123456789ab/main.js"


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ({"version": "2.0", "rawPath": "/prod", "requestContext": NAMED}, "/prod"),
        ({"resource": "/", "path": "/", "requestContext": {"path": "/prod/"}}, "/prod/"),
        ({"path": "/models", "requestContext": {"elb": {}}}, "/models"),
        ({}, None),
    ],
)
def test_the_path_of_the_caller_has_what_is_in_front(event: dict[str, Any], path: str | None) -> None:
    assert path_of_caller({"aws.event": event}) == path


@pytest.mark.parametrize("kind", ["balancer", "custom domain"])
@pytest.mark.parametrize("above", ["", "/iris", "/v2", "/models/v2"])
@pytest.mark.parametrize(
    "path",
    [
        "/v2/health/ready",
        "/v2/models",
        "/v2/models/v2",
        "/v2/models/iris/ready",
        "/v2/models/iris/versions/v7",
        "/v2/models/iris/versions/v7/infer",
    ],
)
def test_the_inference_protocol_has_paths_of_several_parts(path: str, above: str, kind: str) -> None:
    context = {"balancer": {"elb": {}}, "custom domain": CUSTOM}[kind]

    assert path_in_api(f"{above}{path}", {"requestContext": context}) == path


def test_a_path_named_like_the_protocol_may_be_in_front_of_the_api() -> None:
    assert path_in_api("/v2/predict", {"requestContext": {"elb": {}}}) == "/predict"
