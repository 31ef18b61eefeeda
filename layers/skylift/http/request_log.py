"""One line per request, whatever happens in it.

An ASGI middleware, the outermost: it gives each request its id and a record that routes fill, answers unexpected
errors, and writes the line at the end. Bodies are never written. An answer that cannot be sent is the client's doing:
it left, or broke the framing of its own request.
"""

import logging
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from skylift.http import problems
from skylift.http.errors import ClientGone
from skylift.http.record import Record, record_of
from skylift.http.reply import NOSNIFF
from skylift.observability import MetricPoint, logger, stream, write_request
from skylift.version import __version__

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MAX_TEXT = 1000
"""CloudWatch takes 256 KiB a line, and a path may be longer."""

_DIGEST_DIGITS = 12
"""As in `docker images` and `python -m deploy versions`: each line costs by its bytes."""


class Application(Protocol):
    """An ASGI application that also writes the lines of what never became a request."""

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""

    def write_unreadable(self, record: Record) -> None:
        """Write the line of what could not be read as a request."""


class Observer(Protocol):
    """Whoever also counts the requests that have a line."""

    def observe(self, method: str, path: str, record: Record, seconds: float, metrics: Sequence[MetricPoint]) -> None:
        """Count one request.

        Parameters
        ----------
        method, path
            Words of the caller; empty where it sent no request.
        seconds
            Time that it took.
        metrics
            Metrics of its line.
        """


class Told(NamedTuple):
    """What a function adds to the line of a request.

    Parameters
    ----------
    fields
        Further members of the line.
    metrics, dimension_sets
        Metrics of the request; see `skylift.observability.emit`.
    failure
        Unexpected error beside the request.
    """

    fields: Mapping[str, object] = {}
    metrics: Sequence[MetricPoint] = ()
    dimension_sets: Sequence[Mapping[str, str]] = ()
    failure: BaseException | None = None


class RequestLog:
    """The middleware.

    Parameters
    ----------
    app
        ASGI application that answers the requests.
    stage, model
        Names of the stage and the model, members of each line.
    release
        Name of the deployment; empty where nobody deployed.
    image_digest
        Digest of the container image; empty where it is not known. The line has its first digits.

    Attributes
    ----------
    observer
        Counter of the same requests; None without one.
    """

    def __init__(self, app: "ASGIApp", *, stage: str, model: str, release: str = "", image_digest: str = "") -> None:
        self._app = app
        self.observer: Observer | None = None
        self._dimensions = {"stage": stage, "model": model}
        named = {"release": release, "image": image_digest.rpartition(":")[2][:_DIGEST_DIGITS]}
        self._code = {"service_version": __version__} | {name: value for name, value in named.items() if value}
        # Clients of a canary see which code answered them.
        self._headers = (NOSNIFF, (b"x-release", release.encode())) if release else (NOSNIFF,)

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
        record.status = 400
        fields = {"status": record.status, "reason": record.reason, "correlation_id": record.request_id}
        logger.info("request", extra={**self._code, **fields})
        if self.observer:
            self.observer.observe("", "", record, time.perf_counter() - record.started, ())

    def told(self, scope: "Scope", record: Record, milliseconds: float) -> Told:
        """What is added to the line of a request; nothing, unless a function has more to tell.

        Parameters
        ----------
        milliseconds
            Time that the request took.
        """
        del scope, record, milliseconds
        return Told()

    def _write(self, scope: "Scope", record: Record, failure: BaseException | None) -> None:
        milliseconds = (time.perf_counter() - record.started) * 1000
        told = self.told(scope, record, milliseconds)
        fields: dict[str, object] = {
            **self._code,
            "correlation_id": record.request_id,
            "method": scope["method"][:_MAX_TEXT],
            "path": scope["path"][:_MAX_TEXT],
            "status": record.status,
            "milliseconds": round(milliseconds, 3),
            **self._dimensions,
            **told.fields,
        }
        if record.reason:
            fields["reason"] = record.reason
        if stream.lost:
            fields["lines_lost"] = stream.lost
        failure = failure or told.failure
        level = logging.ERROR if failure or record.status >= 500 else logging.INFO
        write_request(level, fields, told.metrics, told.dimension_sets, failure)
        if self.observer:
            self.observer.observe(scope["method"], scope["path"], record, milliseconds / 1000, told.metrics)
