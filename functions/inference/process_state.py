"""What the system says of the processes that serve: this one, or several that listen at one socket."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from inference.workers import serving

_PROC = Path("/proc")


def resident_bytes(processes: Iterable[int] | None = None) -> int | None:
    """Resident memory, of this process by default; None where the system does not tell."""
    return _summed(processes, _resident_bytes)


def thread_count(processes: Iterable[int] | None = None) -> int | None:
    """Number of threads, those of compiled libraries among them; None where the system does not tell."""
    return _summed(processes, lambda process: len(list((process / "task").iterdir())))


class ProcessorTime:
    """How busy the processes that serve were, each time since the reading before."""

    def __init__(self) -> None:
        self._last = _clocks(serving())

    def percent(self) -> float:
        """Processor time as a percentage of the time that passed: 100 is one processor, all the time."""
        wall, used = self._last
        self._last = now, used_now = _clocks(serving())
        busy = max(used_now - used, 0.0)  # a process that ended takes its time away
        return 100 * busy / (now - wall) if now > wall else 0.0


def _clocks(processes: Iterable[int]) -> tuple[float, float]:
    if [*processes] == [os.getpid()]:
        return time.monotonic(), time.process_time()
    return time.monotonic(), (_summed(processes, _processor_ticks) or 0) / os.sysconf("SC_CLK_TCK")


def _resident_bytes(process: Path) -> int:
    return int((process / "statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _processor_ticks(process: Path) -> int:
    """Time in user and kernel mode; the name before them, in parentheses, may hold anything."""
    after_name = (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return int(after_name[11]) + int(after_name[12])


def _summed(processes: Iterable[int] | None, of: Callable[[Path], int]) -> int | None:
    found = []
    for process in [os.getpid()] if processes is None else processes:
        try:
            found.append(of(_PROC / str(process)))
        except OSError:  # it has ended, or the system does not tell
            continue
    return sum(found) if found else None
