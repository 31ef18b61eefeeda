"""The plain server: uvicorn, with answers to broken requests and with log lines like all others.

One process, or several that listen at one socket: the first only starts them, and starts another where one dies.
"""

import asyncio
import logging
import os
import socket
import sys
import uuid
from collections.abc import Collection
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import h11
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.h11_impl import H11Protocol

from inference.body_budget import BodyBudget
from inference.draining import Draining
from inference.supervisor import STARTED_SECONDS, Supervisor
from inference.workers import WORKERS_FOLDER
from skylift.http import problems
from skylift.http.record import Record, record_of
from skylift.http.reply import NOSNIFF
from skylift.observability import SERVICE, logger

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from inference.app import App
    from skylift.http.request_log import Application, RequestLog

_TOLD = "ASGI callable returned without completing response."
"""uvicorn's words for clients that left: their requests have lines of their own."""

GRACEFUL_SECONDS = 30
"""Time for the last answers, longer than a request takes."""

PATIENCE_SECONDS = 30
"""How often a connection is looked after: a request may take from one look to the next but one to arrive."""

_NOTHING = object()

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection is kept: longer than load balancers do (60 s), for a request could be on its way."""

_UVICORN_LEVEL = "error"
"""It warns of what clients do alone, of broken framing and of WebSockets: their requests have lines of their own."""


class Beside:
    """An application with paths that another application answers, which writes its own lines.

    Parameters
    ----------
    app
        Application of all other paths.
    paths
        Paths of the other one, also of what is below them.
    other
        The other application.
    """

    def __init__(self, app: "Application", paths: Collection[str], other: "Application") -> None:
        self._app = app
        self._paths = paths
        self._other = other

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        app = self._other if scope["type"] == "http" and self._is_others(scope["path"]) else self._app
        await app(scope, receive, send)

    def _is_others(self, path: str) -> bool:
        return any(path == one or path.startswith(f"{one}/") for one in self._paths)

    def write_unreadable(self, record: Record) -> None:
        """See `Application`."""
        self._app.write_unreadable(record)


def with_operations(app: "App", paths: Collection[str], operations: "RequestLog") -> Beside:
    """The application with paths of another one, whose requests are counted with its own."""
    operations.observer = app.observer
    return Beside(app, paths, operations)


class Connection(h11.Connection):
    """The protocol of a connection, which gives out the head of an answer with its body: a write is a system call."""

    _head = b""

    def send(self, event: h11.Event) -> bytes | None:  # type: ignore[override] # of its overloads
        """The bytes of an event."""
        written = super().send(event)
        if written is None:
            return None
        head, self._head = self._head, b""
        if isinstance(event, h11.Response):
            self._head = written
            return head
        return head + written


class HttpProtocol(H11Protocol):
    """One connection, for which a client that sends or reads too slowly is not waited for.

    A request that is not HTTP is answered by a problem and logged without a word of it.
    """

    _look: asyncio.TimerHandle
    _awaited: object = _NOTHING

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.conn = Connection(h11.SERVER)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look after the connection."""
        super().connection_made(transport)
        self._look = self.loop.call_later(PATIENCE_SECONDS, self.look_after)

    def connection_lost(self, exc: Exception | None) -> None:
        """Look after it no more."""
        self._look.cancel()
        super().connection_lost(exc)

    def look_after(self) -> None:
        """Close the connection where it still waits for the same request as last time, or to be closed."""
        if self.transport.is_closing():
            self.transport.abort()  # whose last answer is not read
            return
        idle = self.timeout_keep_alive_task is not None
        awaited = self.cycle if not idle and self.conn.their_state in (h11.IDLE, h11.SEND_BODY) else _NOTHING
        if awaited is self._awaited is not _NOTHING:
            self.transport.close()
        self._awaited = awaited
        self._look = self.loop.call_later(PATIENCE_SECONDS, self.look_after)

    def send_400_response(self, _: str) -> None:
        """Answer what h11 could not read, where the answer to its beginning is not under way."""
        running = self.cycle is not None and not self.cycle.response_complete
        record = record_of(cast("Scope", self.cycle.scope)) if running else Record(str(uuid.uuid4()))
        reply = problems.unreadable(record)
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            identity = (b"x-request-id", record.request_id.encode())
            headers = [*reply.raw_headers, NOSNIFF, identity, (b"connection", b"close")]
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=reply.body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        if not running:
            self._application.write_unreadable(record)

    @property
    def _application(self) -> "Application":
        """The application, within what uvicorn puts around it."""
        app: Any = self.app
        while not hasattr(app, "write_unreadable"):
            app = app.app
        return cast("Application", app)


class LibraryLines(logging.Handler):
    """Writes what libraries log as Skylift's logger writes its own lines, without what a client sent."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        failure = record.exc_info[1] if record.exc_info else None
        if record.name == SERVICE or record.getMessage() == _TOLD or _by_client(failure):
            return
        write = logger.error if record.levelno >= logging.ERROR else logger.warning
        message = record.getMessage()
        if failure:  # whose words may be in the lines after the first one
            message = message.partition("\n")[0]
        write(message, extra={"logger": record.name}, exc_info=record.exc_info)


def _by_client(failure: BaseException | None) -> bool:
    """Whether a client broke the protocol: its words are in such an error, and its request has a line."""
    while failure is not None and not isinstance(failure, h11.ProtocolError):
        failure = failure.__cause__ or failure.__context__
    return failure is not None


def serve(app: "Application", *, host: str, port: int, drain_seconds: float = 0) -> None:
    """Serve from this process until SIGINT or SIGTERM.

    Parameters
    ----------
    app
        The application.
    host, port
        Address to listen at.
    drain_seconds
        See `prepared`.
    """
    uvicorn.run(lambda: prepared(app, drain_seconds), host=host, port=port, **_OPTIONS)


def serve_by_workers(factory: str, *, host: str, port: int, workers: int) -> None:
    """Serve from several processes until SIGINT or SIGTERM; SIGHUP puts new ones in their place, one after another.

    Parameters
    ----------
    factory
        Function of each process that makes the application, as `module:name`; see `prepared`.
    workers
        Number of processes.

    Raises
    ------
    SystemExit
        A process cannot start, and no other serves.
    """
    config = uvicorn.Config(
        factory,
        host=host,
        port=port,
        workers=workers,
        loop="inference.fair_loop:FairLoop",
        timeout_worker_healthcheck=STARTED_SECONDS,
        **_OPTIONS,
    )
    bound = config.bind_socket()
    with (
        # Of a protocol by name: without, asyncio leaves Nagle's algorithm on, and each answer waits 40 ms for its end.
        socket.socket(bound.family, bound.type, socket.IPPROTO_TCP, bound.detach()) as shared,
        TemporaryDirectory(prefix="skylift-workers-") as folder,
    ):
        os.environ[WORKERS_FOLDER] = folder
        supervisor = Supervisor(config, [shared])
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        sys.exit(STARTUP_FAILURE)


def prepared(app: "Application", drain_seconds: float) -> Draining:
    """The application as this process serves it.

    Parameters
    ----------
    drain_seconds
        Time after SIGTERM in which requests are still taken and readiness is denied, so that whoever sends traffic can
        stop; then the server takes no more, and ends when the last answer is sent.
    """
    logging.getLogger().addHandler(LibraryLines())
    logging.captureWarnings(capture=True)
    draining = Draining(BodyBudget(app))
    draining.begin_at_signals(drain_seconds)
    return draining


_OPTIONS: dict[str, Any] = {
    "factory": True,
    "http": HttpProtocol,
    "ws": "none",  # whatever is installed: a request to become one is a request like all others
    "log_config": None,
    "log_level": _UVICORN_LEVEL,
    "access_log": False,
    "proxy_headers": False,  # nothing asks for the address and the scheme that they tell
    "server_header": False,
    "timeout_graceful_shutdown": GRACEFUL_SECONDS,
    "timeout_keep_alive": KEEP_ALIVE_SECONDS,
}
