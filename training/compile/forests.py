"""Converters for single trees and their averages."""

from typing import Any

import numpy as np
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from training.compile.dispatch import score
from training.compile.graph import Tensor, two_classes
from training.compile.trees import as_compared, from_sklearn, sum_of_trees

_MOST_COPIES = 3
"""Classes up to which a copy of the trees for each is smaller and faster than a table of leaves."""


@score.register(DecisionTreeRegressor)
@score.register(RandomForestRegressor)
@score.register(ExtraTreesRegressor)
def _score_regressor(estimator: Any, rows: Tensor) -> Tensor:
    trees = [from_sklearn(tree, tree.value[:, 0, 0]) for tree in _trees(estimator)]
    return sum_of_trees(as_compared(rows), trees) / float(len(trees))


@score.register(DecisionTreeClassifier)
@score.register(RandomForestClassifier)
@score.register(ExtraTreesClassifier)
def _score_classifier(estimator: Any, rows: Tensor) -> Tensor:
    trees, classes, compared = _trees(estimator), len(estimator.classes_), as_compared(rows)
    if classes == 2:  # noqa: PLR2004
        positive = sum_of_trees(compared, [from_sklearn(tree, tree.value[:, 0, 1]) for tree in trees])
        # Shares that round to more than 1 would leave less than nothing for the first class.
        return two_classes((positive / float(len(trees))).apply("Clip", 0.0, 1.0))
    if classes <= _MOST_COPIES:
        copies = [(from_sklearn(tree, tree.value[:, 0, code]), code) for code in range(classes) for tree in trees]
        sums = sum_of_trees(compared, [tree for tree, _ in copies], [code for _, code in copies])
    else:
        sums = _sum_of_leaves(trees, compared)
    return sums / sums.row_sums()


def _sum_of_leaves(trees: list[Any], rows: Tensor) -> Tensor:
    """Sum the shares of the leaves that a row falls into, found in a table `[leaves, classes]`."""
    numbered, shares, count = [], [], 0
    for tree in trees:
        leaf = tree.children_left == tree.children_right
        numbered.append(from_sklearn(tree, np.where(leaf, count + np.cumsum(leaf) - 1.0, 0.0)))
        shares.append(tree.value[leaf, 0])
        count += int(leaf.sum())
    numbers = sum_of_trees(rows, numbered, list(range(len(trees)))).as_integers()
    found = rows.graph.add("Gather", (np.vstack(shares), numbers), axis=0)
    return found.apply("ReduceSum", np.array([1]), keepdims=0)


def _trees(estimator: Any) -> list[Any]:
    if estimator.n_outputs_ != 1:
        raise NotImplementedError("no converter for trees with several targets")
    return [member.tree_ for member in getattr(estimator, "estimators_", [estimator])]
