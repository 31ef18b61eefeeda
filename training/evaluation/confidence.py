"""What training knows of the rightness of answers: learned from answers to rows that the model was not fitted on.

Whatever is learned from these rows is judged by cross-validation once more, fold by fold, so that nothing is kept, and
no error told, by the rows that it was learned from.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Target
from skylift.monitoring.baseline import Bins
from skylift.monitoring.expected import ExpectedAccuracy, ExpectedError, Part
from skylift.scoring import Matrix
from training.data.split_keys import SplitKeys
from training.evaluation.calibration import LINES, Method, Places, calibration_error, quantile_parts
from training.metrics.resamples import Clusters, ScoredRows
from training.search.out_of_fold import OutOfFold

_LEAST_EVENTS = 10
"""Right and wrong answers that a calibration needs each: ten per parameter (Peduzzi and others, 1996)."""

_JUDGED_BINS = 10
_ROUNDING_ERROR = 1e-12
_DIGITS = 6
_BEYOND_THE_LARGEST = 1.0


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
    target: Target,
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
    target
        Target, which says how scores are labelled.
    rows, targets
        Leads of the training rows, float64 `[n, features]`, and their class codes or values.
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
    scored = ScoredRows(target, targets[out_of_fold.rows], out_of_fold.scores)
    values, confidence = (scored.labels, scored.confidence) if target.classes else (scored.scores, None)
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
        answers = scored.scores[known]
        return expected_error(np.abs(answers - targets[places]), answers, predictions, measured)
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
    eces = {name: calibration_error(shares[judged], right[judged]) for name, shares in by_method.items()}
    squared = {name: float(np.mean((shares - right)[judged] ** 2)) for name, shares in by_method.items()}
    no_worse = [name for name in by_method if squared[name] <= squared["none"] + _ROUNDING_ERROR]
    method = min(no_worse, key=eces.__getitem__)  # of equals the first, which is none
    points, shares = LINES[method](confidence, right)
    points, first = np.unique(1 - _rounded(1 - points), return_index=True)  # what is near 1 is told apart by its rest
    smoothed = (hits + 1) / (len(right) + 2)
    gaps = (by_method[method] - right)[judged]
    return ExpectedAccuracy(
        rows=len(right),
        value=_digits(hits / len(right)),
        error=_error(gaps, judged, measured, least=smoothed * (1 - smoothed) / len(right)),
        method=method,
        confidence=tuple(points.tolist()),
        right=tuple(_rounded(shares[first]).tolist()),
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
        shares[tested] = np.interp(confidence[tested], *LINES[method](confidence[learned], right[learned]))
    return shares


def _digits(value: float) -> float:
    """To six significant digits: another machine differs in the last ones."""
    return float(f"{value:.{_DIGITS}g}")


def _rounded(values: Matrix) -> Matrix:
    return np.array([_digits(value) for value in values.tolist()])


def _parts(confidence: Matrix, expected: Matrix, right: NDArray[np.bool_]) -> tuple[Part, ...]:
    """Rows by confidence, in parts of about the same size."""
    places = quantile_parts(confidence, _JUDGED_BINS)
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
    excess = max((_excess(gaps, part[judged], len(measured.parts)) for part in measured.parts), default=0.0)
    return _digits(float(np.sqrt(max(sampled, least) + excess)))


def _excess(gaps: Matrix, cut: Places, cuts: int) -> float:
    """Mean squared gap of the parts beyond what chance gives; 0 where it may be chance.

    By chance the sum over the parts of rows times squared mean gap, in units of the variance of a gap, follows
    chi-square; the largest of many such cuts lies about sqrt(2 ln cuts) standard deviations above its mean.

    Parameters
    ----------
    cuts
        Number of cuts that this one is the largest of.
    """
    rows = np.bincount(cut)
    sums = np.bincount(cut, gaps)[rows > 0]
    variance = float(gaps.var())
    beyond = float((sums**2 / rows[rows > 0]).sum()) - len(sums) * variance
    chance = variance * float(np.sqrt(2 * len(sums)))
    return beyond / len(gaps) if beyond > (_BEYOND_THE_LARGEST + np.sqrt(2 * np.log(cuts))) * chance else 0.0
