"""Tails of the chi-square distribution, central and not: scipy is not where the monitor runs.

Formulas: NIST Digital Library of Mathematical Functions, 8.7.1, 8.8.6 and 8.9.2 (https://dlmf.nist.gov/8), the
continued fraction by Lentz's method; the noncentral tail is a Poisson mixture of central ones (Johnson, Kotz and
Balakrishnan, Continuous Univariate Distributions, volume 2, 29.2).
"""

import math
from collections.abc import Callable
from functools import cache

_EPSILON = 1e-16
_TINY = 1e-300
_STEPS = 100_000
_PRECISION = 1e-9


def tail(statistic: float, degrees: int) -> float:
    """Probability that chi-square is at least as large.

    Parameters
    ----------
    statistic
        Value of the statistic.
    degrees
        Degrees of freedom, at least 1.

    Examples
    --------
    >>> round(tail(3.841458820694124, 1), 12), tail(0.0, 5)
    (0.05, 1.0)
    """
    return _upper_gamma(degrees / 2, statistic / 2)


@cache
def critical(probability: float, degrees: int) -> float:
    """Value that chi-square reaches with a probability between 0 and 1.

    Examples
    --------
    >>> round(critical(0.05, 1), 9)
    3.841458821
    """
    return _crossing(lambda statistic: tail(statistic, degrees) < probability)


@cache
def needed_noncentrality(degrees: int, alpha: float, power: float) -> float:
    """Noncentrality at which a test at level `alpha` rejects with probability `power`.

    Parameters
    ----------
    degrees
        Degrees of freedom of the test's statistic.
    """
    threshold = critical(alpha, degrees)
    return _crossing(lambda noncentrality: noncentral_tail(threshold, degrees, noncentrality) >= power)


def noncentral_tail(statistic: float, degrees: int, noncentrality: float) -> float:
    """Probability that the noncentral chi-square is at least as large."""
    if statistic <= 0:
        return 1.0
    half, rate = statistic / 2, noncentrality / 2
    shape, upper = degrees / 2, tail(statistic, degrees)
    log_term = shape * math.log(half) - half - math.lgamma(shape + 1)  # what one more unit of shape adds to the tail
    total, seen, log_weight = 0.0, 0.0, -rate
    for step in range(_STEPS):
        weight = math.exp(log_weight)
        total, seen = total + weight * upper, seen + weight
        if step > rate and 1 - seen < _PRECISION:
            break
        upper = min(1.0, upper + math.exp(log_term))
        shape += 1
        log_term += math.log(half) - math.log(shape)
        log_weight += math.log(rate) - math.log(step + 1) if rate else -math.inf
    return total


def _upper_gamma(shape: float, value: float) -> float:
    """Regularised upper incomplete gamma function Q(shape, value)."""
    if value <= 0:
        return 1.0
    scale = math.exp(shape * math.log(value) - value - math.lgamma(shape))
    if value < shape + 1:
        return 1 - scale * _series(shape, value)
    return scale * _continued_fraction(shape, value)


def _series(shape: float, value: float) -> float:
    term = total = 1 / shape
    for step in range(1, _STEPS):
        term *= value / (shape + step)
        total += term
        if term < total * _EPSILON:
            break
    return total


def _continued_fraction(shape: float, value: float) -> float:
    above = value + 1 - shape
    numerator, denominator = 1 / _TINY, 1 / above
    total = denominator
    for step in range(1, _STEPS):
        factor = step * (shape - step)
        above += 2
        denominator = 1 / _not_zero(factor * denominator + above)
        numerator = _not_zero(above + factor / numerator)
        total *= denominator * numerator
        if abs(denominator * numerator - 1) < 2 * _EPSILON:
            break
    return total


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _crossing(reached: Callable[[float], bool]) -> float:
    """Least positive value from which on something is true, by bisection."""
    low, high = 0.0, 1.0
    while not reached(high):
        low, high = high, 2 * high
    while high - low > _PRECISION * high:
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
