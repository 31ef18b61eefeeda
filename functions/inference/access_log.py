"""One log line and one line of metrics per request, whatever happens in it.

An ASGI middleware: it gives each request its id and a record that routes fill, and writes both lines at the end.
Bodies are never written.
"""

import sys
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inference.host import ModelHost
from skylift.observability import Metric, emit, logger

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEY = "skylift.record"
_PREDICTION_PATH = "/predict"


@dataclass(slots=True)
class Record:
    """What the end of a request has to know of it.

    Parameters
    ----------
    request_id
        API Gateway's, else the caller's `x-request-id`, else a new one.
    instances
        How many were scored.
    version
        Which version scored them.
    reason
        The problem's slug, where the request failed.
    status
        Of the response.
    """

    request_id: str
    instances: int = 0
    version: str | None = None
    reason: str | None = None
    status: int = 500
    started: float = field(default_factory=time.perf_counter)


def record_of(scope: "Scope") -> Record:
    """The record of the request with this ASGI scope."""
    record: Record = scope[_KEY]
    return record


class AccessLog:
    """The middleware.

    Parameters
    ----------
    app
        What answers.
    host
        Its model's version is a dimension, its refresh metrics are written along.
    model, stage
        The other dimensions. An alarm sees one set of them, so every metric is kept without the version too.
    """

    def __init__(self, app: "ASGIApp", host: ModelHost, model: str, stage: str = "dev") -> None:
        self._app = app
        self._host = host
        self._model = model
        self._stage = stage
        self._cold = True

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request and write its lines."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = scope[_KEY] = Record(_request_id(scope))

        async def observed(message: "Message") -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", record.request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            self._write(scope, record, sys.exception())

    def _write(self, scope: "Scope", record: Record, failure: BaseException | None) -> None:
        milliseconds = (time.perf_counter() - record.started) * 1000
        version = record.version or (self._host.model.reference.name if self._host.model else "none")
        events = self._host.drain_events()
        fields: dict[str, object] = {
            "correlation_id": record.request_id,
            "method": scope["method"],
            "path": scope["path"],
            "status": record.status,
            "milliseconds": round(milliseconds, 3),
            "model": self._model,
            "version": version,
            "instances": record.instances,
        }
        if record.reason:
            fields["reason"] = record.reason
        if events:
            fields["refresh"] = {event.name: event.value for event in events}
        if self._host.problem:
            fields["degraded"] = self._host.problem.what
        failure = failure or self._host.take_unforeseen()
        write = logger.error if failure or record.status >= 500 else logger.info
        write("request", extra=fields, exc_info=failure)
        if self._cold:
            self._cold = False
            events.append(Metric("ColdStart"))
        by_version = {"version": version}
        finer = [by_version]
        if scope["path"] == _PREDICTION_PATH:
            if record.status < 400:
                events += [Metric("Predictions", record.instances), Metric("PredictionLatency", milliseconds)]
            else:
                events.append(Metric("PredictionErrors"))
                finer.append({**by_version, "reason": record.reason or "internal"})
        emit(events, {"stage": self._stage, "model": self._model}, *finer)


def _request_id(scope: "Scope") -> str:
    event: dict[str, Any] = scope.get("aws.event") or {}
    context = event.get("requestContext") or {}
    if from_gateway := context.get("requestId"):
        return str(from_gateway)
    if (lambda_context := scope.get("aws.context")) is not None:
        return str(lambda_context.aws_request_id)
    for name, value in scope["headers"]:
        if name == b"x-request-id" and 0 < len(value) <= 128 and value.isascii() and value.decode().isprintable():
            return str(value.decode())
    return str(uuid.uuid4())
