"""The application: each request through the access log, to the hot route or to FastAPI's."""

from typing import TYPE_CHECKING

from inference.access_log import AccessLog
from inference.host import ModelHost
from inference.predict import PATH, Predict
from inference.settings import InferenceSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class App:
    """An ASGI application.

    FastAPI is imported when the first request needs it: a cold start that predicts is a fifth shorter without.

    Parameters
    ----------
    settings
        Of this environment.
    host
        Holds the model.
    """

    def __init__(self, settings: InferenceSettings, host: ModelHost) -> None:
        self._settings = settings
        self._host = host
        self._predict = Predict(host)
        self._routes: ASGIApp | None = None
        self._log = AccessLog(self._answer, host, stage=settings.stage, model=settings.model)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        await self._log(scope, receive, send)

    def routes(self) -> "ASGIApp":
        """FastAPI's routes, made by the first call."""
        if self._routes is None:
            from inference.routes import create_routes

            self._routes = create_routes(self._settings, self._host)
        return self._routes

    async def _answer(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "http" and _is_preflight(scope):
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        elif scope["type"] == "http" and scope["path"] == PATH:
            await self._predict(scope, receive, send)
        else:
            await self.routes()(scope, receive, send)


def _is_preflight(scope: "Scope") -> bool:
    """Whether a browser asks if a page of another origin may call this.

    API Gateway puts in which may, where the stack names origins; without its headers the answer allows nothing.
    """
    return scope["method"] == "OPTIONS" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )
