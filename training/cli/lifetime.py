"""Processes that another one starts end with it, however it ends: their stdin is a pipe that it holds."""

import os
import signal
import sys
from threading import Thread

_CHUNK = 4096


def end_with_stdin() -> None:
    """End this process at once when its stdin does, and all that it started if it leads a group of processes."""
    Thread(target=_end, daemon=True).start()


def _end() -> None:
    while os.read(sys.stdin.fileno(), _CHUNK):  # not by a buffer, whose lock fails an interpreter that ends meanwhile
        pass
    if os.name == "posix" and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
