"""A thread for code that may hang: results, failures, and a bound on every wait."""

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from inference.bounded_thread import BoundedThread, Busy, TaskFailed
from tests.support.waiting import TIMES_OUT, wait_until


@pytest.fixture
def thread() -> Iterator[BoundedThread]:
    made = BoundedThread("tested")
    yield made
    made.end()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """A task waits for it; open in the end."""
    made = threading.Event()
    yield made
    made.set()


def too_long(thread: BoundedThread, gate: threading.Event) -> None:
    """Let the thread run what nobody waits for."""
    with pytest.raises(TimeoutError):
        thread.call(lambda: gate.wait(TIMES_OUT), 0.001)


def test_a_task_runs_in_that_thread_and_gives_its_result(thread: BoundedThread) -> None:
    assert [thread.call(threading.get_ident, TIMES_OUT) for _ in range(2)] == [thread._thread.ident] * 2


@pytest.mark.parametrize("failure", [ValueError, SystemExit, KeyboardInterrupt])
def test_whatever_a_task_raises_is_a_failed_task_and_the_thread_goes_on(
    thread: BoundedThread, failure: type[BaseException]
) -> None:
    def task() -> None:
        raise failure

    with pytest.raises(TaskFailed) as caught:
        thread.call(task, TIMES_OUT)

    assert isinstance(caught.value.__cause__, failure)
    assert thread.call(lambda: 1, TIMES_OUT) == 1


def test_while_a_task_that_took_too_long_runs_the_thread_is_busy_at_once(
    thread: BoundedThread, gate: threading.Event
) -> None:
    too_long(thread, gate)

    with pytest.raises(Busy):
        thread.call(lambda: 1, TIMES_OUT)


def test_after_it_the_next_task_gets_its_own_result(thread: BoundedThread, gate: threading.Event) -> None:
    too_long(thread, gate)
    gate.set()
    wait_until(lambda: not thread._outcomes.empty(), what="the late task is done")

    assert thread.call(lambda: "next", TIMES_OUT) == "next"


def test_a_task_that_was_started_can_be_waited_for_piece_by_piece(thread: BoundedThread, gate: threading.Event) -> None:
    thread.start(lambda: gate.wait(TIMES_OUT) and "loaded")
    with pytest.raises(TimeoutError):
        thread.outcome(0.001)
    gate.set()

    assert thread.outcome(TIMES_OUT) == "loaded"


def test_callers_at_once_take_turns(thread: BoundedThread) -> None:
    def double(number: int) -> int:
        return thread.call(lambda: 2 * number, TIMES_OUT)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(double, range(50))) == [2 * number for number in range(50)]


def test_a_caller_waits_for_its_turn_no_longer_than_for_its_result(
    thread: BoundedThread, gate: threading.Event
) -> None:
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(thread.call, lambda: gate.wait(TIMES_OUT), TIMES_OUT)
        wait_until(thread._turn.locked, what="the other caller has its turn")

        with pytest.raises(Busy):
            thread.call(lambda: 1, 0.001)

        gate.set()
        assert other.result(TIMES_OUT)


def test_it_does_not_keep_the_process(thread: BoundedThread) -> None:
    assert thread._thread.daemon


def test_an_end_between_tasks_is_the_end_of_the_thread(thread: BoundedThread) -> None:
    thread.end()
    thread._thread.join(TIMES_OUT)

    assert not thread._thread.is_alive()


def test_an_end_breaks_off_a_loop_in_python(thread: BoundedThread) -> None:
    def loop() -> None:
        while True:
            time.sleep(0)

    with pytest.raises(TimeoutError):
        thread.call(loop, 0.001)
    thread.end()
    thread._thread.join(TIMES_OUT)

    assert not thread._thread.is_alive()


def test_an_end_lets_a_task_that_is_in_time_finish(thread: BoundedThread) -> None:
    def task() -> str:
        thread.end()
        return "done"

    assert thread.call(task, TIMES_OUT) == "done"


def test_it_keeps_nothing_of_a_task_that_is_done(thread: BoundedThread) -> None:
    class Task:
        def __call__(self) -> None:
            pass

    task = Task()
    kept = weakref.ref(task)
    thread.call(task, TIMES_OUT)
    del task
    gc.collect()

    wait_until(lambda: kept() is None, what="the task is gone")
