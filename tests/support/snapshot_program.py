"""A function of which a snapshot is taken, and that each fork restores: the program of `tests.support.snapshots`.

It replaces the clocks before anything is imported that takes them: those of a restored function have jumped.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Jump:
    """How far the clocks are ahead, in seconds."""

    seconds = 0.0


def _jumping(clock: Callable[[], float]) -> Callable[[], float]:
    return lambda: clock() + Jump.seconds


def main(address: str) -> None:
    """Start the function, take its snapshot, and restore it as often as it is asked for.

    Parameters
    ----------
    address
        Path of the socket to which the snapshot, and then each restored function, connects.
    """
    for name in ("monotonic", "perf_counter", "time"):
        setattr(time, name, _jumping(getattr(time, name)))
    from multiprocessing.connection import Client
    from signal import SIG_IGN, SIGCHLD, signal

    from awslambdaric.lambda_runtime_hooks_runner import run_before_snapshot  # type: ignore[import-untyped]

    from inference.handler import handler, service

    run_before_snapshot()
    signal(SIGCHLD, SIG_IGN)  # nobody waits for the forks
    with Client(address) as orders:
        orders.send(_connections())
        while (jump := orders.recv()) is not None:
            if os.fork() == 0:
                orders.close()
                _restore(handler, service, address, jump)
                os._exit(0)


def _restore(handler: Any, service: Any, address: str, jump: float) -> None:
    import asyncio
    import random
    import uuid
    from concurrent.futures import ThreadPoolExecutor
    from multiprocessing.connection import Client
    from types import SimpleNamespace

    from awslambdaric.lambda_runtime_hooks_runner import run_after_restore

    Jump.seconds = jump
    service.host._threads = ThreadPoolExecutor(1)  # a fork has lost the threads that a snapshot keeps
    asyncio.set_event_loop(asyncio.new_event_loop())  # and shares what wakes the event loop
    run_after_restore()
    with Client(address) as caller:
        caller.send((_connections(), random.random(), uuid.uuid4()))
        while (order := caller.recv()) is not None:
            seconds, event = order
            Jump.seconds += seconds
            caller.send(handler(event, SimpleNamespace(aws_request_id="1")))


def _connections() -> set[int]:
    """Inodes of the open TCP sockets: of two processes that have one in common, it is the same connection."""
    tcp = {int(line.split()[9]) for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]}
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.add(entry.stat().st_ino)
        except FileNotFoundError:  # that of the listing itself
            continue
    return found & tcp


if __name__ == "__main__":
    main(sys.argv[1])
