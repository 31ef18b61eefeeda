"""Each request has one record, under the id that others know it by."""

from types import SimpleNamespace
from typing import Any

import pytest

from skylift.http.record import record_of

CALLER = [(b"x-request-id", b"caller-1")]
GATEWAY = {"aws.event": {"requestContext": {"requestId": "gateway-1"}}}
LAMBDA = {"aws.event": {"requestContext": {"elb": {}}}, "aws.context": SimpleNamespace(aws_request_id="lambda-1")}


def request_id(headers: list[tuple[bytes, bytes]], **scope: Any) -> str:
    return record_of({"headers": headers} | scope).request_id


def test_a_request_keeps_its_record() -> None:
    scope: dict[str, Any] = {"headers": []}

    record = record_of(scope)

    assert record_of(scope) is record
    assert record.status == 500, "what never answers counts as failed"


@pytest.mark.parametrize(
    ("scope", "known"), [(GATEWAY, "gateway-1"), (GATEWAY | {"aws.context": None}, "gateway-1"), (LAMBDA, "lambda-1")]
)
def test_the_id_of_aws_wins_over_the_callers(scope: dict[str, Any], known: str) -> None:
    assert request_id(CALLER, **scope) == known


def test_without_aws_the_id_is_the_callers() -> None:
    assert request_id(CALLER) == "caller-1"


@pytest.mark.parametrize("text", [b"", b"a" * 129, "\u00fc".encode(), b"a\nb", b"\x1b[31m"])
def test_an_id_that_could_spoil_a_log_is_replaced(text: bytes) -> None:
    first, second = (request_id([(b"x-request-id", text)]) for _ in range(2))

    assert first != second
    assert first.isprintable()
