"""Large bodies share a room; what finds none is refused, and small ones always find some."""

import asyncio
from typing import Any

import pytest

from inference import body_budget
from inference.body_budget import BodyBudget
from skylift.http.errors import Overloaded
from skylift.http.record import Record


class Reader:
    """Reads bodies, and keeps each until it is told to answer."""

    def __init__(self) -> None:
        self.answer = asyncio.Event()
        self.unreadable = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        await self.answer.wait()

    def write_unreadable(self, record: Record) -> None:
        self.unreadable += 1


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_budget, "SMALL_BYTES", 10)


def test_a_large_body_waits_for_nobody_but_needs_room(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk() -> None:
        reader = Reader()
        budget = BodyBudget(reader, most=100)

        def send(*chunks: int) -> "asyncio.Task[None]":
            left = [{"type": "http.request", "body": b"x" * chunk} for chunk in chunks]

            async def receive() -> Any:
                return left.pop(0) | {"more_body": bool(left)}

            return asyncio.create_task(budget({"type": "http"}, receive, None))  # type: ignore[arg-type]

        first = send(40, 40)
        await asyncio.sleep(0)
        small, large = send(10), send(10, 11)
        with pytest.raises(Overloaded):
            await large
        reader.answer.set()
        await asyncio.gather(first, small)
        await send(100)  # the room is free again

    asyncio.run(talk())


def test_what_cannot_be_read_is_written_down_as_before() -> None:
    reader = Reader()
    BodyBudget(reader).write_unreadable(Record("r-1"))
    assert reader.unreadable == 1
