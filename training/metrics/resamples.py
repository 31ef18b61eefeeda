"""Scored rows and their resamples: the work that metrics share, done once and only when a metric asks for it.

A resample says how often each row counts. Rows counted once each are one more resample, so that a metric's value and
its interval come from the same formula.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Target
from skylift.scoring import Matrix, predicted_classes

CALIBRATION_BINS = 10

_DIGITS = 6
_CHUNK = 2 * 10**6

type Counts = NDArray[np.int64]
"""How often each row is in each resample, `[resamples, n]`."""

type Clusters = NDArray[np.int64]
"""The cluster of each row, `[n]`: rows of one are not independent of each other."""


class Ranking(NamedTuple):
    """Rows of one class against the others, by falling probability.

    Parameters
    ----------
    order
        Row places, the most probable first, `[n]`.
    members
        Whether each row in this order is of the class, `[n]`.
    ends
        Last place in `order` of each distinct probability.
    """

    order: NDArray[np.intp]
    members: NDArray[np.bool_]
    ends: NDArray[np.intp]


class CalibrationBin(NamedTuple):
    """Rows with similar probabilities, in each resample.

    Parameters
    ----------
    number
        Place of the bin, from 0 to `CALIBRATION_BINS` - 1.
    rows
        Numbers of rows, `[resamples]`.
    predicted
        Mean probabilities, to six digits, `[resamples]`.
    observed
        Shares of the rows that were right, to six digits, `[resamples]`.
    """

    number: int
    rows: Counts
    predicted: Matrix
    observed: Matrix


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """True targets with a model's scores.

    Parameters
    ----------
    target
        Target that the scores are of, which says how they are labelled.
    targets
        Class codes or values, `[n]`.
    scores
        Scores as a predictor gives them, `[n, classes]` or `[n]`.
    """

    target: Target
    targets: NDArray[Any]
    scores: Matrix

    @property
    def classes(self) -> int:
        """Number of classes; 0 for regression."""
        return len(self.target.classes)

    def take(self, rows: NDArray[np.int64]) -> "ScoredRows":
        """The rows at some places."""
        return ScoredRows(self.target, self.targets[rows], self.scores[rows])

    def resampled(self, counts: Counts) -> "Resamples":
        """Resamples of these rows."""
        return Resamples(self, counts)

    def once(self) -> "Resamples":
        """The one resample that counts each row once."""
        return Resamples(self, np.ones((1, len(self.targets)), dtype=np.int64))

    @cached_property
    def labels(self) -> NDArray[np.intp]:
        """Codes of the predicted classes, `[n]`."""
        return predicted_classes(self.target, self.scores)

    @cached_property
    def confidence(self) -> Matrix:
        """Probabilities of the predicted classes, `[n]`."""
        confidence: Matrix = self.scores[np.arange(len(self.scores)), self.labels]
        return confidence

    @cached_property
    def rankings(self) -> tuple[Ranking, ...]:
        """A ranking for each class."""
        return tuple(rank(self.targets == code, self.scores[:, code]) for code in range(self.classes))

    @cached_property
    def absolute_errors(self) -> tuple[NDArray[np.intp], Matrix]:
        """Row places by rising absolute error, and these errors."""
        errors = np.abs(self.scores - self.targets)
        order = np.argsort(errors, kind="stable")
        return order, errors[order]

    @cached_property
    def cells(self) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.intp]]:
        """Row places by cell of the confusion matrix, the cells with rows, and where in the order each begins."""
        cells = self.targets * self.classes + self.labels
        small = np.min_scalar_type(self.classes**2)  # numpy sorts small integers by radix, ten times as fast
        order = np.argsort(cells.astype(small), kind="stable")
        ordered = cells[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        return order, ordered[starts], starts


@dataclass(frozen=True, eq=False)
class Resamples:
    """Resamples of scored rows.

    Parameters
    ----------
    rows
        Scored rows that are resampled.
    counts
        How often each row is in each resample, `[resamples, n]`.
    """

    rows: ScoredRows
    counts: Counts

    @cached_property
    def sizes(self) -> Counts:
        """Numbers of rows, `[resamples]`."""
        return self.counts.sum(axis=1)

    @cached_property
    def confusion(self) -> Counts:
        """Confusion matrices, `[resamples, true, predicted]`."""
        classes, (order, present, starts) = self.rows.classes, self.rows.cells
        confusion = np.zeros((len(self.counts), classes * classes), dtype=np.int64)
        confusion[:, present] = np.add.reduceat(self.counts[:, order], starts, axis=1)
        return confusion.reshape(len(self.counts), classes, classes)

    @cached_property
    def hits(self) -> Counts:
        """Rows of each class that were predicted as such, `[resamples, classes]`."""
        return np.diagonal(self.confusion, axis1=1, axis2=2)

    @cached_property
    def support(self) -> Counts:
        """Rows of each true class, `[resamples, classes]`."""
        return self.confusion.sum(axis=2)

    @cached_property
    def predicted(self) -> Counts:
        """Rows of each predicted class, `[resamples, classes]`."""
        return self.confusion.sum(axis=1)

    @cached_property
    def class_areas(self) -> tuple[Matrix, Matrix]:
        """ROC-AUC and average precision of each class against the others, both `[resamples, classes]`."""
        areas = [roc_and_pr_auc(ranking, self.counts) for ranking in self.rows.rankings]
        roc, average = zip(*areas, strict=True)
        return np.column_stack(roc), np.column_stack(average)

    @cached_property
    def calibration(self) -> list[CalibrationBin]:
        """Calibration of the predicted class's probability."""
        right = self.rows.labels == self.rows.targets
        return calibration_bins(self.rows.confidence, right, self.counts)

    def total(self, values: Matrix) -> Matrix:
        """Sums of a value of each row, `[resamples]`.

        A single resample is added up by numpy alone: BLAS may add in another order on another number of threads.
        """
        if len(self.counts) == 1:
            return (self.counts * values).sum(axis=1)
        totals: Matrix = self.counts @ values
        return totals

    def mean(self, values: Matrix) -> Matrix:
        """Means of a value of each row, `[resamples]`."""
        return self.total(values) / self.sizes


def bootstrap_counts(rows: int, resamples: int, seed: int, clusters: Clusters | None = None) -> Iterator[Counts]:
    """How often each row is in each resample, `[some resamples, rows]` at a time.

    Rows of a cluster are drawn together: they tell about as much as one of them (the cluster bootstrap of Field and
    Welsh, 2007; where clusters are runs of time, the block bootstrap of Carlstein, 1986).

    Parameters
    ----------
    clusters
        Cluster of each row, `[rows]`; None if rows are drawn one by one.
    """
    generator = np.random.default_rng(seed)
    units, place = rows, None
    if clusters is not None:
        distinct, place = np.unique(clusters, return_inverse=True)
        units = len(distinct)
    chunk = max(1, _CHUNK // max(rows, 1))
    for first in range(0, resamples, chunk):
        size = min(chunk, resamples - first)
        drawn = generator.integers(units, size=(size, units)) + units * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * units).reshape(size, units)
        yield counts if place is None else counts[:, place]


def rank(members: NDArray[np.bool_], probabilities: Matrix) -> Ranking:
    """Rank rows by the probability of one class.

    Parameters
    ----------
    members
        Whether each row is of the class, `[n]`.
    probabilities
        Probabilities of the class, `[n]`.
    """
    order = np.argsort(-probabilities, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(probabilities[order]) != 0, True))  # equal ones come in together
    return Ranking(order, members[order], ends)


def roc_and_pr_auc(ranking: Ranking, counts: Counts) -> tuple[Matrix, Matrix]:
    """Area under the ROC curve, and average precision, of one class against the others.

    Returns
    -------
    tuple
        Both `[resamples]`; NaN in a resample without rows inside or outside the class.
    """
    ordered = counts[:, ranking.order]
    hits = np.cumsum(ordered * ranking.members, axis=1)[:, ranking.ends]
    taken = np.cumsum(ordered, axis=1)[:, ranking.ends]
    misses = taken - hits
    new_hits, new_misses = hits.copy(), misses.copy()
    new_hits[:, 1:] -= hits[:, :-1]
    new_misses[:, 1:] -= misses[:, :-1]
    all_hits, all_misses = hits[:, -1], misses[:, -1]
    known = (all_hits > 0) & (all_misses > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        roc = np.where(known, (new_misses * (2 * hits - new_hits)).sum(axis=1) / (2 * all_hits * all_misses), np.nan)
        average = np.where(known, (new_hits * (hits / np.maximum(taken, 1))).sum(axis=1) / all_hits, np.nan)
    return roc, average


def calibration_bins(probabilities: Matrix, right: NDArray[np.bool_], counts: Counts) -> list[CalibrationBin]:
    """Cut rows by probability into bins of equal width, those without rows left out.

    Parameters
    ----------
    probabilities
        Probabilities that a prediction is right, `[n]`.
    right
        Whether it was, `[n]`.
    counts
        How often each row is in each resample, `[resamples, n]`.
    """
    place = np.minimum((probabilities * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    bins = []
    for number in np.unique(place).tolist():
        inside = place == number
        weights = counts[:, inside]
        rows = weights.sum(axis=1)
        divisor = np.maximum(rows, 1)
        predicted = np.round((weights * probabilities[inside]).sum(axis=1) / divisor, _DIGITS)
        observed = np.round((weights * right[inside]).sum(axis=1) / divisor, _DIGITS)
        bins.append(CalibrationBin(number, rows, predicted, observed))
    return bins
