"""Evidence that may be looked at as often as one likes.

The only statistic of the judge. Of n trials, s succeeded; the hypothesis is that each succeeds with probability r,
independently. Averaged over all rates t by a Beta(1, 1) prior, the likelihood ratio

    E = integral of t^s (1 - t)^(n - s) dt / (r^s (1 - r)^(n - s)) = B(1 + s, 1 + n - s) / (r^s (1 - r)^(n - s))

is a nonnegative martingale that begins at 1 where the hypothesis is true, so that by Ville's inequality it ever reaches
1/alpha with a probability of at most alpha, however many trials there are and however often somebody looks: an e-value
at each moment. B is the Beta function. (M. Lindon and A. Malek, Anytime-valid inference for multinomial count data,
NeurIPS 2022, arXiv 2011.03567; for a rate, H. Robbins, Annals of Mathematical Statistics 41, 1970.)

The rates that are not rejected, {r: E < 1/alpha}, are a confidence sequence: they hold the true rate at all times at
once with a probability of at least 1 - alpha (S. Howard, A. Ramdas, J. McAuliffe and J. Sekhon, Time-uniform,
nonparametric, nonasymptotic confidence sequences, Annals of Statistics 49, 2021).

A one-sided test rejects where E reaches 1/alpha on one side of r. At each n that is a bound on s, which a smaller
true rate reaches more rarely, so its error holds for all rates on the other side.

All functions take numbers or arrays of any shape, and are exact to about 1e-10 of the logarithm.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

type Numbers = NDArray[np.float64]
type Truths = NDArray[np.bool_]

_EXACT = 256
_LOG_FACTORIALS: Numbers = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, _EXACT)))))
_HALVINGS = 40


def log_e(successes: ArrayLike, failures: ArrayLike, rate: ArrayLike) -> Numbers:
    """Natural logarithm of the e-value against a rate.

    Parameters
    ----------
    successes, failures
        Numbers of trials.
    rate
        Probability of a success under the hypothesis, above 0 and below 1.

    Examples
    --------
    Three errors, all of a challenger that has a tenth of the traffic; eleven of eleven at a half.

    >>> [round(float(np.exp(log_e(errors, 0, share)))) for errors, share in ((3, 0.1), (11, 0.5))]
    [250, 171]
    """
    s, f, r = (np.asarray(each, np.float64) for each in (successes, failures, rate))
    found: Numbers = _log_beta(s, f) - s * np.log(r) - f * np.log1p(-r)
    return found


def log_excess(successes: ArrayLike, failures: ArrayLike, rate: ArrayLike) -> Numbers:
    """`log_e`, but no evidence (at most 0) where successes are no more frequent than the rate.

    Factors of several steps multiply: their logarithms add.
    """
    s, f = np.asarray(successes, np.float64), np.asarray(failures, np.float64)
    found = log_e(s, f, rate)
    return np.where(s > np.asarray(rate) * (s + f), found, np.minimum(found, 0.0))


def certainly_above(successes: ArrayLike, trials: ArrayLike, rate: ArrayLike, alpha: ArrayLike) -> Truths:
    """Whether successes are more frequent than a rate; ever wrong with probability `alpha` at most."""
    s, n = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    found: Truths = log_excess(s, n - s, rate) >= -np.log(alpha)
    return found


def certainly_below(successes: ArrayLike, trials: ArrayLike, rate: ArrayLike, alpha: ArrayLike) -> Truths:
    """Whether successes are rarer than a rate; ever wrong with probability `alpha` at most."""
    s, n = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    return certainly_above(n - s, n, 1 - np.asarray(rate), alpha)


def lower(successes: ArrayLike, trials: ArrayLike, alpha: float) -> Numbers:
    """Lower bound of a rate: ever above the true one with probability `alpha` at most.

    Examples
    --------
    >>> round(float(lower(20, 1000, 0.05)), 4), float(lower(0, 1000, 0.05))
    (0.0073, 0.0)
    """
    s, n = np.broadcast_arrays(np.asarray(successes, np.float64), np.asarray(trials, np.float64))
    low: Numbers = np.zeros(s.shape)
    high: Numbers = np.divide(s, n, out=np.zeros(s.shape), where=n > 0)
    f, least = n - s, _log_beta(s, n - s) + np.log(alpha)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        inside = np.clip(middle, 1e-15, 1 - 1e-15)
        rejected = (least >= s * np.log(inside) + f * np.log1p(-inside)) & (s > 0)
        low, high = np.where(rejected, middle, low), np.where(rejected, high, middle)
    return low


def upper(successes: ArrayLike, trials: ArrayLike, alpha: float) -> Numbers:
    """Upper bound of a rate: ever below the true one with probability `alpha` at most.

    Examples
    --------
    >>> round(float(upper(0, 1000, 0.05)), 4), float(upper(0, 0, 0.05))
    (0.0099, 1.0)
    """
    n = np.asarray(trials, np.float64)
    bound: Numbers = 1 - lower(n - np.asarray(successes, np.float64), n, alpha)
    return bound


def _log_beta(successes: Numbers, failures: Numbers) -> Numbers:
    """Logarithm of B(1 + s, 1 + f)."""
    return log_factorial(successes) + log_factorial(failures) - log_factorial(successes + failures + 1)


def log_factorial(numbers: ArrayLike) -> Numbers:
    """Natural logarithm of n!: a table, and Stirling's series (DLMF 5.11.1) beyond it."""
    n = np.asarray(numbers, np.float64)
    large = np.maximum(n, _EXACT)
    series = large * np.log(large) - large + np.log(2 * np.pi * large) / 2 + 1 / (12 * large) - 1 / (360 * large**3)
    return np.where(n < _EXACT, _LOG_FACTORIALS[np.minimum(n, _EXACT - 1).astype(np.intp)], series)
