"""What training knows of the rightness of answers: learned from answers to rows that the model was not fitted on.

Whatever is learned from these rows is judged by cross-validation once more, fold by fold, so that nothing is kept, and
no error told, by the rows that it was learned from.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skylift.monitoring.baseline import Bins
from skylift.monitoring.expected import ExpectedAccuracy, ExpectedError, Part
from skylift.scoring import Matrix
from training.data.split_keys import SplitKeys
from training.metrics.resamples import Clusters, calibration_bins
from training.search.out_of_fold import OutOfFold

_LEAST_EVENTS = 10
"""Right and wrong answers that a calibration needs each: ten per parameter (Peduzzi and others, 1996)."""

_POINTS = 65
_PLATT_BINS = 500
_MAX_BINS = 50
_ROWS_PER_BIN = 20
_JUDGED_BINS = 10
_ROUNDING_ERROR = 1e-12
_FAR = 1e-6
_DIGITS = 6
_MORE_THAN_CHANCE = 2.0

type Method = Literal["none", "platt", "isotonic"]
type Line = tuple[Matrix, Matrix]
"""Confidences, increasing, and the share of answers that are right at each."""

type Places = NDArray[np.intp]
"""The part that each row belongs to, `[n]`."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Rows that were answered out of fold.

    Parameters
    ----------
    folds
        Fold of each row, `[n]`.
    forward
        Whether folds are in the order of time: what is judged by one is then learned from earlier ones alone.
    clusters
        Cluster of each row, `[n]`; None if rows are independent.
    parts
        Cuts of the rows by features: an estimate is asked for windows that have more of one part than training.
    """

    folds: NDArray[np.int64]
    forward: bool = False
    clusters: Clusters | None = None
    parts: tuple[Places, ...] = ()

    def judged(self) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        """For each fold that can be judged, the rows for training and the rows to judge by."""
        for fold in np.unique(self.folds).tolist():
            learned = self.folds < fold if self.forward else self.folds != fold
            if learned.any():
                yield learned, self.folds == fold


def expectation(
    out_of_fold: OutOfFold,
    rows: Matrix,
    targets: NDArray[Any],
    *,
    keys: SplitKeys | None,
    features: Sequence[Bins],
    predictions: Bins,
) -> ExpectedAccuracy | ExpectedError | None:
    """What training knows of the rightness of a model's answers.

    Parameters
    ----------
    rows, targets
        Training rows, float64 `[n, features]`, and their class codes or values.
    keys
        Keys of these rows; None for random folds.
    features
        Bins of each feature.
    predictions
        Bins of the predictions.

    Returns
    -------
    ExpectedAccuracy, ExpectedError or None
        None where no answer is a number.
    """
    values, confidence = out_of_fold.answers.values, out_of_fold.answers.confidence
    known = np.isfinite(values if confidence is None else confidence)
    if not known.any():
        return None
    places = out_of_fold.rows[known]
    cuts = [bins.places(rows[places, column]) for column, bins in enumerate(features)]
    measured = Measured(
        out_of_fold.folds[known],
        forward=keys is not None and keys.kind == "time",
        clusters=keys.take(places).clusters() if keys else None,
        parts=(*cuts, predictions.places(values[known].astype(np.float64))),
    )
    if confidence is None:
        return expected_error(np.abs(values[known] - targets[places]), values[known], predictions, measured)
    return expected_accuracy(values[known] == targets[places], confidence[known], measured)


def expected_accuracy(right: NDArray[np.bool_], confidence: Matrix, measured: Measured) -> ExpectedAccuracy:
    """Learn how often an answer of some confidence is right.

    A calibration is kept only where it gives a smaller calibration error, and no larger squared error: a constant has
    no calibration error either, but says nothing of rows that are harder than those of training.

    Parameters
    ----------
    right
        Whether each answer is right, `[n]`.
    confidence
        Probability of the predicted class, `[n]`.
    """
    hits = int(right.sum())
    telling = min(hits, len(right) - hits) >= _LEAST_EVENTS
    tried: Sequence[Method] = ("none", "platt", "isotonic") if telling else ("none",)
    by_method = {name: _judged_line(name, right, confidence, measured) for name in tried}
    judged = np.isfinite(np.sum([*by_method.values()], axis=0))
    if not judged.any():  # a single fold
        by_method, judged = {"none": confidence}, np.ones(len(right), dtype=np.bool_)
    eces = {name: _ece(shares[judged], right[judged]) for name, shares in by_method.items()}
    squared = {name: float(np.mean((shares - right)[judged] ** 2)) for name, shares in by_method.items()}
    no_worse = [name for name in by_method if squared[name] <= squared["none"] + _ROUNDING_ERROR]
    method = min(no_worse, key=eces.__getitem__)  # of equals the first, which is none
    points, shares = (_rounded(values) for values in _LEARN[method](confidence, right))
    points, first = np.unique(points, return_index=True)
    smoothed = (hits + 1) / (len(right) + 2)
    gaps = (by_method[method] - right)[judged]
    return ExpectedAccuracy(
        rows=len(right),
        value=_digits(hits / len(right)),
        error=_error(gaps, judged, measured, least=smoothed * (1 - smoothed) / len(right)),
        method=method,
        confidence=tuple(points.tolist()),
        right=tuple(shares[first].tolist()),
        parts=_parts(confidence[judged], by_method[method][judged], right[judged]),
        ece_before=_digits(eces["none"]),
        ece=_digits(eces[method]),
    )


def expected_error(errors: Matrix, predictions: Matrix, bins: Bins, measured: Measured) -> ExpectedError:
    """Learn how far off a prediction is, by its bin.

    Parameters
    ----------
    errors
        Absolute errors, `[n]`.
    predictions
        Predicted values, `[n]`.
    bins
        Bins of predicted values.
    """
    places = bins.places(predictions)
    counts, means, spreads = _by_bin(errors, places, bins.size)
    judged = np.full(len(errors), np.nan)
    for learned, tested in measured.judged():
        judged[tested] = _by_bin(errors[learned], places[learned], bins.size)[1][places[tested]]
    if np.isnan(judged).all():  # a single fold
        judged = means[places]
    known = np.isfinite(judged)
    return ExpectedError(
        rows=len(errors),
        value=_digits(float(errors.mean())),
        error=_error((judged - errors)[known], known, measured),
        means=tuple(_rounded(means).tolist()),
        spreads=tuple(_rounded(spreads).tolist()),
        counts=tuple(counts.tolist()),
    )


def _by_bin(errors: Matrix, places: Places, size: int) -> tuple[NDArray[np.int64], Matrix, Matrix]:
    """Rows, mean and standard deviation by bin; a bin without rows has the latter two of the nearest."""
    counts = np.bincount(places, minlength=size)
    rows = np.maximum(counts, 1)
    means = np.bincount(places, errors, minlength=size) / rows
    squares = np.bincount(places, (errors - means[places]) ** 2, minlength=size) / rows
    filled = np.flatnonzero(counts)
    nearest = filled[np.abs(np.arange(size)[:, None] - filled).argmin(axis=1)]
    return counts, means[nearest], np.sqrt(squares[nearest])


def _judged_line(method: Method, right: NDArray[np.bool_], confidence: Matrix, measured: Measured) -> Matrix:
    """The calibrated confidence of each row by a line that other folds gave; NaN in a fold without others."""
    if method == "none":
        return confidence
    shares = np.full(len(right), np.nan)
    for learned, tested in measured.judged():
        shares[tested] = np.interp(confidence[tested], *_LEARN[method](confidence[learned], right[learned]))
    return shares


def _as_it_is(_confidence: Matrix, _right: NDArray[np.bool_]) -> Line:
    return np.array([0.0, 1.0]), np.array([0.0, 1.0])


def _platt(confidence: Matrix, right: NDArray[np.bool_]) -> Line:
    """A logistic curve over the log odds, its targets smoothed as Platt (1999) has it; as points of a line."""
    from sklearn.linear_model import LogisticRegression

    places = _quantile_parts(confidence, _PLATT_BINS)  # so that many rows cost no more than a few
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
    places = _quantile_parts(confidence, wanted)
    rows = np.bincount(places)
    points = np.bincount(places, confidence) / rows
    shares = (np.bincount(places, right) + right.mean()) / (rows + 1)
    return points, np.clip(IsotonicRegression().fit(points, shares, sample_weight=rows).predict(points), 0, 1)


_LEARN: dict[Method, Callable[[Matrix, NDArray[np.bool_]], Line]] = {
    "none": _as_it_is,
    "platt": _platt,
    "isotonic": _isotonic,
}


def _log_odds(confidence: Matrix) -> Matrix:
    inside = np.clip(confidence, _FAR, 1 - _FAR)
    odds: Matrix = np.log(inside / (1 - inside))
    return odds


def _quantile_parts(values: Matrix, count: int) -> Places:
    """Parts of about equal size, none empty, equal values in one."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, count + 1)[1:-1]))
    places: Places = np.unique(np.searchsorted(edges, values, side="right"), return_inverse=True)[1]
    return places


def _digits(value: float) -> float:
    """To six significant digits: another machine differs in the last ones."""
    return float(f"{value:.{_DIGITS}g}")


def _rounded(values: Matrix) -> Matrix:
    return np.array([_digits(value) for value in values.tolist()])


def _ece(shares: Matrix, right: NDArray[np.bool_]) -> float:
    bins = calibration_bins(shares, right, np.ones((1, len(right)), dtype=np.int64))
    return float(sum(part.rows[0] * abs(part.predicted[0] - part.observed[0]) for part in bins) / len(right))


def _parts(confidence: Matrix, expected: Matrix, right: NDArray[np.bool_]) -> tuple[Part, ...]:
    """Rows by confidence, in parts of about the same size."""
    places = _quantile_parts(confidence, _JUDGED_BINS)
    rows = np.bincount(places)
    means, shares = (np.bincount(places, values) / rows for values in (expected, right))
    return tuple(
        Part(rows=count, expected=_digits(mean), right=_digits(share))
        for count, mean, share in zip(rows.tolist(), means.tolist(), shares.tolist(), strict=True)
    )


def _error(gaps: Matrix, judged: NDArray[np.bool_], measured: Measured, *, least: float = 0.0) -> float:
    """Standard error of an estimate for rows that are drawn differently from those of training.

    Its variance is that of the mean gap, whole clusters drawn at once, and that of the gap between parts of the rows,
    as far as it is more than chance, by the cut that has most of it: a window may be all of one part.

    Parameters
    ----------
    gaps
        What was expected minus what was found, of each row that was judged.
    judged
        Whether each row is one of them.
    least
        Least variance of the mean, where few rows show none.
    """
    clusters = np.arange(len(gaps)) if measured.clusters is None else measured.clusters[judged]
    sums = np.bincount(np.unique(clusters, return_inverse=True)[1], gaps - gaps.mean())
    sampled = float((sums**2).sum()) / len(gaps) ** 2 * len(sums) / max(len(sums) - 1, 1)
    excess = max((_excess(gaps, part[judged]) for part in measured.parts), default=0.0)
    return _digits(float(np.sqrt(max(sampled, least) + excess)))


def _excess(gaps: Matrix, cut: Places) -> float:
    """Mean squared gap of the parts beyond what chance gives; 0 where it may be chance."""
    rows = np.bincount(cut)
    many = np.maximum(rows, 1)
    means = np.bincount(cut, gaps) / many
    by_chance = np.bincount(cut, (gaps - means[cut]) ** 2) / np.maximum(rows - 1, 1)  # rows times variance of the mean
    told = rows > 1
    noise, spread = float(by_chance[told].sum()), float(np.sqrt(2 * (by_chance[told] ** 2).sum()))
    beyond = float((rows * means**2)[told].sum()) - noise
    return beyond / len(gaps) if beyond > _MORE_THAN_CHANCE * spread else 0.0
