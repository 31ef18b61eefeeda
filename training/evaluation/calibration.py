"""Lines from the probability of a predicted class to how often such answers are right."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skylift.scoring import Matrix
from training.metrics.resamples import calibration_bins

_POINTS = 65
_PLATT_BINS = 500
_MAX_BINS = 50
_ROWS_PER_BIN = 20
_FAR = 1e-15

type Method = Literal["none", "platt", "isotonic"]
type Line = tuple[Matrix, Matrix]
"""Confidences, increasing, and the share of answers that are right at each."""

type Places = NDArray[np.intp]
"""The part that each row belongs to, `[n]`."""


def _as_it_is(_confidence: Matrix, _right: NDArray[np.bool_]) -> Line:
    return np.array([0.0, 1.0]), np.array([0.0, 1.0])


def _platt(confidence: Matrix, right: NDArray[np.bool_]) -> Line:
    """A logistic curve over the log odds, its targets smoothed as Platt (1999) has it; as points of a line."""
    from sklearn.linear_model import LogisticRegression

    places = quantile_parts(confidence, _PLATT_BINS)  # so that many rows cost no more than a few
    rows, hits = np.bincount(places), np.bincount(places, right)
    smoothed = hits * (hits.sum() + 1) / (hits.sum() + 2) + (rows - hits) / ((rows - hits).sum() + 2)
    odds = (np.bincount(places, _log_odds(confidence)) / rows)[:, None]
    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(
        np.concatenate([odds, odds]),
        np.repeat([1, 0], len(rows)),
        sample_weight=np.concatenate([smoothed, rows - smoothed]),
    )
    if fitted.coef_[0, 0] <= 0:  # surer answers that are less often right: chance, or nothing to go by
        return _as_constant(right)
    points = np.unique(np.quantile(confidence, np.linspace(0, 1, _POINTS)))
    return points, fitted.predict_proba(_log_odds(points)[:, None])[:, 1]


def _as_constant(right: NDArray[np.bool_]) -> Line:
    return np.array([1.0]), np.array([(right.sum() + 1) / (len(right) + 2)])


def _isotonic(confidence: Matrix, right: NDArray[np.bool_]) -> Line:
    """A rising line through shares of neighbours, each smoothed by one row of the average."""
    from sklearn.isotonic import IsotonicRegression

    wanted = int(np.clip(len(right) // _ROWS_PER_BIN, 1, _MAX_BINS))
    places = quantile_parts(confidence, wanted)
    rows = np.bincount(places)
    odds = np.bincount(places, _log_odds(confidence)) / rows  # confidences near 1 are told apart by their odds alone
    shares = (np.bincount(places, right) + right.mean()) / (rows + 1)
    rising = IsotonicRegression().fit_transform(odds, shares, sample_weight=rows)
    return 1 / (1 + np.exp(-odds)), np.clip(rising, 0, 1)


LINES: dict[Method, Callable[[Matrix, NDArray[np.bool_]], Line]] = {
    "none": _as_it_is,
    "platt": _platt,
    "isotonic": _isotonic,
}


def _log_odds(confidence: Matrix) -> Matrix:
    inside = np.clip(confidence, _FAR, 1 - _FAR)
    odds: Matrix = np.log(inside / (1 - inside))
    return odds


def quantile_parts(values: Matrix, count: int) -> Places:
    """Parts of about equal size, none empty, equal values in one."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, count + 1)[1:-1]))
    places: Places = np.unique(np.searchsorted(edges, values, side="right"), return_inverse=True)[1]
    return places


def calibration_error(shares: Matrix, right: NDArray[np.bool_]) -> float:
    """The expected calibration error, as the card has it.

    Parameters
    ----------
    shares
        Probability that each answer is right, `[n]`.
    right
        Whether it is, `[n]`.
    """
    bins = calibration_bins(shares, right, np.ones((1, len(right)), dtype=np.int64))
    return float(sum(part.rows[0] * abs(part.predicted[0] - part.observed[0]) for part in bins) / len(right))
