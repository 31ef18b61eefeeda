"""A race: a candidate that cannot win is not measured to the end.

Candidates come one after the other, each against the best so far, which was measured in every fold; as races between
models (Maron and Moore, 1994) and futility analysis of cross-validation (Kuhn, 2014) do it.
"""

import math
from collections.abc import Mapping

import numpy as np

from skylift.metrics import Spread
from training.metrics.registry import METRICS

_HEAT = 2
_LEAST_FOLDS = 4
_UPPER = 0.975


def heats(folds: int) -> list[list[int]]:
    """The folds in which a candidate must hold out, then the others; one heat if there are few.

    The last folds are the first: of folds in time they learn from most rows.
    """
    every = list(range(folds))
    return [every] if folds < _LEAST_FOLDS else [every[-_HEAT:], every[:-_HEAT]]


def cannot_win(metric: str, best: Spread, measured: Mapping[int, float]) -> bool:
    """Whether a candidate is worse than the best one by more than noise.

    Two folds do not tell how much their differences scatter. It is taken to be as much as if both candidates scattered
    as the best one does over all folds, and independently: on the same folds it is less. Folds share most of their
    training rows, which widens the bound (Nadeau and Bengio, 2003).

    Parameters
    ----------
    metric
        Name of the metric that candidates are selected by.
    best
        Metric of the best candidate, in every fold.
    measured
        Metric of the other candidate, by fold.

    Examples
    --------
    >>> best = Spread(mean=0.8, std=0.01, folds=(0.79, 0.81, 0.8, 0.79, 0.81))
    >>> cannot_win("accuracy", best, {3: 0.7, 4: 0.72}), cannot_win("accuracy", best, {3: 0.78, 4: 0.8})
    (True, False)
    """
    from scipy.stats import t

    losses = METRICS[metric].sign * np.array([best.folds[fold] - value for fold, value in measured.items()])
    if not (np.isfinite(losses).all() and np.isfinite(best.folds).all()):
        return False
    others = len(best.folds) - 1
    error = float(np.std(best.folds, ddof=1)) * math.sqrt(2) * math.sqrt(1 / len(losses) + 1 / others)
    return float(losses.mean()) > float(t.ppf(_UPPER, others)) * error
