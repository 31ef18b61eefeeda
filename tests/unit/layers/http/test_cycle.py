"""A request under Lambda: answered in one call where nothing waits, by the event loop where something does."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from skylift.http import cycle as cycle_module
from skylift.http.cycle import Cycle
from tests.support.waiting import TIMES_OUT

START = {"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]}
SCOPE: Any = {"type": "http", "method": "POST", "path": "/"}


def ask(app: Callable[[Any, Any, Any], Awaitable[None]], body: bytes = b"body") -> Any:
    return Cycle(SCOPE, body)(app)  # type: ignore[arg-type]


async def echo(_: Any, receive: Any, send: Any) -> None:
    message = await receive()
    await send(START)
    await send({"type": "http.response.body", "body": message["body"]})


def test_an_application_gets_the_body_and_gives_the_response() -> None:
    assert ask(echo) == {"status": 200, "headers": [(b"x", b"y")], "body": b"body"}


def test_one_that_never_waits_needs_no_turn_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycle_module._loop(), "_run_once", lambda: pytest.fail("it turned"))

    assert ask(echo)["body"] == b"body"


def test_one_that_waits_goes_on_in_the_loop() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.001)
        async with asyncio.timeout(10):
            said = await asyncio.to_thread(json.dumps, {"a": 1})
        await send(START)
        await send({"type": "http.response.body", "body": said.encode()})

    assert [ask(app)["body"] for _ in range(2)] == [b'{"a": 1}'] * 2


def test_it_runs_in_a_task_of_a_running_loop() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend([asyncio.get_running_loop().is_running(), asyncio.current_task()])
        await echo(scope, receive, send)

    ask(app)

    assert seen[0]
    assert isinstance(seen[1], asyncio.Task)


def test_afterwards_no_loop_runs() -> None:
    ask(echo)

    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    assert not cycle_module._loop().is_running()


def test_a_body_may_come_in_parts() -> None:
    async def app(_: Any, __: Any, send: Any) -> None:
        await send(START)
        for part in (b"a", b"b"):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})

    assert ask(app)["body"] == b"ab"


def test_after_the_response_the_client_is_gone() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await echo(scope, receive, send)
        assert await receive() == {"type": "http.disconnect"}

    assert ask(app)["status"] == 200


def test_who_waits_for_the_client_to_go_waits_for_the_end_of_the_response() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        gone = asyncio.create_task(receive())
        await asyncio.sleep(0)
        assert not gone.done()
        await send(START)
        await send({"type": "http.response.body", "body": b"sent"})
        assert await gone == {"type": "http.disconnect"}

    assert ask(app)["body"] == b"sent"


@pytest.mark.parametrize("begun", [False, True], ids=["before the response", "in the middle of it"])
def test_an_application_that_fails_is_a_500(begun: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def app(_: Any, __: Any, send: Any) -> None:
        if begun:
            await send(START)
        raise SystemExit

    assert ask(app)["status"] == 500
    assert ask(echo)["status"] == 200


def test_the_loop_is_closed_with_the_process() -> None:
    program = "from skylift.http.cycle import _loop; _loop()"
    ended = subprocess.run(
        [sys.executable, "-W", "always", "-c", program], capture_output=True, text=True, check=True, timeout=TIMES_OUT
    )

    assert ended.stderr == ""
