"""Rows on which a compiled form must answer like the estimator that it was made from."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract
from skylift.feature import LARGEST_NUMBER
from skylift.scoring import Matrix
from training.data.table import Split, Table
from training.search.candidates import SEEN_AS_NUMBERS

_MAX_TRAIN_ROWS = 10_000
_MAX_THRESHOLDS = 2_000
_BASE_ROWS = 3
_SPANS_OUTSIDE = (1, 2, 3)


def known_rows(table: Table, split: Split) -> Matrix:
    """All of the holdout and the training rows up to 10,000, encoded: float64 `[n, features]`."""
    rows: Matrix = table.rows[np.concatenate([split.holdout, split.train[:_MAX_TRAIN_ROWS]])]
    return rows


def edge_rows(estimator: Any, table: Table, split: Split) -> Matrix:
    """Training rows with one feature set to a value at which forms are most likely to differ.

    That is each feature at its training bounds, up to three spans outside them, at the estimator's split thresholds and
    their neighbours, missing, and in each of its categories.
    """
    return _varied(table, split, _edges(estimator, table.contract))


def limit_rows(table: Table, split: Split) -> Matrix:
    """Training rows with one number set to the largest and the smallest that a request may hold."""
    limits = (
        (column, limit)
        for column, feature in enumerate(table.contract.features)
        if feature.min is not None
        for limit in (-LARGEST_NUMBER, LARGEST_NUMBER)
    )
    return _varied(table, split, limits)


def sklearn_trees(estimator: Any) -> Iterator[Any]:
    """Fitted trees of `sklearn.tree` in an estimator's last step, in their order."""
    last = _last_step(estimator)
    for member in np.ravel(getattr(last, "estimators_", [last])):
        if (tree := getattr(member, "tree_", None)) is not None:
            yield tree


def _varied(table: Table, split: Split, edges: Iterable[tuple[int, float]]) -> Matrix:
    bases = table.rows[split.train[:_BASE_ROWS]]
    rows = [np.empty((0, bases.shape[1]))]
    for column, value in edges:
        varied = bases.copy()
        varied[:, column] = value
        rows.append(varied)
    return np.vstack(rows)


def _edges(estimator: Any, contract: Contract) -> Iterator[tuple[int, float]]:
    for column, feature in enumerate(contract.features):
        if feature.min is not None and feature.max is not None:
            span = feature.max - feature.min
            for spans in (0, *_SPANS_OUTSIDE):
                yield column, max(feature.min - spans * span, -LARGEST_NUMBER)
                yield column, min(feature.max + spans * span, LARGEST_NUMBER)
        if feature.may_be_missing:
            yield column, np.nan
        for code in range(len(feature.categories)):
            yield column, float(code)
    columns = _columns_seen(estimator, contract)
    for dtype, thresholds in ((np.float32, _sklearn_thresholds(estimator)), (np.float64, _hist_thresholds(estimator))):
        for position, threshold in _some(sorted(thresholds)):
            if position < len(columns):
                exact = dtype(threshold)
                for neighbour in (exact, np.nextafter(exact, dtype(-np.inf)), np.nextafter(exact, dtype(np.inf))):
                    yield columns[position], float(neighbour)


def _columns_seen(estimator: Any, contract: Contract) -> list[int]:
    """Columns of the encoded rows that the last step sees as numbers, in its order, as far as it compares them."""
    columns = list(range(len(contract.features)))
    parts = getattr(estimator.steps[0][1], "transformers", None) if hasattr(estimator, "steps") else None
    if parts is not None:
        columns = next((taken for name, _, taken in parts if name in SEEN_AS_NUMBERS), [])
    last = _last_step(estimator)
    if getattr(last, "_preprocessor", None) is not None:  # of boosting with categories, which come first
        by_category = np.asarray(last.is_categorical_)
        order = [*np.flatnonzero(by_category).tolist(), *np.flatnonzero(~by_category).tolist()]
        columns = [columns[position] for position in order if position < len(columns)]
    return columns


def _sklearn_thresholds(estimator: Any) -> set[tuple[int, float]]:
    """Split points of `sklearn.tree`, by the position of the column that their estimator sees."""
    found: set[tuple[int, float]] = set()
    for tree in sklearn_trees(estimator):
        found |= _finite(tree.feature, tree.threshold, tree.children_left != tree.children_right)
    return found


def _hist_thresholds(estimator: Any) -> set[tuple[int, float]]:
    """Split points of histogram boosting, by the position of the column that it sees."""
    found: set[tuple[int, float]] = set()
    for members in getattr(_last_step(estimator), "_predictors", []):
        for nodes in (member.nodes for member in members):
            by_number = ~nodes["is_leaf"].astype(bool) & ~nodes["is_categorical"].astype(bool)
            found |= _finite(nodes["feature_idx"], nodes["num_threshold"], by_number)
    return found


def _finite(features: NDArray[Any], thresholds: NDArray[Any], inner: NDArray[np.bool_]) -> set[tuple[int, float]]:
    """Pairs at inner nodes; a split of missing from known values has an infinite threshold."""
    kept = inner & np.isfinite(thresholds)
    return set(zip(features[kept].tolist(), thresholds[kept].tolist(), strict=True))


def _last_step(estimator: Any) -> Any:
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def _some[T](items: list[T]) -> Iterable[T]:
    """At most `_MAX_THRESHOLDS` of many, evenly."""
    return items[:: len(items) // _MAX_THRESHOLDS + 1]
