"""Measures what answers may miss, by scores of rows that the model was not fitted on, and looks whether it holds.

Split-conformal prediction (Vovk, Gammerman and Shafer, 2005) wants rows for this alone. Here every training row serves:
its score is that of the fold that did not learn it, as in cross-conformal prediction (Vovk, 2015) and the jackknife+
family (Barber, Candes, Ramdas and Tibshirani, 2021). Folds by group or time give the errors of such rows. What is
promised for a model that is refitted on all rows is measured on the holdout.

Intervals take quantiles of the signed error at both ends, each missed by half. Where errors spread by the predicted
value, each bin of it has its own: Mondrian conformal regression (Bostrom and Johansson, 2020). A prediction set holds
the classes that are at least as probable as all but the least of the true ones were: the least ambiguous sets of that
level (Sadinle, Lei and Wasserman, 2019).
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.conformal import Margins, Sets
from skylift.contract import Contract
from skylift.errors import ConfigError
from skylift.figures import exact_text
from skylift.scoring import Matrix
from training.config.answers import ConformalSection
from training.evaluation.report import Coverage
from training.metrics.intervals import share_interval
from training.metrics.resamples import Clusters
from training.search.out_of_fold import OutOfFold

_MOST_BINS = 5
_ROWS_PER_BIN = 100
_CERTAIN = 0.01
_DIGITS = 6


def check_conformal(intervals: ConformalSection | None, sets: ConformalSection | None, contract: Contract) -> None:
    """Refuse intervals of classes and sets of values, before anything is fitted.

    Raises
    ------
    ConfigError
    """
    if intervals is not None and contract.task == "classification":
        raise ConfigError(f"intervals are around values, and {contract.target.name} has classes", "name sets instead")
    if sets is not None and contract.task == "regression":
        raise ConfigError(f"sets are of classes, and {contract.target.name} is a number", "name intervals instead")


def margins(section: ConformalSection, out_of_fold: OutOfFold, targets: NDArray[Any]) -> Margins:
    """Margins around predicted values.

    Parameters
    ----------
    targets
        Values of all training rows.

    Raises
    ------
    ConfigError
        There are too few rows for the level.
    """
    known = np.isfinite(out_of_fold.scores)
    values = out_of_fold.scores[known]
    errors = targets[out_of_fold.rows[known]] - values
    missed = (1 - section.level) / 2
    needed = math.ceil(1 / missed - 1e-9) - 1
    if len(errors) < needed:
        _refuse("intervals", section, needed, len(errors))
    edges = _edges(values, errors, max(needed, _ROWS_PER_BIN))
    places = np.searchsorted(edges, values, side="right")
    parts = [np.sort(errors[places == place]) for place in range(len(edges) + 1)]
    return Margins(
        level=section.level,
        edges=tuple(edges.tolist()),
        low=tuple(min(_digits(-_quantile(-part[::-1], missed)), 0.0) for part in parts),
        high=tuple(max(_digits(_quantile(part, missed)), 0.0) for part in parts),
    )


def sets(section: ConformalSection, out_of_fold: OutOfFold, targets: NDArray[Any]) -> Sets:
    """What a class needs to be in a prediction set.

    Parameters
    ----------
    targets
        Class codes of all training rows.

    Raises
    ------
    ConfigError
        There are too few rows for the level.
    """
    known = np.isfinite(out_of_fold.scores).all(axis=1)
    scores, truth = out_of_fold.scores[known], targets[out_of_fold.rows[known]]
    missed = 1 - section.level
    needed = math.ceil(1 / missed - 1e-9) - 1
    if len(truth) < needed:
        _refuse("sets", section, needed, len(truth))
    strangeness = np.sort(1 - scores[np.arange(len(truth)), truth])
    least = 1 - _quantile(strangeness, missed)
    return Sets(level=section.level, least=max(math.floor(least * 10**_DIGITS) / 10**_DIGITS, 0.0))


def coverage(
    contract: Contract, targets: NDArray[Any], scores: Matrix, *, seed: int, clusters: Clusters | None
) -> Coverage | None:
    """What intervals or sets hold of the holdout; None for a contract without them.

    Parameters
    ----------
    targets, scores
        Class codes or values of the holdout, and its scores.
    seed
        Seed of the resamples, where clusters are drawn.
    clusters
        Clusters of the rows; None if they are independent.
    """
    target = contract.target
    if target.margins is not None:
        level, ends = target.margins.level, np.array([target.margins.around(value) for value in scores.tolist()])
        hits, sizes = (ends[:, 0] <= targets) & (targets <= ends[:, 1]), ends[:, 1] - ends[:, 0]
    elif target.sets is not None:
        level, inside = target.sets.level, np.zeros(scores.shape, dtype=np.bool_)
        for place, row in enumerate(scores.tolist()):
            inside[place, target.sets.of(row)] = True
        hits, sizes = inside[np.arange(len(targets)), targets], inside.sum(axis=1)
    else:
        return None
    if not np.isfinite(sizes).all():  # of answers that are not numbers
        return None
    return Coverage(
        level=level,
        rows=len(hits),
        covered=float(hits.mean()),
        interval=share_interval(hits, seed=seed, clusters=clusters),
        size=_digits(float(sizes.mean())),
        bins=len(target.margins.low) if target.margins else None,
    )


def _edges(values: Matrix, errors: Matrix, least: int) -> Matrix:
    """Edges of bins with about as many rows each; none where errors spread the same everywhere.

    Parameters
    ----------
    least
        Least number of rows in a bin.
    """
    from scipy.stats import kruskal

    count = min(_MOST_BINS, len(values) // least)
    if count < 2:
        return np.array([])
    quantiles = np.quantile(values, np.arange(1, count) / count)
    edges = np.unique([_digits(edge) for edge in quantiles.tolist()])
    places = np.searchsorted(edges, values, side="right")
    if np.bincount(places, minlength=len(edges) + 1).min() < least // 2 or not np.ptp(np.abs(errors)):
        return np.array([])
    parts = [np.abs(errors[places == place]) for place in range(len(edges) + 1)]
    return edges if len(parts) > 1 and kruskal(*parts).pvalue < _CERTAIN else np.array([])


def _quantile(rising: Matrix, missed: float) -> float:
    """The value that the next row exceeds with a probability of at most `missed`: of n rows and one more.

    Parameters
    ----------
    rising
        Values of rows, rising, `[n]`.
    """
    rank = math.ceil((len(rising) + 1) * (1 - missed) - 1e-9)
    return float(rising[min(rank, len(rising)) - 1])


def _digits(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _refuse(key: str, section: ConformalSection, needed: int, rows: int) -> None:
    raise ConfigError(
        f"{key}.level {exact_text(section.level)} takes {needed} answers out of fold, and there are {rows}",
        "lower the level, or add rows",
    )
