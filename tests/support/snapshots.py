"""SnapStart on this machine: a process that has initialised the function is the snapshot, its forks are restores.

As after a restore by Lambda, a fork has the memory of the snapshot while clocks have jumped and the world has gone on;
unlike there, it has lost its threads, and shares the sockets that were open.

    with Snapshot(task_root, environment) as snapshot:
        first, second = snapshot.restore(3600.0, -60.0)
        first.invoke(event)
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from socket import AF_UNIX, socket
from tempfile import TemporaryDirectory
from typing import Any, Self

from tests.support import snapshot_program
from tests.support.lambda_runtime import function_environment
from tests.support.waiting import TIMES_OUT


class Restored:
    """A function that was restored.

    Attributes
    ----------
    connections
        Inodes of the TCP sockets that are open after the hooks.
    draw, drawn_id
        Next number of the shared generator, and next identifier.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.connections, self.draw, self.drawn_id = _receive(connection)

    def invoke(self, event: object, *, later: float = 0.0) -> Any:
        """What the handler returns for an event, so many seconds after what was before."""
        self._connection.send((later, event))
        return _receive(self._connection)

    def end(self) -> None:
        """End its process."""
        self._connection.send(None)
        self._connection.close()


class Snapshot:
    """A function that was initialised, has run its hooks before a snapshot, and stands still.

    Parameters
    ----------
    task_root
        Folder of the function's code.
    environment
        Variables of the function.

    Attributes
    ----------
    connections
        Inodes of the TCP sockets that were open in it.
    """

    def __init__(self, task_root: Path, environment: Mapping[str, str]) -> None:
        self._task_root = task_root
        self._environment = function_environment(task_root, environment)
        self._restored: list[Restored] = []

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="snapshot-")
        self._log = Path(self._folder.name, "log")
        address = str(Path(self._folder.name, "socket"))
        self._server = socket(AF_UNIX)
        self._server.bind(address)
        self._server.listen()
        self._server.settimeout(0.2)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-S", snapshot_program.__file__, address],
                cwd=self._task_root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
            )
        self._orders = self._accept()
        self.connections: set[int] = _receive(self._orders)
        return self

    def __exit__(self, *_: object) -> None:
        for restored in self._restored:
            restored.end()
        self._orders.send(None)
        self._orders.close()
        self._process.wait(TIMES_OUT)
        self._server.close()
        self._folder.cleanup()

    def restore(self, *jumps: float) -> list[Restored]:
        """Restore it once for each jump of the clocks, in seconds, all at once."""
        for jump in jumps:
            self._orders.send(jump)
        restored = [Restored(self._accept()) for _ in jumps]
        self._restored += restored
        return restored

    def lines(self) -> list[str]:
        """All that the function has written to stdout, also before the snapshot."""
        return self._log.read_text(encoding="utf-8").splitlines()

    def _accept(self) -> Connection:
        deadline = time.monotonic() + TIMES_OUT
        while True:
            try:
                return Connection(self._server.accept()[0].detach())
            except TimeoutError:
                assert self._process.poll() is None, "the function ended: see its stderr"
                assert time.monotonic() < deadline, "no restored function answers"


def _receive(connection: Connection) -> Any:
    assert connection.poll(TIMES_OUT), "the function hangs"
    return connection.recv()
