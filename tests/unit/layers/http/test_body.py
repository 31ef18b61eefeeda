"""A body is read no further than its type, its encoding and its size allow."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from skylift.http.body import JSON_TYPES, MAX_BODY_BYTES, read_body
from skylift.http.errors import BodyTooLarge, ClientGone, WrongContentType


class Sender:
    """A client that sends messages, and headers with `_` for `-`.

    Attributes
    ----------
    unread
        Messages that nobody has received yet.
    """

    def __init__(self, *messages: dict[str, Any], **headers: str) -> None:
        named = {"content_type": "application/json"} | headers
        self.unread = list(messages)
        self.scope: Any = {
            "headers": [(name.replace("_", "-").encode(), text.encode()) for name, text in named.items()]
        }

    def body(self, media_types: Collection[str] = JSON_TYPES) -> bytes:
        """What is read of it."""

        async def receive() -> Any:
            return self.unread.pop(0)

        return asyncio.run(read_body(self.scope, receive, media_types))


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_parts_is_read_to_its_end() -> None:
    assert Sender(part(b"{", more=True), part(b"}"), part(b"of the next")).body() == b"{}"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/a+json"])
def test_every_way_to_say_json_is_understood(content_type: str) -> None:
    assert Sender(part(b"{}"), content_type=content_type).body() == b"{}"


@pytest.mark.parametrize("content_type", ["", "text/json", "application/jsonp", "a+json"])
def test_a_body_that_is_not_declared_to_be_json_is_not_read(content_type: str) -> None:
    sender = Sender(part(b"{}"), content_type=content_type)

    with pytest.raises(WrongContentType, match="send the header content-type: application/json"):
        sender.body()
    assert sender.unread


def test_whoever_reads_it_may_take_other_types() -> None:
    assert Sender(part(b"1\n2"), content_type="text/csv; header=absent").body(["text/csv"]) == b"1\n2"
    with pytest.raises(WrongContentType, match="text/csv"):
        Sender(part(b"{}")).body(["text/csv"])


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x" * 10_000])
def test_a_compressed_body_is_not_read_and_the_encoding_is_told(encoding: str) -> None:
    sender = Sender(part(b"{}"), content_encoding=encoding)

    with pytest.raises(WrongContentType, match=f"the content encoding is '{encoding[:20]}") as caught:
        sender.body()
    assert len(caught.value.message) < 200
    assert sender.unread


@pytest.mark.parametrize("encoding", ["", "identity", "Identity"])
def test_a_body_that_is_declared_to_be_as_it_is_is_read(encoding: str) -> None:
    assert Sender(part(b"{}"), content_encoding=encoding).body() == b"{}"


@pytest.mark.parametrize("length", [str(MAX_BODY_BYTES + 1), "9" * 5000, "9" * 101])
def test_a_body_that_is_declared_too_large_is_not_read(length: str) -> None:
    sender = Sender(part(b"{}"), content_length=length)

    with pytest.raises(BodyTooLarge):
        sender.body()
    assert sender.unread


def test_a_body_that_turns_out_too_large_is_read_no_further() -> None:
    half = bytes(MAX_BODY_BYTES // 2 + 1)
    sender = Sender(part(half, more=True), part(half, more=True), part(half))

    with pytest.raises(BodyTooLarge):
        sender.body()
    assert len(sender.unread) == 1


def test_a_client_that_hangs_up_is_gone() -> None:
    with pytest.raises(ClientGone):
        Sender(part(b"{", more=True), {"type": "http.disconnect"}, content_length="80").body()
