"""How a server ends without losing a request: readiness goes first, then open connections, then the server."""

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

from skylift.http.paths import READINESS
from skylift.http.reply import JSON, Reply

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from skylift.http.record import Record
    from skylift.http.request_log import Application

RETIRE = signal.SIGUSR1
"""Tells a worker to end while the others go on: another has taken its place."""

_CLOSE = (b"connection", b"close")


class Draining:
    """An application that denies readiness and closes connections with its answers, once it is told that it ends.

    A client that keeps connections open would otherwise send a request just when the server closes an idle one, and
    could not know whether it was read.

    Parameters
    ----------
    app
        Application of all requests.

    Attributes
    ----------
    closes
        Whether this process is about to end.
    ends
        Whether the whole server is.
    """

    def __init__(self, app: "Application") -> None:
        self._app = app
        self.closes = self.ends = False

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        if not self.closes or scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def closing(message: "Message") -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], _CLOSE]
            await send(message)

        if self.ends and scope["path"] in READINESS:
            body = b'{"status":"ending","live":true,"ready":false,"error":"the server is about to end"}'
            await Reply(body, 503, media_type=JSON).send(closing)
        else:
            await self._app(scope, receive, closing)

    def write_unreadable(self, record: "Record") -> None:
        """See `Application`."""
        self._app.write_unreadable(record)

    def begin_at_signals(self, seconds: float) -> None:
        """Have SIGTERM begin this, or `RETIRE`, and the server's own handling of SIGTERM follow.

        Parameters
        ----------
        seconds
            Time between the two; a second SIGTERM shortens it.
        """
        end = signal.getsignal(signal.SIGTERM)

        def finish() -> None:
            if callable(end):
                end(signal.SIGTERM, None)

        def begin(number: int, _: FrameType | None) -> None:
            at_once = seconds <= 0 or (self.ends and number == signal.SIGTERM)
            self.closes = True
            self.ends = self.ends or number == signal.SIGTERM
            if at_once:
                finish()
            else:
                timer = threading.Timer(seconds, finish)
                timer.daemon = True  # the process does not wait for it when it ends before
                timer.start()

        for number in (signal.SIGTERM, RETIRE):
            signal.signal(number, begin)
