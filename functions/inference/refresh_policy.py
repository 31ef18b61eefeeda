"""When an environment reads the pointer again: the part of the host that a simulation of thousands of them shares."""

import random
from collections.abc import Callable

_JITTER = 0.2
_WIDEST = 16.0
_RECOVERY = 0.02
_RETRY_SECONDS = 1.0


class RefreshPolicy:
    """The pace of one environment; it knows no clock and no AWS.

    An environment that SSM throttles tries again after the refresh time, but reads half as often once it has read, down
    to a sixteenth. Each reading that is not throttled adds a fiftieth of the full rate. So those that were lucky make
    room for those that were not: were the next try put off instead, the lucky ones would keep the rate to themselves.

    Parameters
    ----------
    refresh_seconds
        Age in seconds at which the pointer is read again; 0 reads it in every request.
    max_pointer_age
        Age in seconds from which a pointer is too old; None for twenty refresh times, at least a minute.
    uniform
        Function that draws a number between two; by default from the shared generator, which a restore seeds again.
    """

    def __init__(
        self,
        refresh_seconds: float,
        max_pointer_age: float | None = None,
        *,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._refresh_seconds = refresh_seconds
        self._max_pointer_age = max(60.0, 20 * refresh_seconds) if max_pointer_age is None else max_pointer_age
        self._uniform = uniform
        self.start()

    def start(self) -> None:
        """Begin as an environment that has not read the pointer yet, and tries again after a second.

        So too while no version can be loaded.
        """
        self._spacing = 1.0
        self._unread, self._refused = True, False
        self._pause = min(self._refresh_seconds, _RETRY_SECONDS)

    def answered(self) -> None:
        """SSM gave the pointer."""
        if not self._refused:
            self._spacing = max(1.0, 1 / (1 / self._spacing + _RECOVERY))
        self._unread = self._refused = False
        self._pause = self.interval

    def throttled(self) -> None:
        """SSM throttled: before the first reading this changes nothing, so that bursts of starts pass."""
        if self._unread:
            return
        if not self._refused:
            self._spacing = min(_WIDEST, self._spacing * 2)
        self._refused, self._pause = True, self._refresh_seconds

    def failed(self) -> None:
        """SSM failed otherwise: while a model serves, no try comes before the refresh time."""
        self._pause = max(self._pause, self.interval)

    @property
    def interval(self) -> float:
        """Seconds between two readings that succeed, without jitter."""
        return self._refresh_seconds * self._spacing

    def until_next(self) -> float:
        """Seconds from the beginning of a reading to the next wait for one, however long the first takes."""
        return self._jittered(self.interval)

    def until_next_after_end(self) -> float:
        """Seconds from the beginning of a reading that has ended to the next."""
        return self._jittered(self._pause)

    def too_old(self, age: float | None) -> bool:
        """Whether a pointer of this age in seconds is too old; one that was not read yet (None) is."""
        return age is None or age > self._max_pointer_age

    def _jittered(self, seconds: float) -> float:
        """Jittered downwards, so that a switch never takes longer than promised."""
        return seconds * self._uniform(1 - _JITTER, 1)
