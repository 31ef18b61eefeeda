"""Values of metrics: on scored rows, over folds, and of one version against another."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract
from skylift.metrics import ClassMetrics, Spread
from skylift.scoring import Matrix
from training.metrics.registry import CLASS_METRICS, METRICS, Metric, compute, selectable
from training.metrics.resamples import ScoredRows

_UPPER = 0.975
_ROUNDING_ERROR = 1e-12


def score_metrics(
    contract: Contract, targets: NDArray[Any], scores: Matrix, metrics: Iterable[Metric] | None = None
) -> dict[str, float]:
    """Measure scored rows: as scikit-learn does, without its checks of each call, which cost more than a fit.

    Parameters
    ----------
    targets
        Class codes or values, `[n]`.
    scores
        Scores as a predictor gives them, `[n, classes]` or `[n]`.
    metrics
        Metrics to compute; by default all that candidates can be selected by.

    Returns
    -------
    Values by metric name, without those that the rows cannot tell.
    """
    resamples = ScoredRows(contract.target, targets, scores).once()
    values = compute(selectable(contract.task) if metrics is None else metrics, resamples)
    return {name: value for name, (value,) in values.items() if not math.isnan(value)}


def class_metrics(contract: Contract, targets: NDArray[Any], scores: Matrix) -> tuple[ClassMetrics, ...]:
    """Measure each class against the others; nothing for regression."""
    if contract.task == "regression":
        return ()
    resamples = ScoredRows(contract.target, targets, scores).once()
    values = {name: of_classes[0].tolist() for name, of_classes in compute(CLASS_METRICS, resamples).items()}
    return tuple(
        ClassMetrics(
            name=name,
            precision=values["precision"][code],
            recall=_known(values["recall"][code]) or 0.0,
            f1=values["f1"][code],
            support=int(resamples.support[0, code]),
            roc_auc=_known(values["roc_auc"][code]),
            average_precision=_known(values["average_precision"][code]),
        )
        for code, name in enumerate(contract.target.classes)
    )


def fold_summary(folds: Sequence[float]) -> Spread:
    """A metric over folds; over those that could tell it, where some could."""
    values = np.array(folds, dtype=float)
    known = values[~np.isnan(values)] if not np.isnan(values).all() else values
    return Spread(mean=float(np.mean(known)), std=float(np.std(known)), folds=tuple(values.tolist()))


def differ_by_noise(first: Spread, second: Spread) -> bool:
    """Whether two candidates differ by no more than chance on the same folds, at 95%.

    The corrected paired t-test: folds share most of their training rows, so that they tell less than their number
    (Nadeau and Bengio, 2003).

    Examples
    --------
    >>> steady, close = fold_summary([0.5, 0.6, 0.7]), fold_summary([0.51, 0.58, 0.71])
    >>> differ_by_noise(steady, close), differ_by_noise(steady, fold_summary([0.2, 0.3, 0.4]))
    (True, False)
    """
    from scipy.stats import t

    gains = np.subtract(second.folds, first.folds)
    gains = gains[np.isfinite(gains)]
    if len(gains) < 2:
        return not gains.any()
    error = float(np.std(gains, ddof=1)) * math.sqrt(1 / len(gains) + 1 / (len(gains) - 1))
    bound = float(t.ppf(_UPPER, len(gains) - 1)) * error
    return abs(float(gains.mean())) <= max(bound, _ROUNDING_ERROR)


def is_better(metric: str, challenger: Spread, other: Spread) -> bool:
    """Whether a candidate is better than another on the same folds, by more than chance."""
    gain = METRICS[metric].sign * (challenger.mean - other.mean)
    return gain > 0 and not differ_by_noise(other, challenger)


def regression_from(metric: str, champion: float, challenger: float) -> float:
    """How much worse a challenger is, 0 if it is not.

    Absolute for shares and R2; for losses and errors, which have no scale of their own, relative to the champion's.

    Examples
    --------
    >>> regression_from("rmse", 10.0, 12.0), regression_from("accuracy", 0.75, 0.5), regression_from("mae", 2.0, 1.0)
    (0.2, 0.25, 0.0)
    """
    worse = max(METRICS[metric].sign * (champion - challenger), 0.0)
    if METRICS[metric].is_absolute or worse == 0:
        return worse
    return worse / abs(champion) if champion else math.inf


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
