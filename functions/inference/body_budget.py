"""Bounds the memory that bodies take while a plain server reads and answers requests: clients send many at once."""

from typing import TYPE_CHECKING

from skylift.http.errors import Overloaded

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from skylift.http.record import Record
    from skylift.http.request_log import Application

MAX_HELD_BYTES = 128 * 2**20
"""Of all requests in a process: twenty of the largest."""

SMALL_BYTES = 2**16
"""A request of so many is taken in any case: large ones cannot keep it out."""


class BodyBudget:
    """An application that reads no more of large bodies than there is room for.

    Parameters
    ----------
    app
        Application of all requests; it answers `Overloaded`, which `receive` raises.
    most
        See `MAX_HELD_BYTES`.
    """

    def __init__(self, app: "Application", most: int = MAX_HELD_BYTES) -> None:
        self._app = app
        self._most = most
        self._held = 0

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        mine = 0

        async def counted() -> "Message":
            nonlocal mine
            message = await receive()
            size = len(message.get("body", b""))
            mine += size
            self._held += size
            if mine > SMALL_BYTES and self._held > self._most:
                raise Overloaded("the bodies of other requests leave no room for this one", "try again shortly")
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._held -= mine

    def write_unreadable(self, record: "Record") -> None:
        """See `Application`."""
        self._app.write_unreadable(record)
