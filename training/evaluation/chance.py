"""Whether a model knows anything: whether it ranks the rows of a class before others more often than chance does.

A constant prediction is what chance gives only for some metrics. Of few positive rows the average precision of a random
order is well above their share, and any label of a class that the constant never gives makes a better F1.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from training.metrics.registry import METRICS, compute
from training.metrics.resamples import Clusters, ScoredRows

BETTER_BY_CHANCE = frozenset({"average_precision", "f1", "f1_macro"})
"""Metrics in which a model that knows nothing may beat the dummy baseline."""

_UNLIKELY = 0.005
_FOLDS_TELL_TWICE = 2.0
_AREA_BY_CHANCE = 0.5

type Part = tuple[ScoredRows, Clusters | None]
"""Rows that a model was not fitted on, with their clusters."""


def knows_something(folds: Sequence[Part], holdout: Part | None = None) -> bool:
    """Whether a classifier ranks rows better than chance.

    By chance the area under the ROC curve is 1/2, with the variance of Mann and Whitney's statistic (1947); areas are
    combined by their precision (van Elteren, 1960). A mean over classes varies no more than their mean variance says.
    What makes rows of one fold look like those of another does so in both, each being learned from the other: the
    variance of the folds' part counts twice.

    Parameters
    ----------
    folds
        Rows of each fold, as the model that was fitted on the others answers them, or none.
    holdout
        Rows of the holdout; None if these cannot tell.
    """
    told = 0.0
    variance = 0.0
    for part, times in [*((fold, _FOLDS_TELL_TWICE) for fold in folds), *([(holdout, 1.0)] if holdout else [])]:
        area, spread = _area(part)
        if math.isfinite(area):
            told += (area - _AREA_BY_CHANCE) / spread
            variance += times / spread
    return variance > 0 and told / math.sqrt(variance) > NormalDist().inv_cdf(1 - _UNLIKELY)


def _area(part: Part) -> tuple[float, float]:
    """The area of a part, NaN if its rows cannot tell, and the variance of it by chance."""
    rows, clusters = part
    metric = METRICS["roc_auc"]
    area = float(compute([metric], rows.once())[metric.name][0])
    if not math.isfinite(area):
        return area, math.inf
    codes = range(1, 2) if rows.classes == 2 else range(rows.classes)
    return area, float(np.mean([_variance(rows.targets == code, clusters) for code in codes]))


def _variance(inside: NDArray[np.bool_], clusters: Clusters | None) -> float:
    """Variance of the area by chance; rows of a cluster tell no more than one row of it."""
    units = np.arange(len(inside)) if clusters is None else clusters
    members, others = (len(np.unique(units[side])) for side in (inside, ~inside))
    return (members + others + 1) / (12 * members * others)
