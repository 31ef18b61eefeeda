"""The candidates of a table whose `model.yaml` names none, within what its budget allows.

How much work a candidate is follows from the table alone, and never from the machine: the same table and configuration
give the same candidates everywhere. The figures are seconds of one core of 2025, right to a factor of two.
"""

import math
from dataclasses import dataclass
from typing import Any

from skylift.contract import Contract
from training.config import Candidate
from training.search.preparation import prepared_width

DEFAULT_BUDGET = 30.0
"""Seconds of search that the default candidates are chosen for, on two cores."""

_FIT_SHARE = 1 / 5
"""Share of the budget that one fit may take on one core."""
_BOOSTING_SHARE = 1 / 8
"""The same of boosting, which mostly wins and so is fitted in every fold, where the others are dropped."""
_BINS_SHARE = 1 / 20
"""The same of its bins, of which wide tables do well with few."""
_TREES = 100
_LEAVES = 31
_SECONDS_PER_CELL = 2.5e-8  # and level, of a forest's tree: a cell is a row in a column that a split looks at
_SECONDS_PER_BOOSTED_CELL = 7e-9  # of a boosted tree, which looks at every column
_SECONDS_PER_BIN = 4e-9  # and leaf, of a boosted tree
_SECONDS_PER_PAIR = 4e-9  # and column, of support vectors, with the fits of their calibration
_BINS = (255, 127, 63, 31)
_FEWEST_COMPARED = 5_000
_ONES_PER_COLUMN = 4
_ROWS_FOR_LARGER_LEAVES = 1_000
_LARGER_LEAF = 5
_ROWS_PER_LEAF_ROW = 5_000
_LARGEST_LEAF = 20
_BALANCED = {"class_weight": "balanced"}


@dataclass(frozen=True, slots=True)
class Defaults:
    """Candidates, the quickest first, and what should be known of them.

    Parameters
    ----------
    candidates
        Candidates with their parameters.
    notes
        Candidates that were left out, why, and how to bring them in.
    """

    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...]


def rows_to_compare_on(contract: Contract, budget: float | None = None) -> int:
    """The number of training rows that the default candidates have time for in their folds.

    The chosen one learns from all: what it takes then grows with the rows of the table, and what choosing takes does
    not.
    """
    classes = len(contract.target.classes)
    trees = _TREES * (classes if classes > 2 else 1)
    width = max(contract.width, prepared_width(contract, trees=False) // _ONES_PER_COLUMN)
    rows = (budget or DEFAULT_BUDGET) * _BOOSTING_SHARE / (trees * width * _SECONDS_PER_BOOSTED_CELL)
    return max(int(rows), _FEWEST_COMPARED)


def default_candidates(
    contract: Contract,
    rows: int,
    budget: float | None = None,
    *,
    rare: bool = False,
    learned: int | None = None,
) -> Defaults:
    """Good candidates for a table.

    Parameters
    ----------
    rows
        Number of training rows.
    budget
        Seconds of search, from `model.yaml`; `DEFAULT_BUDGET` if absent.
    rare
        Whether a class is rare: then weights by class are tried.
    learned
        Number of rows that each fold learns from at least; `rows` if absent.
    """
    classifies = contract.task == "classification"
    budget = budget or DEFAULT_BUDGET
    seconds = budget * _FIT_SHARE
    width = prepared_width(contract, trees=False)
    linear = (
        _candidate("logistic", "linear_model.LogisticRegression", max_iter=1000)
        if classifies
        else _candidate("ridge", "linear_model.Ridge")
    )
    ending = "Classifier" if classifies else "Regressor"
    boosting = _candidate("boosting", f"ensemble.HistGradientBoosting{ending}", **_bins(contract, budget * _BINS_SHARE))
    of_trees = prepared_width(contract, trees=True)
    looked_at = math.sqrt(of_trees) if classifies else of_trees
    forest = _candidate("forest", f"ensemble.RandomForest{ending}", **_sizes(rows, learned or rows, looked_at, seconds))
    svm = _candidate("svm", "svm.SVC" if classifies else "svm.SVR")
    first = [linear]
    if rare:
        first.append(linear.model_copy(update={"name": "balanced", "params": linear.params | _BALANCED}))
    if rows**2 * width * _SECONDS_PER_PAIR <= seconds:
        return Defaults((*first, boosting, forest, svm), ())
    size = f"{rows} rows of {width} numbers"
    note = f"svm was left out: it takes too long for {size}; set a larger budget, or name it in candidates"
    return Defaults((*first, boosting, forest), (note,))


def _candidate(name: str, path: str, **params: Any) -> Candidate:
    return Candidate(name=name, estimator=f"sklearn.{path}", params=params)


def _bins(contract: Contract, seconds: float) -> dict[str, Any]:
    """As many bins as wide tables of many classes have time for."""
    classes = len(contract.target.classes)
    trees = _TREES * (classes if classes > 2 else 1)
    cost = trees * _LEAVES * contract.width * _SECONDS_PER_BIN
    bins = next((bins for bins in _BINS if bins * cost <= seconds), _BINS[-1])
    return {} if bins == _BINS[0] else {"max_bins": bins}


def _sizes(rows: int, learned: int, looked_at: float, seconds: float) -> dict[str, Any]:
    """The rows that a forest's trees have time for, and leaves whose shares are of more than one row.

    Leaves of one row give a class that is rare in a place the probability 0, for which log loss punishes a forest most.
    """
    most = seconds / (_TREES * looked_at * _SECONDS_PER_CELL * math.log2(max(rows, 2)))
    share = {} if most >= rows else {"max_samples": max(min(int(most), learned), 1)}
    if rows < _ROWS_FOR_LARGER_LEAVES:
        return share
    return share | {"min_samples_leaf": min(_LARGER_LEAF + int(min(most, rows)) // _ROWS_PER_LEAF_ROW, _LARGEST_LEAF)}
