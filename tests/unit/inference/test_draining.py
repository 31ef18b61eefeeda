"""A server that is about to end: readiness is denied, connections close with their answers, and then it ends."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from inference.draining import Draining
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
def _own_handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("path", ["/health", "/v2/health/ready", "/predict"])
def test_until_then_it_changes_nothing(draining: Draining, path: str) -> None:
    answer = HttpClient(draining).get(path)
    assert (answer.status_code, "connection" in answer.headers) == (200, False)


@pytest.mark.parametrize("path", ["/health", "/v2/health/ready"])
def test_then_it_wants_no_more_traffic(draining: Draining, path: str) -> None:
    draining.ends = True
    answer = HttpClient(draining).get(path)
    assert (answer.status_code, answer.headers["connection"]) == (503, "close")
    assert answer.json() == {"status": "ending", "live": True, "ready": False, "error": "the server is about to end"}


@pytest.mark.parametrize("path", ["/predict", "/v2/health/live"])
def test_what_is_asked_nevertheless_is_answered_and_the_connection_closed(draining: Draining, path: str) -> None:
    draining.ends = True
    answer = HttpClient(draining).get(path)
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


@pytest.mark.usefixtures("_own_handler")
def test_sigterm_begins_it_and_the_server_ends_after_the_time(draining: Draining) -> None:
    ended, at_end = threading.Event(), list[bool]()

    def end(*_: object) -> None:
        at_end.append(draining.ends)
        ended.set()

    signal.signal(signal.SIGTERM, end)
    draining.begin_at_sigterm(0.05)

    os.kill(os.getpid(), signal.SIGTERM)

    assert draining.ends
    assert not at_end
    assert ended.wait(TIMES_OUT)
    assert at_end == [True]


@pytest.mark.usefixtures("_own_handler")
def test_a_second_signal_ends_it_at_once(draining: Draining, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "Timer", lambda *_: threading.Thread(target=int))
    at_end: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: at_end.append(draining.ends))
    draining.begin_at_sigterm(60)

    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)

    assert at_end == [True]


@pytest.mark.usefixtures("_own_handler")
def test_without_a_time_the_server_ends_as_it_does_by_itself(draining: Draining) -> None:
    before = signal.getsignal(signal.SIGTERM)
    draining.begin_at_sigterm(0)
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_cannot_be_read_is_written_down_as_before(draining: Draining) -> None:
    draining.write_unreadable(Record("r-1"))
    assert draining._app.unreadable == 1  # type: ignore[attr-defined]
