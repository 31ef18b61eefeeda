"""The process above the workers: all of them hear of the end, and a new one serves before an old one goes."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from uvicorn.supervisors.multiprocess import SIGNALS

from inference import supervisor
from inference.draining import RETIRE
from inference.supervisor import Supervisor

TERM = signal.SIGTERM


@dataclass
class Worker:
    """A worker in memory.

    Parameters
    ----------
    serves
        Whether it comes into service.
    """

    pid: int
    serves: bool = True
    did: list[str] = field(default_factory=list)
    while_it_ends: Callable[[], object] = int

    def start(self) -> None:
        self.did.append("start")

    def wait_until_ready(self, _: float, should_exit: Any) -> bool:
        return self.serves and not should_exit.is_set()

    def kill(self) -> None:
        self.did.append("kill")

    def join(self) -> None:
        self.did.append("join")
        self.while_it_ends()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Signals by process."""
    signals: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: signals.append((pid, number)))
    return signals


@pytest.fixture
def above() -> Iterator[Supervisor]:
    """The supervisor of workers 1 and 2."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    made = Supervisor(uvicorn.Config("nothing:nothing", workers=2, log_config=None), [])
    made.processes = [Worker(1), Worker(2)]  # type: ignore[list-item]
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def new(monkeypatch: pytest.MonkeyPatch) -> list[Worker]:
    """Workers that are started next."""
    workers = [Worker(3), Worker(4)]
    left = iter(workers)
    monkeypatch.setattr(supervisor, "Process", lambda *_: next(left))
    return workers


def test_each_signal_to_end_reaches_all_workers_at_once_and_none_twice(
    above: Supervisor, sent: list[tuple[int, int]]
) -> None:
    signal.raise_signal(TERM)
    assert sent == [(1, TERM), (2, TERM)]
    assert above.should_exit.is_set()

    above.processes.append(Worker(3))  # type: ignore[arg-type]  # which was about to start
    above.terminate_all()
    assert sent[2:] == [(3, TERM)]

    signal.raise_signal(signal.SIGINT)
    assert sent[3:] == [(1, TERM), (2, TERM), (3, TERM)]


def test_new_workers_take_the_places_of_all_one_after_another(
    above: Supervisor, sent: list[tuple[int, int]], new: list[Worker]
) -> None:
    first, second = above.processes

    above.restart_all()

    assert [worker.pid for worker in above.processes] == [3, 4]
    assert sent == [(1, RETIRE), (2, RETIRE)]
    assert [worker.did for worker in (first, second, *new)] == [["join"], ["join"], ["start"], ["start"]]  # type: ignore[attr-defined]


def test_the_others_stay_where_a_new_one_does_not_serve(
    above: Supervisor, sent: list[tuple[int, int]], new: list[Worker]
) -> None:
    new[0].serves = False
    before = [*above.processes]

    above.restart_all()

    assert (above.processes, sent) == (before, [])
    assert new[0].did == ["start", "kill", "join"]


def test_a_worker_that_dies_while_it_is_asked_is_not_waited_for(above: Supervisor) -> None:
    asked, answering = multiprocessing.Pipe()
    answering_in_worker = os.dup(answering.fileno())

    def is_alive(timeout: float) -> bool:
        os.close(answering_in_worker)  # as its death does
        assert asked.poll(timeout)
        above.should_exit.set()
        return False

    worker: Any = above.processes[0]
    worker.child_conn, worker.is_alive, worker.exitcode = answering, is_alive, -9
    del above.processes[1]

    above.keep_subprocess_alive()

    assert worker.did == ["kill", "join"]
    asked.close()


def test_the_end_does_not_wait_for_a_worker_that_retires(
    above: Supervisor, sent: list[tuple[int, int]], new: list[Worker]
) -> None:
    above.processes[0].while_it_ends = lambda: signal.raise_signal(TERM)  # type: ignore[attr-defined]

    above.restart_all()
    above.terminate_all()

    assert sent == [(1, RETIRE), (3, TERM), (2, TERM), (1, TERM)]
    assert new[1].did == []


def test_a_worker_that_is_gone_needs_no_signal(above: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(os, "kill", gone)
    signal.raise_signal(TERM)
    assert above.should_exit.is_set()
