"""A browser that asks first is answered; every other request goes on."""

import asyncio
from typing import Any

import pytest

from skylift.http.preflight import Preflight

ASKS = [(b"origin", b"https://page.example"), (b"access-control-request-method", b"POST")]


def answer(scope: dict[str, Any]) -> list[Any]:
    """What is sent for a scope; the application behind sends its own name."""
    sent: list[Any] = []

    async def application(*_: Any) -> None:
        sent.append("the application")

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Preflight(application)(scope, None, send))  # type: ignore[arg-type]
    return sent


@pytest.mark.parametrize("path", ["/predict", "/nowhere"])
def test_a_preflight_request_for_any_path_is_answered_and_allows_nothing(path: str) -> None:
    start, body = answer({"type": "http", "method": "OPTIONS", "path": path, "headers": ASKS})

    assert (start["status"], start["headers"], body["body"]) == (204, [], b"")


@pytest.mark.parametrize(
    "scope",
    [
        {"type": "http", "method": "OPTIONS", "headers": ASKS[:1]},
        {"type": "http", "method": "POST", "headers": ASKS},
        {"type": "lifespan"},
    ],
    ids=["an OPTIONS request of another kind", "a request of another method", "what is not a request"],
)
def test_everything_else_goes_on_to_the_application(scope: dict[str, Any]) -> None:
    assert answer({"path": "/predict"} | scope) == ["the application"]
