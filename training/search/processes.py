"""How the processes of a search take Ctrl-C, and the end of the process that started them."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_LOOKS_SECONDS = 1.0


def belong_to_the_main_process() -> None:
    """Let a worker end when the main process does, and at Ctrl-C only then: a terminal sends it to every process."""
    main = multiprocessing.parent_process()
    if main is None:
        return
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.name == "posix":  # elsewhere a process keeps the number of its parent
        _end_with(main.pid)


@cache  # one thread for each process
def _end_with(parent: int | None) -> None:
    """End at once when the process that started this one was killed: loky's workers would wait for work for minutes."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOKS_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes and threads that are started within hear no Ctrl-C, nor does this thread meanwhile."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
