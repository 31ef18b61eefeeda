"""Computes long answers beside the event loop of a plain server, which has others and probes to answer meanwhile.

numpy and onnxruntime let the loop run while they compute, and code in Python gives way every few milliseconds. On
Lambda an environment has one request at a time, and nobody waits beside it.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from skylift.http.errors import Overloaded
from skylift.observability import logger

WAIT_SECONDS = 10.0
"""How long a request waits for its turn: longer than reasons may take."""

COMPUTING_SECONDS = 30.0
"""How long it then waits for its answer: twice the time that Lambda gives one."""


class Computing:
    """A thread that computes one answer at a time, as estimators expect. It never keeps the process from ending.

    A computation that does not end cannot be broken off: the process is then asked to end, as Lambda ends one.

    Parameters
    ----------
    wait_seconds, seconds
        See `WAIT_SECONDS` and `COMPUTING_SECONDS`.
    """

    def __init__(self, *, wait_seconds: float = WAIT_SECONDS, seconds: float = COMPUTING_SECONDS) -> None:
        self._wait_seconds = wait_seconds
        self._seconds = seconds
        self._turn = asyncio.Semaphore()
        self._tasks: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        threading.Thread(target=self._run, name="computing", daemon=True).start()

    async def run[Result](self, task: Callable[[], Result]) -> Result:
        """Compute in turn, and wait for the result.

        Raises
        ------
        Overloaded
            It did not come to its turn, or took too long. Any other error is one of the task's own.
        """
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._turn.acquire()
        except TimeoutError:
            raise Overloaded("too many answers that take long are waited for", "try again shortly") from None
        future: Future[Result] = Future()
        self._tasks.put((task, future))
        outcome = asyncio.wrap_future(future)
        outcome.add_done_callback(self._end_turn)  # also where nobody waits any more
        await asyncio.wait([outcome], timeout=self._seconds)
        if not outcome.done():
            logger.error("a computation does not end", extra={"seconds": self._seconds})
            os.kill(os.getpid(), signal.SIGTERM)
            raise Overloaded(f"the answer takes more than {self._seconds:g} s", "ask for fewer instances")
        return outcome.result()

    def _end_turn(self, outcome: "asyncio.Future[Any]") -> None:
        if not outcome.cancelled():
            outcome.exception()  # which is told of, even if nobody waits for it
        self._turn.release()

    def _run(self) -> None:
        while True:
            task, future = self._tasks.get()
            try:
                future.set_result(task())
            except BaseException as error:  # noqa: BLE001 (whatever it raises belongs to who waits)
                future.set_exception(error)
            del task, future  # with the body and the model that it holds
