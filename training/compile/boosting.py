"""Converters for gradient boosting."""

from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from training.compile.dispatch import decide, score, transform
from training.compile.graph import Tensor
from training.compile.linear import inverse_link
from training.compile.trees import Tree, as_compared, codes_of_bits, from_sklearn, sum_of_trees


@score.register
def _score_gradient_regressor(estimator: GradientBoostingRegressor, rows: Tensor) -> Tensor:
    return _gradient_raw(estimator, rows)


@score.register
def _score_gradient_classifier(estimator: GradientBoostingClassifier, rows: Tensor) -> Tensor:
    # The exponential loss has half the log-odds.
    factor = 2.0 if estimator.loss == "exponential" else 1.0
    return _probabilities(_gradient_raw(estimator, rows), len(estimator.classes_), factor)


@score.register
def _score_hist_regressor(estimator: HistGradientBoostingRegressor, rows: Tensor) -> Tensor:
    return inverse_link(estimator._loss.link, _hist_raw(estimator, rows))


@score.register
def _score_hist_classifier(estimator: HistGradientBoostingClassifier, rows: Tensor) -> Tensor:
    return _probabilities(_hist_raw(estimator, rows), len(estimator.classes_))


@decide.register
def _decide_gradient(estimator: GradientBoostingClassifier, rows: Tensor) -> Tensor:
    return _gradient_raw(estimator, rows)


@decide.register
def _decide_hist(estimator: HistGradientBoostingClassifier, rows: Tensor) -> Tensor:
    return _hist_raw(estimator, rows)


def _probabilities(raw: Tensor, classes: int, factor: float = 1.0) -> Tensor:
    if classes > 2:
        return raw.softmax()
    # The logistic function of one score is the softmax of that and zero.
    return (raw * np.array([[0.0, factor]])).softmax()


def _gradient_raw(estimator: Any, rows: Tensor) -> Tensor:
    if not (estimator.init_ == "zero" or isinstance(estimator.init_, DummyClassifier | DummyRegressor)):
        raise NotImplementedError(f"no converter for boosting that starts from {type(estimator.init_).__name__}")
    start = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_)))
    trees, targets = [], []
    for members in estimator.estimators_:
        for target, member in enumerate(members):
            tree = member.tree_
            trees.append(from_sklearn(tree, estimator.learning_rate * tree.value[:, 0, 0]))
            targets.append(target)
    return sum_of_trees(as_compared(rows), trees, targets) + np.asarray(start)


def _hist_raw(estimator: Any, rows: Tensor) -> Tensor:
    if estimator._preprocessor is not None:  # it puts categories first, and makes those it never saw missing
        rows = transform(estimator._preprocessor, rows)
    trees, targets = [], []
    for members in estimator._predictors:
        for target, member in enumerate(members):
            trees.append(_from_hist(member))
            targets.append(target)
    return sum_of_trees(rows, trees, targets) + np.asarray(estimator._baseline_prediction, dtype=float).reshape(1, -1)


def _from_hist(predictor: Any) -> Tree:
    nodes = predictor.nodes
    by_category = np.flatnonzero(nodes["is_categorical"].astype(bool) & ~nodes["is_leaf"].astype(bool))
    return Tree(
        left=nodes["left"].astype(int),
        right=nodes["right"].astype(int),
        leaf=nodes["is_leaf"].astype(bool),
        feature=nodes["feature_idx"].astype(int),
        threshold=nodes["num_threshold"],
        missing_left=nodes["missing_go_to_left"],
        value=nodes["value"],
        categories={
            int(node): codes_of_bits(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]) for node in by_category
        },
    )
