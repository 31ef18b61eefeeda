"""Counts of an experiment: whole numbers that add up exactly, across environments and minutes, and hold no row."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

_PREFERRED = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)  # Renard's series R10 (ISO 3)
_SIZES = (*(round(step * 10.0**power, 9) for power in range(-2, 4) for step in _PREFERRED), 10_000.0)

EDGES_MS: tuple[float, ...] = (*(-size for size in reversed(_SIZES)), 0.0, *_SIZES)
"""Ends of the bins of a difference in milliseconds: ten per decade from 0.01 ms to 10 s, both ways.

They never change, so that counts of any release add up. Bin i holds what is above edge i - 1, up to edge i.
"""


def difference_bin(milliseconds: float) -> int:
    """Bin of a difference, the challenger's time less the champion's: 0 to `len(EDGES_MS)`.

    Examples
    --------
    >>> EDGES_MS[difference_bin(4.2)], EDGES_MS[difference_bin(5.0)], EDGES_MS[difference_bin(-0.03)]
    (5.0, 5.0, -0.025)
    """
    return bisect_left(EDGES_MS, milliseconds)


@dataclass(frozen=True, slots=True)
class Arm:
    """Requests of one side.

    Parameters
    ----------
    requests
        Requests that it was to answer; of a shadow, to score.
    errors
        Requests that it failed: raised, ran over its time, did not fit. The caller may have got the champion's answer.
    refusals
        Requests that it refused, by code of the problem.
    """

    requests: int = 0
    errors: int = 0
    refusals: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "Arm") -> "Arm":
        return Arm(
            self.requests + other.requests,
            self.errors + other.errors,
            Counter(self.refusals) + Counter(other.refusals),
        )


@dataclass(frozen=True, slots=True)
class Pairs:
    """Requests that both sides scored.

    Parameters
    ----------
    rows
        Number of rows.
    other_label
        Rows for which the challenger has another label.
    differences
        Requests by bin of the difference of the times; see `difference_bin`.
    challenger_right, champion_right
        Labelled rows that this side alone answered right.
    """

    rows: int = 0
    other_label: int = 0
    differences: Mapping[int, int] = field(default_factory=dict)
    challenger_right: int = 0
    champion_right: int = 0

    def __add__(self, other: "Pairs") -> "Pairs":
        return Pairs(
            self.rows + other.rows,
            self.other_label + other.other_label,
            Counter(self.differences) + Counter(other.differences),
            self.challenger_right + other.challenger_right,
            self.champion_right + other.champion_right,
        )

    def slower_than(self, milliseconds: float) -> tuple[int, int]:
        """Numbers of requests that the challenger took longer for, by more than so much: at least, and at most."""
        surely = bisect_left(EDGES_MS, milliseconds) + 1
        perhaps = surely if milliseconds in EDGES_MS else surely - 1
        found = self.differences.items()
        return sum(n for place, n in found if place >= surely), sum(n for place, n in found if place >= perhaps)


@dataclass(frozen=True, slots=True)
class Counters:
    """Counts of both sides."""

    challenger: Arm = Arm()
    champion: Arm = Arm()
    pairs: Pairs = Pairs()

    def __add__(self, other: "Counters") -> "Counters":
        return Counters(self.challenger + other.challenger, self.champion + other.champion, self.pairs + other.pairs)


@dataclass(frozen=True, slots=True)
class Interval:
    """What was counted from one look to the next.

    Parameters
    ----------
    minutes
        Length of the interval.
    share
        Probability that a request is the challenger's, above 0 and below 1. In the shadow, where each request of the
        sample is both sides', it is a half: of failures of one side alone, either is as likely.
    counters
        Counts of the interval.
    """

    minutes: float
    share: float
    counters: Counters
