"""Answers a browser that asks whether a page of another origin may call the service."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Preflight:
    """An ASGI middleware that answers CORS preflight requests with 204, for any path.

    API Gateway adds the headers that allow an origin, if the stack names origins; without them the answer allows
    nothing.

    Parameters
    ----------
    app
        ASGI application that answers every other request.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "OPTIONS" and _names_a_method(scope):
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._app(scope, receive, send)


def _names_a_method(scope: "Scope") -> bool:
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])
