"""Metrics: cross-validated for choosing, on the holdout for telling."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract, Task
from skylift.manifest import ClassMetrics, Spread
from skylift.scoring import Matrix
from training.config import Metric

METRICS: dict[Task, tuple[Metric, ...]] = {
    "classification": ("accuracy", "balanced_accuracy", "f1_macro", "log_loss", "roc_auc"),
    "regression": ("mae", "rmse", "r2"),
}
"""What candidates can be compared by."""

DEFAULT_METRIC: dict[Task, Metric] = {"classification": "accuracy", "regression": "rmse"}

_LESS_IS_BETTER = {"log_loss", "mae", "rmse", "median_absolute_error", "brier", "ece"}
_WITHOUT_UNIT = {"accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "average_precision", "r2"}


def sign(metric: str) -> int:
    """1 where more of a metric is better, -1 for errors and losses."""
    return -1 if metric in _LESS_IS_BETTER else 1


def is_absolute(metric: str) -> bool:
    """Whether differences of a metric mean the same for any table: of shares and R2, not of losses and errors."""
    return metric in _WITHOUT_UNIT


def regression_from(metric: str, champion: float, challenger: float) -> float:
    """By how much a challenger is worse, 0 where it is not.

    Absolute for shares and R2; for losses and errors, which have no scale of their own, relative to the champion's.

    Examples
    --------
    >>> regression_from("rmse", 10.0, 12.0), regression_from("accuracy", 0.75, 0.5), regression_from("mae", 2.0, 1.0)
    (0.2, 0.25, 0.0)
    """
    worse = max(sign(metric) * (champion - challenger), 0.0)
    if is_absolute(metric) or worse == 0:
        return worse
    return worse / abs(champion) if champion else math.inf


def fold_summary(folds: Sequence[float]) -> Spread:
    """A metric over folds; over those that could tell it, where some could."""
    values = np.array(folds, dtype=float)
    known = values[~np.isnan(values)] if not np.isnan(values).all() else values
    return Spread(mean=float(np.mean(known)), std=float(np.std(known)), folds=tuple(values.tolist()))


def score_metrics(
    contract: Contract, targets: NDArray[Any], scores: Matrix
) -> tuple[dict[str, float], tuple[ClassMetrics, ...]]:
    """Measure scored holdout rows: as scikit-learn does, without its checks of each call, which cost more than a fit.

    Parameters
    ----------
    targets
        Class codes or values, `[n]`.
    scores
        As a predictor gives them.

    Returns
    -------
    tuple
        Values by metric name, and per class for classification.
    """
    if contract.task == "regression":
        return _regression(targets, scores), ()
    size = len(contract.target.classes)
    cells = np.bincount(targets * size + scores.argmax(axis=1), minlength=size**2).reshape(size, size)
    hits, support, named = np.diag(cells), cells.sum(axis=1), cells.sum(axis=0)
    precision, recall = hits / np.maximum(named, 1), hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + named, 1)
    values = {
        "accuracy": float(hits.sum() / len(targets)),
        "balanced_accuracy": float(recall[support > 0].mean()),
        "f1_macro": float(f1.mean()),
        "log_loss": float(log_losses(targets, scores).mean()),
    }
    one = np.ones((1, len(targets)))
    by_class = [roc_and_pr_auc(targets == code, scores[:, code], one) for code in range(size)]
    known = [(float(roc[0]), float(average[0])) for roc, average in by_class]
    if all(math.isfinite(roc) for roc, _ in known):  # ROC needs rows of every class
        values["roc_auc"] = known[1][0] if size == 2 else float(np.mean([roc for roc, _ in known]))
    per_class = tuple(
        ClassMetrics(
            name=name,
            precision=float(precision[code]),
            recall=float(recall[code]),
            f1=float(f1[code]),
            support=int(support[code]),
            roc_auc=roc if math.isfinite(roc) else None,
            average_precision=average if math.isfinite(average) else None,
        )
        for code, (name, (roc, average)) in enumerate(zip(contract.target.classes, known, strict=True))
    )
    return values, per_class


def _regression(targets: NDArray[Any], values: Matrix) -> dict[str, float]:
    errors = values - targets
    found = {"mae": float(np.abs(errors).mean()), "rmse": float(np.sqrt((errors**2).mean()))}
    if len(targets) < 2:  # a single row has nothing to explain
        return found
    total, rest = float(((targets - targets.mean()) ** 2).sum()), float((errors**2).sum())
    explained = 1 - rest / total if total else float(rest == 0)
    return found | {"r2": explained}


def log_losses(targets: NDArray[Any], scores: Matrix) -> Matrix:
    """The log loss of each row; a probability of 0 counts as the smallest above it, as in scikit-learn."""
    least = np.finfo(np.float64).eps
    losses: Matrix = -np.log(np.clip(scores[np.arange(len(targets)), targets], least, 1 - least))
    return losses


def roc_and_pr_auc(
    members: NDArray[np.bool_], scores: Matrix, counts: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Area under the ROC curve, and average precision, of one class against the others.

    Parameters
    ----------
    members
        Which rows are of the class, `[n]`.
    scores
        Its probabilities, `[n]`.
    counts
        How often each row counts, `[resamples, n]`: all resamples at once.

    Returns
    -------
    tuple
        Both `[resamples]`; NaN in a resample without rows inside or outside the class.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # rows of equal score come in together
    inside = members[order]
    ordered = counts[:, order]
    hits = np.cumsum(ordered * inside, axis=1)[:, ends]
    taken = np.cumsum(ordered, axis=1)[:, ends]
    misses = taken - hits
    before_hits = np.pad(hits, ((0, 0), (1, 0)))[:, :-1]
    before_misses = np.pad(misses, ((0, 0), (1, 0)))[:, :-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        roc = ((misses - before_misses) * (hits + before_hits)).sum(axis=1) / (2 * hits[:, -1] * misses[:, -1])
        precision = np.where(taken > 0, hits / np.maximum(taken, 1), 0.0)
        average = ((hits - before_hits) * precision).sum(axis=1) / hits[:, -1]
    roc[(hits[:, -1] == 0) | (misses[:, -1] == 0)] = np.nan
    average[np.isnan(roc)] = np.nan
    return roc, average
