"""What the workers of one server know of each other: each has a place, which is a file in a folder of theirs."""

import fcntl
import os
from itertools import count
from pathlib import Path

WORKERS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Variable with the folder, by which prometheus-client keeps the counters of several processes there."""

_PROC = Path("/proc")
_READY = "ready"


class Place:
    """The first place that no living process has. What was counted at it before is counted on.

    Parameters
    ----------
    folder
        Folder of the workers.

    Attributes
    ----------
    number
        Number of the place, from 0.
    """

    def __init__(self, folder: Path) -> None:
        self.number, self._file = next(
            (number, file) for number in count() if (file := _locked(folder / f"worker_{number}")) is not None
        )
        os.ftruncate(self._file, 0)
        self._write(f"{os.getpid()} ")

    def tell_ready(self) -> None:
        """Let the others know that this process has a model."""
        self._write(_READY)

    def _write(self, text: str) -> None:
        os.write(self._file, text.encode())


def serving() -> list[int]:
    """Ids of the processes that serve together: the workers that live, or this process alone."""
    if (folder := os.environ.get(WORKERS_FOLDER)) is None:
        return [os.getpid()]
    return sorted(_living(Path(folder)))


def others_are_ready() -> bool:
    """Whether another process that serves has a model."""
    if (folder := os.environ.get(WORKERS_FOLDER)) is None:
        return False
    return any(told == _READY for process, told in _living(Path(folder)).items() if process != os.getpid())


def _locked(path: Path) -> int | None:
    """The file at a place, open and locked until this process ends, however it does; None where another has it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def _living(folder: Path) -> dict[int, str]:
    """What the workers that live have told, by their ids."""
    told = (path.read_text(encoding="ascii").partition(" ") for path in folder.glob("worker_*"))
    return {int(process): rest for process, _, rest in told if process and _lives(process)}


def _lives(process: str) -> bool:
    """Whether a process exists, and has not ended without that anybody asked for its exit code."""
    try:
        after_name = (_PROC / process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    except OSError:
        return False
    return after_name.split()[0] != "Z"
