"""The process that starts the workers of a plain server, replaces those that die, and tells them when to end."""

import os
import signal
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from uvicorn.supervisors.multiprocess import Multiprocess, Process

from inference.draining import RETIRE
from skylift.observability import logger

if TYPE_CHECKING:
    import uvicorn

STARTED_SECONDS = 60
"""How long a worker may take to start, and to say that it lives: on a busy machine many start at once."""


class Supervisor(Multiprocess):
    """uvicorn's, which hears of its end whatever it waits for, and retires workers without denying readiness.

    Parameters
    ----------
    config
        Configuration of the workers.
    sockets
        Sockets that they share.
    """

    def __init__(self, config: "uvicorn.Config", sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self._retiring: Process | None = None
        self._told: set[int | None] = set()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def _end(self, *_: Any) -> None:
        """Ask all to end, each time when this process is asked: the second time shortens what they do first."""
        self.should_exit.set()
        for process in (*self.processes, *([self._retiring] if self._retiring else ())):
            self._tell(process, signal.SIGTERM)

    def terminate_all(self) -> None:
        """Ask those to end that were started meanwhile."""
        for process in self.processes:
            if process.pid not in self._told:
                self._tell(process, signal.SIGTERM)

    def keep_subprocess_alive(self) -> None:
        """Replace those that died; where one cannot start and nobody else serves, ask all to end."""
        for process in self.processes:
            process.child_conn.close()  # the worker's end, so that its death ends a wait for an answer of it
        super().keep_subprocess_alive()

    def restart_all(self) -> None:
        """Put a new worker in the place of each, when it serves; where one cannot, the others stay."""
        for place, old in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            new = Process(self.config, self.sockets)
            new.start()
            if not new.wait_until_ready(self.config.timeout_worker_healthcheck, self.should_exit):
                new.kill()
                new.join()
                if not self.should_exit.is_set():
                    logger.error("a new worker does not serve: the others stay")
                return
            self.processes[place], self._retiring = new, old
            self._tell(old, RETIRE)
            old.join()
            self._retiring = None

    def _tell(self, process: Process, number: int) -> None:
        if number == signal.SIGTERM:
            self._told.add(process.pid)
        if process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, number)
