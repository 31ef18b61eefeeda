"""Intervals of shares, for training and for monitoring."""

import math

from skylift.metrics import Interval

LEVEL = 0.95
Z = 1.959964
"""Quantile of the normal distribution that leaves half of the rest of `LEVEL` above it."""


def wilson(hits: float, rows: float) -> Interval:
    """Wilson's interval of a share (1927).

    Parameters
    ----------
    hits, rows
        Numbers of hits and of trials; fractions where trials that depend on each other count as fewer.

    Examples
    --------
    >>> print(wilson(30, 30))
    0.8865 to 1.0000
    """
    share, z2 = hits / rows, Z**2
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = Z * math.sqrt(share * (1 - share) / rows + z2 / (4 * rows**2)) / (1 + z2 / rows)
    # At the ends the bound is exact, which floats miss by a digit.
    low = max(middle - half, 0.0) if hits else 0.0
    high = min(middle + half, 1.0) if hits < rows else 1.0
    return Interval(low=low, high=high, level=LEVEL, method="wilson")
