"""Who sent a request: told by the API in front, never by the request itself."""

from typing import Any

import pytest

from skylift.http.caller import caller_of

ARN = "arn:aws:sts::123456789012:assumed-role/app/session"


def scope(context: object, headers: list[tuple[bytes, bytes]] | None = None) -> dict[str, Any]:
    return {"aws.event": {"requestContext": context}, "headers": headers or []}


@pytest.mark.parametrize(
    ("context", "caller"),
    [
        ({"authorizer": {"jwt": {"claims": {"sub": "anna"}}}}, "anna"),
        ({"authorizer": {"iam": {"userArn": ARN}}}, ARN),
        ({"authorizer": {"claims": {"sub": "anna"}}, "identity": {"userArn": None}}, "anna"),
        ({"identity": {"userArn": ARN, "sourceIp": "10.0.0.1"}}, ARN),
        ({"authorizer": {"principalId": "anna"}}, "anna"),
    ],
    ids=["HTTP API token", "HTTP API signature", "REST API token", "REST API signature", "own authorizer"],
)
def test_every_api_names_it_in_its_own_place(context: dict[str, Any], caller: str) -> None:
    assert caller_of(scope(context)) == caller


@pytest.mark.parametrize(
    "context",
    [None, "text", [], {}, {"authorizer": "anna"}, {"authorizer": {"jwt": {"claims": {"sub": 7}}}}, {"identity": {}}],
    ids=str,
)
def test_an_event_of_another_form_names_nobody(context: object) -> None:
    assert caller_of(scope(context)) is None


def test_a_plain_server_knows_nobody() -> None:
    assert caller_of({"headers": []}) is None


def test_a_balancer_names_it_in_a_header() -> None:
    headers = [(b"host", b"balancer"), (b"x-amzn-oidc-identity", b"anna")]

    assert caller_of(scope({"elb": {}}, headers)) == "anna"


def test_that_header_of_anybody_else_counts_for_nothing() -> None:
    headers = [(b"x-amzn-oidc-identity", b"anna")]

    assert caller_of(scope({"http": {}}, headers)) is None
