"""How a server ends without losing a request: readiness goes first, then open connections, then the server."""

import os
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
    ends
        Whether the server is about to end.
    """

    def __init__(self, app: "Application") -> None:
        self._app = app
        self.ends = False

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        if not self.ends or scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def closing(message: "Message") -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], _CLOSE]
            await send(message)

        if scope["path"] in READINESS:
            body = b'{"status":"ending","live":true,"ready":false,"error":"the server is about to end"}'
            await Reply(body, 503, media_type=JSON).send(closing)
        else:
            await self._app(scope, receive, closing)

    def write_unreadable(self, record: "Record") -> None:
        """See `Application`."""
        self._app.write_unreadable(record)

    def begin_at_sigterm(self, seconds: float) -> None:
        """Have the first SIGTERM begin this, and the server's own handling of it follow.

        Parameters
        ----------
        seconds
            Time between the two; a second signal shortens it.
        """
        if seconds <= 0:
            return
        end = signal.getsignal(signal.SIGTERM)

        def handle(number: int, frame: FrameType | None) -> None:
            if not self.ends:
                self.ends = True
                threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM)).start()
            elif callable(end):
                end(number, frame)

        signal.signal(signal.SIGTERM, handle)
