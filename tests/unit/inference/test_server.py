"""The plain server: broken requests are answered and logged like all others, and so is what libraries log."""

import asyncio
import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h11
import pytest
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.server import ServerState

from inference import server
from inference.access_log import AccessLog
from inference.answering import Answering
from inference.fair_loop import FairLoop
from inference.predict import Predict
from inference.server import Beside, HttpProtocol, LibraryLines, serve, serve_by_workers
from inference.supervisor import STARTED_SECONDS
from inference.workers import WORKERS_FOLDER
from skylift.http.record import Record
from skylift.observability import logger
from tests.support.fakes import CurrentStdout, HostHarness
from tests.support.models import iris_package

HEAD = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
SECRET = b"4111 1111 1111 1111"

BROKEN = {
    "no request line": SECRET + b"\r\n\r\n",
    "no header": b"GET / HTTP/1.1\r\n" + SECRET + b"\r\n\r\n",
    "two lengths": b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n" + SECRET,
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "binary": bytes(range(256)),
}


class Transport(asyncio.Transport):
    """A connection in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.writes = 0
        self.closed = self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)
        self.writes += bool(data)  # asyncio sends nothing of nothing

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _logs_to_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pytest capture what the logger writes."""
    monkeypatch.setattr(logger.registered_handler, "stream", CurrentStdout())


@pytest.fixture(scope="module")
def app() -> AccessLog:
    """Predictions of iris v1, and their log."""
    harness = HostHarness()
    harness.activate(iris_package())
    harness.host.wait_until_loaded()
    return AccessLog(Predict(Answering(harness.host)), harness.host, stage="dev", model="iris")


@pytest.fixture
def libraries() -> Iterator[logging.Logger]:
    """The root logger, which hands over to Skylift's."""
    root, handler = logging.getLogger(), LibraryLines()
    root.addHandler(handler)
    yield root
    root.removeHandler(handler)


def configured(app: AccessLog) -> uvicorn.Config:
    """uvicorn's configuration as `serve` makes it."""
    started: list[uvicorn.Config] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(uvicorn, "run", lambda app, **how: started.append(uvicorn.Config(app, **how)))
        before = logging.getLogger().handlers[:]
        try:
            serve(app, host="127.0.0.1", port=0)
            (config,) = started
            config.load()
        finally:
            logging.captureWarnings(capture=False)
            logging.getLogger().handlers[:] = before
    return config


def talk(app: AccessLog, *packets: bytes) -> Transport:
    """Send packets over one connection, each after the application has seen the one before."""

    async def run() -> Transport:
        protocol = HttpProtocol(configured(app), ServerState(), {})
        transport = Transport()
        protocol.connection_made(transport)
        for packet in packets:
            protocol.data_received(packet)
            for _ in range(5):
                await asyncio.sleep(0)
        protocol.connection_lost(None)
        await asyncio.gather(*protocol.tasks)
        return transport

    return asyncio.run(run())


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.err == ""
    assert SECRET.decode() not in captured.out
    return [json.loads(line) for line in captured.out.splitlines()]


def answered(transport: Transport) -> tuple[int, dict[str, str], Any]:
    """Status, headers and document of the one answer."""
    client = h11.Connection(h11.CLIENT)
    client.receive_data(transport.sent)
    client.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    client.send(h11.EndOfMessage())
    response, body = client.next_event(), client.next_event()
    assert isinstance(response, h11.Response)
    assert isinstance(body, h11.Data)
    headers = {name.decode(): value.decode() for name, value in response.headers}
    return response.status_code, headers, json.loads(bytes(body.data))


@pytest.mark.usefixtures("libraries")
class TestBrokenRequests:
    @pytest.mark.parametrize("packet", BROKEN.values(), ids=BROKEN)
    def test_it_is_answered_by_a_problem_with_an_id_and_logged_in_one_line_without_its_words(
        self, app: AccessLog, capsys: pytest.CaptureFixture[str], packet: bytes
    ) -> None:
        transport = talk(app, packet)

        status, headers, document = answered(transport)
        assert (status, headers["content-type"]) == (400, "application/problem+json")
        assert document["type"] == "urn:skylift:problem:broken-request"
        assert transport.closed
        (line,) = lines(capsys)
        assert (line["level"], line["status"], line["reason"]) == ("INFO", 400, "broken-request")
        assert line["correlation_id"] == headers["x-request-id"] == document["request_id"]

    @pytest.mark.parametrize("chunk", [SECRET + b"\r\n", b"5\r\n" + SECRET, b"ffffffffffffffffffffff\r\n"])
    def test_a_body_whose_framing_breaks_is_the_clients_doing(
        self, app: AccessLog, capsys: pytest.CaptureFixture[str], chunk: bytes
    ) -> None:
        transport = talk(app, HEAD, b'c\r\n{"instances"\r\n', chunk)

        status, headers, _ = answered(transport)
        assert status == 400
        written = lines(capsys)
        assert {line["correlation_id"] for line in written} == {headers["x-request-id"]}
        assert [(line["status"], line["reason"]) for line in written if "status" in line] == [(499, "client-gone")]
        assert not [line for line in written if line.get("level") == "ERROR"]

    def test_the_next_request_of_a_connection_is_told_from_one_that_was_answered(
        self, app: AccessLog, capsys: pytest.CaptureFixture[str]
    ) -> None:
        whole = HEAD + b"2\r\n{}\r\n0\r\n\r\n"

        talk(app, whole, SECRET + b"\r\n\r\n")

        assert [line["status"] for line in lines(capsys) if "status" in line] == [422, 400]


SLOW = {
    "nothing": b"",
    "half of a head": b"POST /predict HTTP/1.1\r\nhost: x\r\n",
    "half of a body": HEAD + b'c\r\n{"instances"\r\n',
}


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
def test_a_connection_that_waits_for_the_same_request_for_two_looks_is_closed(app: AccessLog, sent: bytes) -> None:
    assert closed_after_looks(app, sent, b"") == [False, True]


def test_a_connection_that_brings_other_requests_each_time_is_kept(app: AccessLog) -> None:
    half, rest = b"GET /predict HTTP/1.1\r\nhost: x\r\n", b"\r\n"
    assert closed_after_looks(app, half, rest + half, rest + half) == [False, False, False]


def test_a_connection_that_is_kept_alive_ends_by_its_own_time_unless_the_next_request_begins(app: AccessLog) -> None:
    whole = b"GET /predict HTTP/1.1\r\nhost: x\r\n\r\n"
    assert closed_after_looks(app, whole, b"", b"") == [False, False, False]
    assert closed_after_looks(app, whole, b"GET /pre", b"") == [False, False, True]


def test_an_answer_that_nobody_reads_is_given_up(app: AccessLog) -> None:
    transport = Transport()
    transport.close()

    async def look() -> None:
        protocol = HttpProtocol(configured(app), ServerState(), {})
        protocol.connection_made(transport)
        protocol.look_after()
        protocol.connection_lost(None)

    asyncio.run(look())
    assert transport.aborted


def closed_after_looks(app: AccessLog, *packets: bytes) -> list[bool]:
    """Whether the connection is closed after each packet and the look that follows it."""

    async def run() -> list[bool]:
        protocol, closed = HttpProtocol(configured(app), ServerState(), {}), list[bool]()
        transport = Transport()
        protocol.connection_made(transport)
        for packet in packets:
            if packet:
                protocol.data_received(packet)
            for _ in range(5):
                await asyncio.sleep(0)
            protocol.look_after()
            closed.append(transport.closed)
        protocol.connection_lost(None)
        await asyncio.gather(*protocol.tasks)
        return closed

    return asyncio.run(run())


def test_an_answer_is_one_write(app: AccessLog) -> None:
    transport = talk(app, HEAD + b"2\r\n{}\r\n0\r\n\r\n")

    status, headers, document = answered(transport)
    assert (transport.writes, status, headers["x-request-id"]) == (1, 422, document["request_id"])


@pytest.mark.usefixtures("libraries")
def test_a_request_to_become_a_websocket_is_answered_and_logged_in_one_line(
    app: AccessLog, capsys: pytest.CaptureFixture[str]
) -> None:
    upgrade = b"connection: upgrade\r\nupgrade: websocket\r\n"

    transport = talk(app, b"GET /predict HTTP/1.1\r\nhost: x\r\n" + upgrade + b"\r\n")

    status, headers, _ = answered(transport)
    (line,) = lines(capsys)
    assert (status, line["status"]) == (405, 405)
    assert line["correlation_id"] == headers["x-request-id"]


def test_no_request_becomes_a_websocket_whatever_is_installed(app: AccessLog) -> None:
    assert configured(app).ws_protocol_class is None


def test_no_answer_names_the_program_that_serves(app: AccessLog) -> None:
    assert [name for name, _ in configured(app).encoded_headers if name.lower() == b"server"] == []


class TestLibraries:
    def test_what_a_library_logs_is_a_line_of_json_that_names_it(
        self, libraries: logging.Logger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logging.getLogger("asyncio").warning("socket.send() raised %s.", "exception")
        logging.getLogger("asyncio").error("never retrieved", exc_info=ZeroDivisionError("why"))

        first, second = lines(capsys)
        assert (first["level"], first["logger"]) == ("WARNING", "asyncio")
        assert first["message"] == "socket.send() raised exception."
        assert (second["level"], second["exception_name"]) == ("ERROR", "ZeroDivisionError")

    def test_an_error_in_the_clients_framing_is_not_repeated(
        self, libraries: logging.Logger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        error = RuntimeError("state is ERROR")
        error.__context__ = h11.RemoteProtocolError(f"illegal chunk header: {SECRET!r}")

        logging.getLogger("asyncio").error("Fatal error: protocol.data_received() call failed.", exc_info=error)

        assert lines(capsys) == []

    def test_lines_of_skylift_are_not_doubled(
        self, libraries: logging.Logger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logger.warning("once")

        assert [line["message"] for line in lines(capsys)] == ["once"]

    def test_of_a_failure_that_a_library_logs_only_the_kind_and_the_place_are_written(
        self, libraries: logging.Logger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """asyncio repeats the failure in its message, and its words may be values of a body."""
        failure = ValueError(SECRET.decode())

        logging.getLogger("asyncio").error("never retrieved\nfuture: %r", failure, exc_info=failure)

        (line,) = lines(capsys)  # which looks for the secret
        assert (line["message"], line["exception_name"]) == ("never retrieved", "ValueError")


def test_paths_and_what_is_below_them_are_answered_by_another_application() -> None:
    answered: list[str] = []

    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            answered.append(self.name)

        def write_unreadable(self, _: Record) -> None:
            answered.append(f"unreadable: {self.name}")

    both = Beside(Named("inference"), ["/labels", "/retrain"], Named("operations"))
    for path in ("/labels", "/retrain/r-1", "/predict", "/retrainer"):
        asyncio.run(both({"type": "http", "path": path}, None, None))  # type: ignore[arg-type]
    asyncio.run(both({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    both.write_unreadable(Record("r-1"))

    assert answered == ["operations", "operations", "inference", "inference", "inference", "unreadable: inference"]


@pytest.mark.parametrize("code", [0, STARTUP_FAILURE])
def test_workers_share_a_socket_and_a_folder_which_ends_with_them(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    seen: list[tuple[uvicorn.Config, Path, int, int]] = []

    class Above:
        processes = (SimpleNamespace(exitcode=0), SimpleNamespace(exitcode=code))

        def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
            (shared,) = sockets
            seen.append((config, Path(os.environ[WORKERS_FOLDER]), shared.getsockname()[1], shared.proto))

        def run(self) -> None:
            assert seen[0][1].is_dir()

    monkeypatch.setenv(WORKERS_FOLDER, "")
    monkeypatch.setattr(server, "Supervisor", Above)

    with nullcontext() if code == 0 else pytest.raises(SystemExit, match=str(code)):
        serve_by_workers("module:name", host="127.0.0.1", port=0, workers=3)

    ((config, folder, port, protocol),) = seen
    assert (config.app, config.workers, config.timeout_worker_healthcheck) == ("module:name", 3, STARTED_SECONDS)
    assert config.timeout_keep_alive > 60
    assert config.get_loop_factory() is FairLoop
    assert port
    assert protocol == socket.IPPROTO_TCP, "asyncio sends answers of other sockets late"
    assert not folder.exists()
