"""Files that a killed process leaves whole: replaced at once, and locks that end with the process that holds them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

TEMPORARY = ".tmp"
"""Ending of a file that is being written."""

if sys.platform == "win32":
    import msvcrt

    _FAR = 2**30  # Windows lets nobody else read the bytes that are locked: these are behind the text

    def _acquire(file: IO[bytes], *, wait: bool) -> None:
        file.seek(_FAR)
        while True:
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            except OSError:  # it waits for ten seconds only
                if not wait:
                    raise
            else:
                return
else:
    import fcntl

    def _acquire(file: IO[bytes], *, wait: bool) -> None:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that a process or machine that ends meanwhile leaves the old content or the new one.

    Raises
    ------
    OSError
        It cannot be written; the old content stays.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # elsewhere a folder cannot be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[IO[bytes]]:
    """A file that one process at a time has; the operating system frees it when the process ends, however it ends.

    Parameters
    ----------
    path
        Path of the file, which is made if it is missing and stays.
    wait
        Whether to wait for the process that has it.

    Raises
    ------
    OSError
        It cannot be opened, or another process has it and `wait` is false (`BlockingIOError` on POSIX).
    """
    with path.open("ab") as file:
        _acquire(file, wait=wait)
        yield file


def is_locked(path: Path) -> bool:
    """Whether a process has a file that `locked` made."""
    if not path.exists():
        return False
    try:
        with locked(path, wait=False):
            return False
    except OSError:
        return True
