"""The application: each request through the access log, to the fast lane or to FastAPI's routes."""

from typing import TYPE_CHECKING

from inference.access_log import AccessLog
from inference.answer_limit import AnswerLimit
from inference.answering import Answering
from inference.host import ModelHost
from inference.predict import PATH, Predict
from inference.settings import InferenceSettings
from inference.v2 import is_v2
from skylift.bucket import Bucket
from skylift.http import problems
from skylift.http.preflight import Preflight
from skylift.http.record import Record, record_of
from skylift.http.request_log import Observer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from inference.computing import Computing
    from inference.server_metrics import ServerMetrics

_MAX_QUERY_BYTES = 8192
"""FastAPI reads the query of every request, also where no route has a parameter: a megabyte takes 0.3 s."""


class FastLane:
    """An ASGI application that answers `/predict` and `/v2` itself, and leaves the other paths to FastAPI's routes.

    FastAPI is imported when the first request needs it: a cold start that predicts is a fifth shorter without.

    Parameters
    ----------
    settings
        Settings of this environment.
    host
        Holder of the model.
    bucket
        Bucket with the monitor's reports; see `create_routes`.
    metrics
        What `/metrics` answers; None for a service without it.
    computing
        See `Answering`.
    """

    def __init__(
        self,
        settings: InferenceSettings,
        host: ModelHost,
        bucket: Bucket | None,
        *,
        metrics: "ServerMetrics | None",
        computing: "Computing | None",
    ) -> None:
        self._settings = settings
        self._host = host
        self._bucket = bucket
        self._metrics = metrics
        self._answering = Answering.of(settings, host, computing)
        self._predict = Predict(self._answering)
        self._v2: ASGIApp | None = None
        self._routes: ASGIApp | None = None

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] == PATH:
            await self._predict(scope, receive, send)
        elif scope["type"] == "http" and is_v2(scope["path"]):
            await self.v2()(scope, receive, send)
        elif scope["type"] == "http" and len(scope["query_string"]) > _MAX_QUERY_BYTES:
            record = record_of(scope)
            await problems.of_status(414, scope["method"], scope["path"], record).send(send)
        else:
            await self.routes()(scope, receive, send)

    def v2(self) -> "ASGIApp":
        """The Open Inference Protocol, imported by the first call."""
        if self._v2 is None:
            from inference.v2.app import V2

            self._v2 = V2(self._host, self._settings.model, self._answering)
        return self._v2

    def routes(self) -> "ASGIApp":
        """FastAPI's routes, made by the first call."""
        if self._routes is None:
            from inference.routes import create_routes

            self._routes = create_routes(self._settings, self._host, self._bucket, metrics=self._metrics)
        return self._routes


class App:
    """The whole service as an ASGI application: access log, limit of answers, preflight requests, fast lane, routes.

    Parameters
    ----------
    settings
        Settings of this environment.
    host
        Holder of the model.
    bucket
        Bucket with the monitor's reports; see `create_routes`.
    metrics
        What counts the requests and answers `/metrics`; None for a service without it.
    computing
        What computes answers that take long; None where each request is the only one.
    """

    def __init__(
        self,
        settings: InferenceSettings,
        host: ModelHost,
        bucket: Bucket | None = None,
        *,
        metrics: "ServerMetrics | None" = None,
        computing: "Computing | None" = None,
    ) -> None:
        self._lane = FastLane(settings, host, bucket, metrics=metrics, computing=computing)
        dimensions = {"stage": settings.stage, "model": settings.model}
        code = {"release": settings.release, "image_digest": settings.image_digest}
        self._outermost = AccessLog(AnswerLimit(Preflight(self._lane)), host, **dimensions, **code)
        self._outermost.observer = metrics

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        await self._outermost(scope, receive, send)

    def write_unreadable(self, record: Record) -> None:
        """Write the line of what could not be read as a request."""
        self._outermost.write_unreadable(record)

    @property
    def observer(self) -> Observer | None:
        """What also counts the requests; see `RequestLog`."""
        return self._outermost.observer

    def import_routes(self) -> None:
        """Have FastAPI, its routes and the V2 protocol in memory before a request needs them."""
        self._lane.v2()
        self._lane.routes()
