"""Processes that another one starts end with it, however it ends: their stdin is a pipe that it holds."""

import os
import signal
import sys
from threading import Thread


def end_with_stdin() -> None:
    """End this process at once when its stdin does, and all that it started if it leads a group of processes."""
    Thread(target=_end, daemon=True).start()


def _end() -> None:
    sys.stdin.buffer.read()
    if os.name == "posix" and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
