"""A server that is about to end: readiness is denied, connections close with their answers, and then it ends."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from inference.draining import RETIRE, Draining
from skylift.http.record import Record
from skylift.http.reply import Reply
from tests.support.asgi_client import HttpClient
from tests.support.waiting import TIMES_OUT


class Service:
    """Gives every request the same answer."""

    unreadable = 0

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        await Reply(b'{"ready":true}').send(send)  # type: ignore[arg-type]

    def write_unreadable(self, record: Record) -> None:
        self.unreadable += 1


@pytest.fixture
def draining() -> Draining:
    return Draining(Service())


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    """Whether the server's own handling of SIGTERM has begun."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, RETIRE)}
    event = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: event.set())
    yield event
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("path", ["/health", "/v2/health/ready", "/predict"])
def test_until_then_it_changes_nothing(draining: Draining, path: str) -> None:
    answer = HttpClient(draining).get(path)
    assert (answer.status_code, "connection" in answer.headers) == (200, False)


@pytest.mark.parametrize("path", ["/health", "/v2/health/ready"])
def test_then_it_wants_no_more_traffic(draining: Draining, path: str) -> None:
    draining.closes = draining.ends = True
    answer = HttpClient(draining).get(path)
    assert (answer.status_code, answer.headers["connection"]) == (503, "close")
    assert answer.json() == {"status": "ending", "live": True, "ready": False, "error": "the server is about to end"}


@pytest.mark.parametrize("path", ["/predict", "/v2/health/live"])
def test_what_is_asked_nevertheless_is_answered_and_the_connection_closed(draining: Draining, path: str) -> None:
    draining.closes = draining.ends = True
    answer = HttpClient(draining).get(path)
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


def test_sigterm_begins_it_and_the_server_ends_after_the_time(draining: Draining, ended: threading.Event) -> None:
    draining.begin_at_signals(0.05)

    os.kill(os.getpid(), signal.SIGTERM)

    assert (draining.closes, draining.ends) == (True, True)
    assert ended.wait(TIMES_OUT)


def test_a_second_sigterm_ends_it_at_once_and_nothing_waits_for_the_time(
    draining: Draining, ended: threading.Event
) -> None:
    draining.begin_at_signals(TIMES_OUT)
    os.kill(os.getpid(), signal.SIGTERM)
    assert not ended.is_set()

    os.kill(os.getpid(), signal.SIGTERM)

    assert ended.is_set()
    assert all(thread.daemon for thread in threading.enumerate() if isinstance(thread, threading.Timer))


def test_a_worker_whose_place_is_taken_closes_connections_and_leaves_readiness_to_the_others(
    draining: Draining, ended: threading.Event
) -> None:
    draining.begin_at_signals(0.05)

    os.kill(os.getpid(), RETIRE)

    answer = HttpClient(draining).get("/v2/health/ready")
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    assert ended.wait(TIMES_OUT)


def test_it_is_drained_as_the_others_where_all_end_meanwhile(draining: Draining, ended: threading.Event) -> None:
    draining.begin_at_signals(TIMES_OUT)

    for number in (RETIRE, signal.SIGTERM):
        os.kill(os.getpid(), number)

    assert draining.ends
    assert not ended.is_set()


@pytest.mark.parametrize("number", [signal.SIGTERM, RETIRE])
def test_without_a_time_the_server_ends_as_it_does_by_itself(
    draining: Draining, ended: threading.Event, number: int
) -> None:
    draining.begin_at_signals(0)
    os.kill(os.getpid(), number)
    assert ended.is_set()


def test_what_cannot_be_read_is_written_down_as_before(draining: Draining) -> None:
    draining.write_unreadable(Record("r-1"))
    assert draining._app.unreadable == 1  # type: ignore[attr-defined]
