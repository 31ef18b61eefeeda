"""What is wrong with a serving environment, as `/health` and the log say it."""

from dataclasses import dataclass
from datetime import datetime

from skylift.references import Reference

POINTER_STALE = "pointer-stale"
"""The pointer was not read for too long: another version may be active."""

POINTER_UNREAD = "pointer-unread"
"""The pointer was not read since the start or a restore: the version is that of the image or of the snapshot."""

SWITCH_SLOW = "switch-slow"
"""A version takes too long to load."""

CHALLENGER_DROPPED = "challenger-dropped"
"""The challenger failed too often in this environment."""

CHALLENGER_SLOW = "challenger-slow"
"""Loading the challenger does not end."""

_LATE_INTERVALS = 3
_LATE_SECONDS = 5.0
"""For short intervals: a try that AWS does not answer takes longer than some of them."""


@dataclass(frozen=True, slots=True)
class Degradation:
    """Why the active version is not loaded, or may not be.

    Parameters
    ----------
    code
        The error's code, or one of this module; callers see it.
    message
        The error's message, for the log alone: it may name parameters and files, and what AWS answered.
    since
        Time at which it began, UTC.
    reference
        The version that could not be loaded; None if the pointer could not be read.
    """

    code: str
    message: str
    since: datetime
    reference: Reference | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What a refresh is doing.

    Parameters
    ----------
    started
        Beginning in seconds of the host's clock; for a reading of the pointer, the end of the last one.
    at
        The same time, UTC.
    reference
        The version that is being loaded; None for a reading of the pointer.
    """

    started: float
    at: datetime
    reference: Reference | None = None

    def lateness(self, now: float, refresh_seconds: float) -> Degradation | None:
        """The degradation that it is by now, if it has taken longer than a few refresh intervals.

        Parameters
        ----------
        now
            Seconds of the host's clock.
        refresh_seconds
            Refresh interval in seconds.
        """
        limit = max(_LATE_INTERVALS * refresh_seconds, _LATE_SECONDS)
        if now - self.started <= limit:
            return None
        if self.reference is None:
            return Degradation(POINTER_STALE, f"the pointer was not read for more than {limit:g} s", self.at)
        message = f"loading {self.reference.name} takes more than {limit:g} s"
        return Degradation(SWITCH_SLOW, message, self.at, self.reference)
