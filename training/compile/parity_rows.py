"""Rows on which a compiled form must answer like the estimator that it was made from."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer

from skylift.adopted import InOrder
from skylift.contract import Contract
from skylift.feature import LARGEST_NUMBER
from skylift.scoring import Matrix
from training.compile.dispatch import splits_of, wrapped
from training.data.table import Split, Table
from training.search.preparation import SEEN_AS_NUMBERS

_MAX_TRAIN_ROWS = 10_000
_MAX_THRESHOLDS = 2_000
_BASE_ROWS = 3
_MOST_CELLS = 16_000_000
"""Numbers in the varied rows: 128 MB, of which wide tables would take gigabytes."""
_SPANS_OUTSIDE = (1, 2, 3)
_NOT_SEEN = -1  # place of a column that an estimator does not see as it is


def known_rows(table: Table, split: Split) -> Matrix:
    """All of the holdout and the training rows up to 10,000, encoded: float64 `[n, width]`."""
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
        for column, feature in zip(table.contract.leads, table.contract.features, strict=True)
        if feature.is_numeric and feature.min is not None
        for limit in (-LARGEST_NUMBER, LARGEST_NUMBER)
    )
    return _varied(table, split, limits)


def sklearn_trees(estimator: Any) -> Iterator[Any]:
    """Fitted trees of `sklearn.tree` in an estimator's last step, in their order."""
    last = _last_step(estimator)
    for member in _fitted(last) or [last]:
        if (tree := getattr(member, "tree_", None)) is not None:
            yield tree


def _varied(table: Table, split: Split, edges: Iterable[tuple[int | slice, float]]) -> Matrix:
    every, width = list(edges), table.rows.shape[1]
    most = _MOST_CELLS // width
    bases = table.rows[split.train[: _BASE_ROWS if len(every) * _BASE_ROWS <= most else 1]]
    if len(every) > most:
        every = [every[place] for place in np.sort(np.random.default_rng(0).choice(len(every), most, replace=False))]
    rows = np.tile(bases, (len(every), 1))
    for number, (column, value) in enumerate(every):
        rows[number * len(bases) : (number + 1) * len(bases), column] = value
    return rows


def _edges(estimator: Any, contract: Contract) -> Iterator[tuple[int | slice, float]]:
    for block, feature in zip(contract.blocks, contract.features, strict=True):
        column = block.start
        if feature.min is not None and feature.max is not None:
            span = feature.max - feature.min
            for spans in (0, *_SPANS_OUTSIDE):
                yield column, max(feature.min - spans * span, -LARGEST_NUMBER)
                yield column, min(feature.max + spans * span, LARGEST_NUMBER)
        if feature.may_be_missing:
            yield column if feature.kind == "text" else block, np.nan  # of a missing text the length alone
        for code in _some([*range(len(feature.levels) if feature.is_nominal else 0)]):
            yield column, float(code)
    found: dict[type, set[tuple[int, float]]] = {np.float32: set(), np.float64: set()}
    for dtype, column, threshold in _thresholds(estimator, list(range(contract.width))):
        found[dtype].add((column, threshold))
    for dtype, thresholds in found.items():
        for column, threshold in _some(sorted(thresholds)):
            exact = dtype(threshold)
            with np.errstate(over="ignore"):
                neighbours = (exact, np.nextafter(exact, dtype(-np.inf)), np.nextafter(exact, dtype(np.inf)))
            yield from ((column, float(neighbour)) for neighbour in neighbours if np.isfinite(neighbour))


def _thresholds(estimator: Any, columns: list[int]) -> Iterator[tuple[type, int, float]]:
    """Split points of an estimator and of those that it is made of, with the type and the column that they compare.

    Parameters
    ----------
    columns
        Columns of the encoded rows that the estimator sees as numbers, in its order, as far as it compares them.
    """
    if isinstance(estimator, InOrder):
        yield from _thresholds(estimator.estimator, columns)
        return
    if hasattr(estimator, "steps"):
        yield from _thresholds(estimator.steps[-1][1], _columns_after(estimator.steps[0][1], columns))
        return
    for member, places in _members(estimator):
        yield from _thresholds(member, [columns[place] for place in places if place < len(columns)])
    columns = _columns_inside(estimator, columns)
    for dtype, places, thresholds in _own_splits(estimator):
        for place, threshold in zip(places.tolist(), thresholds.tolist(), strict=True):
            column = columns[place] if place < len(columns) else _NOT_SEEN
            if column != _NOT_SEEN and np.isfinite(threshold):  # not of missing from known values
                yield dtype, column, threshold


def _columns_after(step: Any, columns: list[int]) -> list[int]:
    """Columns that the first step of a pipeline hands on as numbers, at their places behind it."""
    outputs = getattr(step, "output_indices_", None)
    if outputs is None:
        return columns
    after = [_NOT_SEEN] * max(part.stop for part in outputs.values())
    for name, part, _ in step.transformers_:
        passed = part == "passthrough" or (isinstance(part, FunctionTransformer) and part.func is None)
        if passed or name in SEEN_AS_NUMBERS or isinstance(part, SimpleImputer):
            taken = [int(place) for place in step._transformer_to_input_indices[name]]
            seen = [columns[place] if place < len(columns) else _NOT_SEEN for place in taken]
            place = outputs[name]
            after[place] = (seen + after[place])[: place.stop - place.start]
    return after


def _columns_inside(estimator: Any, columns: list[int]) -> list[int]:
    """Columns as the trees of boosting with categories see them: categories come first."""
    if getattr(estimator, "_preprocessor", None) is None:
        return columns
    by_category = np.asarray(estimator.is_categorical_)
    order = [*np.flatnonzero(by_category).tolist(), *np.flatnonzero(~by_category).tolist()]
    return [columns[place] if place < len(columns) else _NOT_SEEN for place in order]


def _members(estimator: Any) -> Iterator[tuple[Any, Iterable[int]]]:
    """Fitted estimators that one is made of and that see its columns, each with their places."""
    every = range(getattr(estimator, "n_features_in_", 0))
    members = _fitted(estimator)
    places = getattr(estimator, "estimators_features_", [every] * len(members))
    yield from zip(members, places, strict=True)
    yield from ((member.estimator, every) for member in getattr(estimator, "calibrated_classifiers_", []))
    if hasattr(estimator, "regressor_"):
        yield estimator.regressor_, every
    if (inner := wrapped(estimator)) is not None:
        yield inner, every


def _fitted(estimator: Any) -> list[Any]:
    """Fitted members of an ensemble; of gradient boosting, which has some for each class, in the order of rounds."""
    members = getattr(estimator, "estimators_", [])
    return members.ravel().tolist() if isinstance(members, np.ndarray) else list(members)


def _own_splits(estimator: Any) -> Iterator[tuple[type, NDArray[Any], NDArray[Any]]]:
    """Features and thresholds of the nodes that compare numbers, tree by tree."""
    if (tree := getattr(estimator, "tree_", None)) is not None:
        inner = tree.children_left != tree.children_right
        yield np.float32, tree.feature[inner], tree.threshold[inner]
    for nodes in (member.nodes for members in getattr(estimator, "_predictors", []) for member in members):
        by_number = ~nodes["is_leaf"].astype(bool) & ~nodes["is_categorical"].astype(bool)
        yield np.float64, nodes["feature_idx"][by_number], nodes["num_threshold"][by_number]
    try:
        splits = splits_of(estimator)
    except NotImplementedError:  # no form of it is ever compared
        return
    if splits is not None:
        for each in splits.trees:
            by_number = ~each.leaf
            by_number[list(each.categories)] = False
            yield splits.dtype, each.feature[by_number], each.threshold[by_number]


def _last_step(estimator: Any) -> Any:
    if isinstance(estimator, InOrder):
        return _last_step(estimator.estimator)
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def _some[T](items: list[T]) -> Iterable[T]:
    """At most `_MAX_THRESHOLDS` of many, evenly."""
    return items[:: len(items) // _MAX_THRESHOLDS + 1]
