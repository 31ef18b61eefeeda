"""Two samples by bin: whether they differ by more than chance, and by how much.

Nothing here is drawn at random. A p-value of 1e-7, which a look every hour at hundreds of features needs, would take
100 million draws, so sparse bins are joined until the G test holds, and bins that training lacks have an exact test.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.monitoring import chi_square
from skylift.monitoring.counts import Histogram

LEAST_EXPECTED = 5
"""Rows that a group of bins must expect in the smaller sample (Cochran, Biometrics 10, 1954)."""

POWER = 0.8
_NATS = 8 * math.log(2)
"""Chi-square of two samples over the squared Jensen-Shannon distance to base 2, both times 1/n + 1/m."""

_KOLMOGOROV = math.pi**2 / 12
"""Mean square of Kolmogorov's statistic, times 1/n + 1/m; in few bins it is less."""

_HALF = 0.5


def p_value(window: Histogram, reference: Histogram, *, ordered: bool) -> float:
    """Probability of a difference as large between two samples of one distribution.

    The smaller of two p-values, doubled: of the G test on the bins that the reference has, sparse ones joined with
    neighbours; and of the share of rows in bins that it lacks.

    Parameters
    ----------
    window, reference
        Rows by bin, in the same bins.
    ordered
        Whether bins are ranges of a number, and not levels.
    """
    known = reference > 0
    new = _new_p_value(window, reference, ordered=ordered)
    old = _g_p_value(window[known], (reference if ordered else _without_singles(reference))[known])
    return new if old is None else min(1.0, 2 * min(old, new))


def significant(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which of several hypotheses are rejected at a false discovery rate.

    Without any true difference, the probability of one rejection or more is at most `alpha` (Benjamini and Hochberg,
    Journal of the Royal Statistical Society B 57, 1995).

    Examples
    --------
    >>> significant([0.04, 0.9, 0.02], 0.05), significant([0.04, 0.04, 0.02], 0.05)
    ([False, False, False], [True, True, True])
    """
    ranked = sorted(p_values)
    bound = max((p for rank, p in enumerate(ranked, 1) if p <= alpha * rank / len(ranked)), default=-1.0)
    return [p <= bound for p in p_values]


def shares(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Share of the rows in each bin; zeros without any row."""
    result: NDArray[np.float64] = counts / max(1, counts.sum())
    return result


def distance(window: Histogram, reference: Histogram, *, ordered: bool) -> float:
    """How much of the samples' difference is not chance, 0 to 1.

    The Jensen-Shannon distance, and for ordered bins the difference of the cumulative shares where that is larger. Both
    are squared, less the mean of their square that samples of these sizes have without a difference: neither many bins
    nor few rows look like drift.
    """
    if not window.any() or not reference.any():
        return 0.0
    each = float(1 / window.sum() + 1 / reference.sum())
    degrees = int(((window > 0) | (reference > 0)).sum()) - 1
    squares = [jensen_shannon(window, reference) ** 2 - degrees * each / _NATS]
    if ordered:
        squares.append(cdf_difference(window, reference) ** 2 - _KOLMOGOROV * each)
    return math.sqrt(max(0.0, *squares))


def jensen_shannon(window: Histogram, reference: Histogram) -> float:
    """Jensen-Shannon distance of the shares to base 2: 0 where they are equal, 1 where they have no bin in common.

    0 where a sample has no rows.
    """
    if not window.any() or not reference.any():
        return 0.0
    now, before = shares(window), shares(reference)
    middle = (now + before) / 2
    divergence = 0.0
    for share in (now, before):
        filled = share > 0
        divergence += float(np.sum(share[filled] * np.log2(share[filled] / middle[filled]))) / 2
    return math.sqrt(min(1.0, max(0.0, divergence)))


def cdf_difference(window: Histogram, reference: Histogram) -> float:
    """Largest difference of the cumulative shares, 0 to 1: how much has moved along ordered bins.

    0 where a sample has no rows.
    """
    if not window.any() or not reference.any():
        return 0.0
    return min(1.0, float(np.abs(np.cumsum(shares(window) - shares(reference))).max()))


def psi(window: Histogram, reference: Histogram) -> float:
    """Population stability index over the bins that hold rows, each with half a row more, so that it is finite."""
    filled = (window > 0) | (reference > 0)
    now, before = shares(window[filled] + _HALF), shares(reference[filled] + _HALF)
    return float(np.sum((now - before) * np.log(now / before)))


def critical_psi(window: Histogram, reference: Histogram, alpha: float) -> float:
    """PSI that samples of these sizes reach with probability `alpha` though nothing differs.

    Without a difference PSI / (1/n + 1/m) follows chi-square with a degree of freedom less than there are bins
    (Yurdakul and Naranjo, Journal of Risk Model Validation 14, 2020). It is rough for sparse bins: no verdict depends
    on it.
    """
    filled = int(((window > 0) | (reference > 0)).sum())
    if filled < 2 or not window.sum() or not reference.sum():
        return 0.0
    return chi_square.critical(alpha, filled - 1) * float(1 / window.sum() + 1 / reference.sum())


def detectable(rows: int, reference: Histogram, *, ordered: bool, alpha: float) -> float:
    """Least distance that so many rows show with a probability of 80 %, at most 1.

    Parameters
    ----------
    rows
        Rows of the window, at least 1.
    reference
        Rows by bin.
    ordered
        Whether the distance is the larger of both, and not Jensen-Shannon alone.
    alpha
        Level of the test.
    """
    each = 1 / rows + 1 / max(1, int(reference.sum()))
    return min(1.0, math.sqrt(_needed(reference, alpha) * each / _noncentrality_per_row(ordered=ordered)))


def rows_needed(distance: float, reference: Histogram, *, ordered: bool, alpha: float) -> int:
    """Rows of a window that show a distance with a probability of 80 %; see `detectable`.

    At most as many as the reference has: larger windows show little more, as its own noise stays.
    """
    size = max(1, int(reference.sum()))
    share = _noncentrality_per_row(ordered=ordered) * distance**2 / _needed(reference, alpha) - 1 / size
    return size if share * size <= 1 else math.ceil(1 / share)


def _needed(reference: Histogram, alpha: float) -> float:
    degrees = max(1, int((reference > 0).sum()) - 1)
    return chi_square.needed_noncentrality(degrees, alpha / 2, POWER)  # the smaller of two p-values is doubled


def _noncentrality_per_row(*, ordered: bool) -> float:
    """What a row of a window, beside a reference without noise, adds to noncentrality, per squared distance.

    A small difference of shares d has a noncentrality of `sum(d**2 / share)` per row and a squared distance of an
    eighth of that (in nats). A difference of cumulative shares adds least where it parts the rows in halves: 4.
    """
    return 4.0 if ordered else _NATS


def _without_singles(levels: Histogram) -> NDArray[np.float64]:
    """Rows of levels that would also be known without them, as they are for the rows of a window.

    A row that is alone in its level knows the level only by being there itself (Good, Biometrika 40, 1953). Levels of
    two rows make what is left noisier than a sample of its size: the variance grows by four for each, at most.
    """
    left = np.where(levels == 1, 0, levels)
    corrected: NDArray[np.float64] = left / (1 + 4 * np.sum(levels == 2) / max(1, left.sum()))
    return corrected


def _g_p_value(window: Histogram, reference: NDArray[Any]) -> float | None:
    """G test of 2 x k groups with Williams's correction (Biometrika 63, 1976); None for a single group."""
    n, m = float(window.sum()), float(reference.sum())
    if not n or not m:
        return None
    starts = _groups(reference, LEAST_EXPECTED * m / min(n, m))
    if len(starts) < 2:
        return None
    table = np.array([np.add.reduceat(counts, starts) for counts in (window, reference)], dtype=np.float64)
    columns, total = table.sum(axis=0), n + m
    expected = np.outer([n, m], columns) / total
    filled = table > 0
    g = 2 * float(np.sum(table[filled] * np.log(table[filled] / expected[filled])))
    by_row, by_column = total / n + total / m - 1, float(np.sum(total / columns)) - 1
    degrees = len(starts) - 1
    return chi_square.tail(g / (1 + by_row * by_column / (6 * total * degrees)), degrees)


def _groups(reference: NDArray[Any], least: float) -> list[int]:
    """Where groups of neighbouring bins start that each hold at least so many rows; what is left joins the last.

    By place and not by size: the smallest bins of a sample hold less than is true, which would look like drift.
    """
    starts, held = [0], 0.0
    for place, count in enumerate(reference.tolist()):
        if held >= least:
            starts.append(place)
            held = 0.0
        held += count
    return starts if held >= least or len(starts) == 1 else starts[:-1]


def _new_p_value(window: Histogram, reference: Histogram, *, ordered: bool) -> float:
    """Exact p-value of the share of rows in bins that the reference lacks.

    Which bins it lacks is chance as well. Below its range and above it lies as much, in the mean, as one of its rows
    is; in levels that it lacks as much as those that it has once, with the noise of those that it has twice. So these
    are marked in the reference, and the window's part of all that is marked is hypergeometric.
    """
    lacking = reference == 0
    found = int(window[lacking].sum())
    if not found:
        return 1.0
    rare = 0 if ordered else int(reference[reference <= 2].sum())
    spared = rare + int(((window > 0) & lacking).sum()) - 1
    n, m = int(window.sum()), int(reference.sum())
    return _hypergeometric_tail(found, drawn=n, marked=found + min(spared, m), total=n + m)


def _hypergeometric_tail(least: int, *, drawn: int, marked: int, total: int) -> float:
    """Probability that at least so many of the drawn are marked."""
    most = min(marked, drawn)
    logs = (
        _log_choose(marked, hits) + _log_choose(total - marked, drawn - hits) - _log_choose(total, drawn)
        for hits in range(max(least, drawn + marked - total), most + 1)
    )
    return min(1.0, math.fsum(map(math.exp, logs)))


def _log_choose(of: int, chosen: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(chosen + 1) - math.lgamma(of - chosen + 1)
