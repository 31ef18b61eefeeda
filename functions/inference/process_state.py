"""What the system says of this process."""

import os
import time
from pathlib import Path

_PROC = Path("/proc/self")


def resident_bytes() -> int | None:
    """Resident memory; None where the system does not tell."""
    try:
        pages = int((_PROC / "statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def thread_count() -> int | None:
    """Number of threads, those of compiled libraries among them; None where the system does not tell."""
    try:
        return len(list((_PROC / "task").iterdir()))
    except OSError:
        return None


class ProcessorTime:
    """How busy the process was, each time since the reading before."""

    def __init__(self) -> None:
        self._last = _clocks()

    def percent(self) -> float:
        """Processor time as a percentage of the time that passed: 100 is one processor, all the time."""
        wall, used = self._last
        self._last = now, used_now = _clocks()
        return 100 * (used_now - used) / (now - wall) if now > wall else 0.0


def _clocks() -> tuple[float, float]:
    return time.monotonic(), time.process_time()
