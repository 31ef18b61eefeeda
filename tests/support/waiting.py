"""Waiting for other threads and processes: by polling, up to a limit that no correct run comes near."""

import time
from collections.abc import Callable

TIMES_OUT = 300.0
"""Seconds after which something hangs, however slow the machine is."""


def wait_until(condition: Callable[[], bool], *, what: str, seconds: float = TIMES_OUT) -> None:
    """Poll a condition until it holds.

    Parameters
    ----------
    condition
        Condition to wait for.
    what
        Description of the condition, for the failure.
    seconds
        Time limit, in seconds.

    Raises
    ------
    AssertionError
        The condition does not hold within the limit.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
