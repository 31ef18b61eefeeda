"""One request of an ASGI application under Lambda, at the price of a call where it never waits.

Mangum turns the event loop for each request, which costs more than scoring a row. A task that starts eagerly runs at
once up to its first wait, and a prediction has none unless a refresh is due; whatever waits goes on in the loop.
"""

import asyncio
import atexit
import logging
from collections.abc import Coroutine
from functools import cache
from typing import Any

from mangum.protocols.http import HTTPCycle, HTTPCycleState
from mangum.types import ASGI, Message, Response, Scope

_logger = logging.getLogger("mangum.http")


class EagerLoop(asyncio.SelectorEventLoop):
    """An event loop that begins a coroutine before it runs."""

    _begins = False

    def is_running(self) -> bool:
        """Whether it runs, or a coroutine begins."""
        return self._begins or super().is_running()

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine to its end."""
        self._begins = True
        asyncio._set_running_loop(self)  # what event loops call  # noqa: SLF001
        try:
            task = asyncio.Task(coroutine, loop=self, eager_start=True)
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001
            self._begins = False
        if not task.done():
            self.run_until_complete(task)
        task.result()


@cache
def _loop() -> EagerLoop:
    """The loop of this process, which answers one request at a time."""
    loop = EagerLoop()
    atexit.register(loop.close)
    return loop


class Cycle(HTTPCycle):
    """A request and its response, without Mangum's queue between them.

    Parameters
    ----------
    scope
        ASGI scope of the request.
    body
        Whole body of the request.
    """

    def __init__(self, scope: Scope, body: bytes) -> None:
        self.scope = scope
        self.state = HTTPCycleState.REQUEST
        self.logger = _logger
        self.body = b""
        self._unread: bytes | None = body
        self._waiting: asyncio.Future[None] | None = None

    def __call__(self, app: ASGI) -> Response:
        """Let the application answer."""
        _loop().run(self.run(app))
        return {"status": self.status, "headers": self.headers, "body": self.body}

    async def receive(self) -> Message:
        """The body; after it, the end of the connection once the response is complete."""
        if self._unread is not None:
            body, self._unread = self._unread, None
            return {"type": "http.request", "body": body, "more_body": False}
        if self.state is not HTTPCycleState.COMPLETE:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take the beginning of the response, or a part of its body."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
            self.state = HTTPCycleState.RESPONSE
            return
        self.body += message.get("body", b"")
        if not message.get("more_body", False):
            self.state = HTTPCycleState.COMPLETE
            if self._waiting is not None and not self._waiting.done():
                self._waiting.set_result(None)
