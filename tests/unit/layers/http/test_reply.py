"""A reply is sent as two ASGI messages that agree with each other."""

import asyncio
from typing import Any

from skylift.http.reply import Reply


def test_a_reply_is_sent_with_its_length_type_and_headers() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Reply("\u00fc".encode(), 404, "text/plain", headers={"allow": "GET"}).send(send))

    start, body = sent
    assert (start["type"], start["status"]) == ("http.response.start", 404)
    assert start["headers"] == [(b"content-type", b"text/plain"), (b"content-length", b"2"), (b"allow", b"GET")]
    assert body == {"type": "http.response.body", "body": "\u00fc".encode()}
