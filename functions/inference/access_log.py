"""One line per request, whatever happens in it: what it was, and its metrics.

An ASGI middleware, the outermost: it gives each request its id and a record that routes fill, answers unexpected
errors, and writes the line at the end. Bodies are never written; of instances, the profile is. An answer that cannot be
sent is the client's doing: it left, or broke the framing of its own request.
"""

import logging
import sys
import time
from typing import TYPE_CHECKING

from inference import problems
from inference.host import ModelHost
from inference.predict import PATH as PREDICTION_PATH
from inference.record import Record, record_of
from inference.reply import NOSNIFF
from skylift.errors import ClientGone
from skylift.observability import MetricPoint, logger, stream, write_request
from skylift.version import __version__

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MAX_TEXT = 1000
"""CloudWatch takes 256 KiB a line, and a path may be longer."""

_DIGEST_DIGITS = 12
"""As in `docker images` and `python -m deploy versions`: each line costs by its bytes."""


class AccessLog:
    """The middleware.

    Parameters
    ----------
    app
        ASGI application that answers the requests.
    host
        Holder of the model; its version is a dimension, and its refresh metrics are written with the request's.
    stage, model
        Names of the stage and the model, the other dimensions.
    release
        Name of the deployment; empty where nobody deployed.
    image_digest
        Digest of the container image; empty where it is not known. The line has its first digits.
    """

    def __init__(
        self, app: "ASGIApp", host: ModelHost, *, stage: str, model: str, release: str = "", image_digest: str = ""
    ) -> None:
        self._app = app
        self._host = host
        self._dimensions = {"stage": stage, "model": model}
        named = {"release": release, "image": image_digest.rpartition(":")[2][:_DIGEST_DIGITS]}
        self._code = {"service_version": __version__} | {name: value for name, value in named.items() if value}
        # Clients of a canary see which code answered them.
        self._headers = (NOSNIFF, (b"x-release", release.encode())) if release else (NOSNIFF,)
        self._cold = True

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request and write its line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = record_of(scope)
        begun = gone = False

        async def observed(message: "Message") -> None:
            nonlocal begun, gone
            if message["type"] == "http.response.start":
                begun = True
                record.status = message["status"]
                identity = (b"x-request-id", record.request_id.encode())
                message["headers"] = [*message["headers"], *self._headers, identity]
            try:
                await send(message)
            except Exception:
                gone = True
                raise

        failure: Exception | None = None
        try:
            await self._app(scope, receive, observed)
        except Exception as error:  # noqa: BLE001 (the border: the caller gets a problem, the log the trace)
            if gone:
                record.status, record.reason = 499, ClientGone.code
            else:
                failure = error
                if not begun:
                    await problems.internal(record).send(observed)
        finally:
            self._write(scope, record, failure or sys.exception())  # the latter where the request was cancelled

    def write_unreadable(self, record: Record) -> None:
        """Write the line of what could not be read as a request: there is no method and no path."""
        fields = {"status": 400, "reason": record.reason, "correlation_id": record.request_id}
        logger.info("request", extra={**self._code, **fields})

    def _write(self, scope: "Scope", record: Record, failure: BaseException | None) -> None:
        milliseconds = (time.perf_counter() - record.started) * 1000
        version = record.version or (self._host.model.reference.name if self._host.model else "none")
        refreshes = self._host.drain_events()
        fields: dict[str, object] = {
            **self._code,
            "correlation_id": record.request_id,
            "method": scope["method"][:_MAX_TEXT],
            "path": scope["path"][:_MAX_TEXT],
            "status": record.status,
            "milliseconds": round(milliseconds, 3),
            **self._dimensions,
            "version": version,
            "instances": record.instances,
        }
        fields |= _outcome(record)
        if stream.lost:
            fields["lines_lost"] = stream.lost
        if refreshes:
            fields["refresh"] = {event.name: event.value for event in refreshes}
        metrics = refreshes + self._counted(scope, record, milliseconds)
        if problem := self._host.problem:
            fields["degraded"] = problem.message
            if problem.reference:  # with each request: loads are tried at growing intervals, so counting them flaps
                metrics.append(MetricPoint("Degraded"))
        failure = failure or self._host.take_unexpected_error()
        level = logging.ERROR if failure or record.status >= 500 else logging.INFO
        write_request(level, fields, metrics, self._dimension_sets(version, record), failure)

    def _counted(self, scope: "Scope", record: Record, milliseconds: float) -> list[MetricPoint]:
        metrics = []
        if self._cold:
            self._cold = False
            metrics.append(MetricPoint("ColdStart"))
        if scope["path"] == PREDICTION_PATH and record.status != 204:  # which answers a browser's preflight request
            if record.status < 400:
                metrics += [
                    MetricPoint("Predictions", record.instances),
                    MetricPoint("PredictionLatency", milliseconds),
                ]
                if record.unknown_categories:
                    metrics.append(MetricPoint("UnknownCategories", record.unknown_categories))
            else:
                metrics.append(MetricPoint("PredictionErrors"))
        return metrics

    def _dimension_sets(self, version: str, record: Record) -> list[dict[str, str]]:
        """Alarms look at a model of a stage, dashboards at its versions and at the reasons of its errors."""
        sets = [self._dimensions, self._dimensions | {"version": version}]
        if record.reason:
            sets.append(self._dimensions | {"reason": record.reason})
        return sets


def _outcome(record: Record) -> dict[str, object]:
    """What an answer told of its instances, or what the request was refused for."""
    told: dict[str, object] = {"reason": record.reason, "fields": record.fields or None}
    if record.status < 400:
        told |= {"id": record.prediction_id or None, "profile": record.profile, "answers": record.answers}
    return {name: value for name, value in told.items() if value is not None}
