"""Refuses an answer that is too large to be sent, whoever made it."""

from typing import TYPE_CHECKING

from inference.capacity import check_answer
from skylift.http import problems
from skylift.http.errors import AnswerTooLarge
from skylift.http.record import record_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class AnswerLimit:
    """An ASGI middleware that all answers pass: Lambda would lose a larger one, and the log would say that all is well.

    Parameters
    ----------
    app
        ASGI application that answers, each body in one piece.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start: Message | None = None

        async def limited(message: "Message") -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message  # what follows decides whether it is sent
            elif start is not None:
                begun, start = start, None
                try:
                    check_answer(message.get("body", b""), (), scope, is_text=_is_text(begun))
                except AnswerTooLarge as error:
                    await problems.of_error(error, record_of(scope)).send(send)
                else:
                    await send(begun)
                    await send(message)
            else:
                await send(message)

        await self._app(scope, receive, limited)


def _is_text(start: "Message") -> bool:
    """Whether an answer is sent as text, by its type."""
    return (b"content-type", b"application/octet-stream") not in start["headers"]
