"""Converters for single trees and their averages.

A leaf of a `TreeEnsemble` adds to one target, and the leaves of a classifier hold a share for each class. Two classes
need one sum. More are either counted in one sum, where every leaf is of one class, or looked up by leaf.
"""

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
from training.compile.trees import as_compared, from_sklearn, sum_of_leaves, sum_of_trees

_EXACT_BITS = 53
"""Size of the integers that a double holds exactly."""


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
    if classes == 2:
        positive = sum_of_trees(compared, [from_sklearn(tree, tree.value[:, 0, 1]) for tree in trees])
        return two_classes(positive / float(len(trees)))
    bits = len(trees).bit_length()
    if classes * bits <= _EXACT_BITS and all(_is_pure(tree) for tree in trees):
        return _count_of_leaves(trees, compared, classes, 2.0**bits) / float(len(trees))
    sums = sum_of_leaves(
        compared,
        [from_sklearn(tree, tree.value[:, 0, 0]) for tree in trees],
        [tree.value[tree.children_left == tree.children_right, 0] for tree in trees],
    )
    return sums / sums.row_sums()


def _is_pure(tree: Any) -> bool:
    leaves = tree.value[tree.children_left == tree.children_right, 0]
    return bool(np.isin(leaves, (0.0, 1.0)).all())


def _count_of_leaves(trees: list[Any], rows: Tensor, classes: int, base: float) -> Tensor:
    """Count the leaves of each class, all in one sum: each class is a digit of a number in a base above the count."""
    places = base ** np.arange(classes)
    packed = sum_of_trees(rows, [from_sklearn(tree, tree.value[:, 0] @ places) for tree in trees])
    upper = (packed * (1 / places)[None, :]).apply("Floor")
    return upper - (upper * (1 / base)).apply("Floor") * base


def _trees(estimator: Any) -> list[Any]:
    if estimator.n_outputs_ != 1:
        raise NotImplementedError("no converter for trees with several targets")
    return [member.tree_ for member in getattr(estimator, "estimators_", [estimator])]
