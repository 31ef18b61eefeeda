"""When a version that could not be loaded is tried again: at growing intervals, because each try fetches all of it."""

from collections.abc import Callable

from inference.degradation import Degradation
from skylift.references import Reference

_EARLIER = 0.8
_MAX_BACKOFF = 16


class Retries:
    """The failures of one version at a time; another version begins again at none.

    Parameters
    ----------
    refresh_seconds
        Pause after the first failure in seconds; it doubles up to sixteen times that.
    clock
        Function that returns monotonic seconds.
    """

    def __init__(self, refresh_seconds: float, clock: Callable[[], float]) -> None:
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        """Let every version be tried at once."""
        self._last: Degradation | None = None
        self._failures = 0
        self._retry_at = 0.0

    def failed(self, degradation: Degradation) -> None:
        """Note that a version could not be loaded, and why."""
        again = self._last is not None and self._last.reference == degradation.reference
        self._failures = self._failures + 1 if again else 1
        self._last = degradation
        pause = self._refresh_seconds * min(2 ** (self._failures - 1), _MAX_BACKOFF)
        self._retry_at = self._clock() + pause * _EARLIER

    def reason_to_wait(self, reference: Reference) -> Degradation | None:
        """Why a version is not tried now; None where it is."""
        waits = self._last is not None and self._last.reference == reference and self._clock() < self._retry_at
        return self._last if waits else None
