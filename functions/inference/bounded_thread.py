"""A thread for code that may hang: whoever waits for it does so only for a time."""

import ctypes
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any


class Busy(Exception):
    """An earlier task that took too long is still running."""


class TaskFailed(Exception):
    """A task raised, as the cause says; also what would end the process elsewhere."""


class BoundedThread:
    """Runs one task at a time. It never keeps the process from ending.

    Parameters
    ----------
    name
        Name of the thread.
    """

    def __init__(self, name: str) -> None:
        self._tasks: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()  # cheaper than locks, and than an executor
        self._outcomes: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self._turn = threading.Lock()
        self._running = self._late = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call[Result](self, task: Callable[[], Result], seconds: float) -> Result:
        """Run a task, and wait for its result.

        Parameters
        ----------
        seconds
            Longest wait, also for tasks of other threads.

        Raises
        ------
        TimeoutError
            It goes on; `outcome` has its result later.
        Busy
            An earlier one goes on.
        TaskFailed
            It raised.
        """
        if not self._turn.acquire(timeout=seconds):
            raise Busy
        try:
            if self._running and self._outcomes.empty():
                raise Busy
            if self._running:
                self._outcomes.get()  # of a task that nobody waits for any more
            self.start(task)
            result: Result = self.outcome(seconds)
            return result
        finally:
            self._turn.release()

    def start(self, task: Callable[[], object]) -> None:
        """Run a task while none is running; `outcome` has its result."""
        self._running, self._late = True, False
        self._tasks.put(task)

    def outcome(self, seconds: float) -> Any:
        """The result of a task that was started, or took longer than somebody waited.

        Raises
        ------
        TimeoutError, TaskFailed
            See `call`.
        """
        try:
            result, failure = self._outcomes.get(timeout=seconds)
        except Empty:
            self._late = True
            raise TimeoutError from None
        self._running = self._late = False
        if failure is not None:
            raise TaskFailed from failure
        return result

    def end(self) -> None:
        """Let the thread end: at once, or with its task; one that is late and loops in Python is broken off."""
        self._tasks.put(None)
        if self._late and self._thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread.ident), ctypes.py_object(SystemExit))

    def _run(self) -> None:
        with suppress(SystemExit):  # by `end`, which a task may just have escaped
            while (task := self._tasks.get()) is not None:
                outcome: tuple[Any, BaseException | None]
                try:
                    outcome = task(), None
                except BaseException as failure:  # noqa: BLE001 (a pickle may end the interpreter, compiled code may panic)
                    outcome = None, failure
                del task
                self._outcomes.put(outcome)
                del outcome
