"""Converters for what is made of other estimators: votes, stacks, bags, boosted stumps, one class against the rest."""

from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._classification_threshold import BaseThresholdClassifier
from sklearn.model_selection._search import BaseSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.tree import BaseDecisionTree

from skylift.adopted import InOrder
from skylift.scoring import Matrix
from training.compile.dispatch import answers, decide, score, wrapped
from training.compile.graph import Tensor, concatenate, two_classes
from training.compile.trees import as_compared, from_sklearn, sum_of_leaves, sum_of_trees


@score.register(VotingClassifier)
@score.register(VotingRegressor)
def _score_vote(estimator: Any, rows: Tensor) -> Tensor:
    given = estimator._weights_not_none
    weights = np.ones(len(estimator.estimators_)) if given is None else np.array(given, dtype=float)
    each = [_weighted(member, rows, weight) for member, weight in zip(estimator.estimators_, weights, strict=True)]
    return reduce(add, each) / float(weights.sum())


@answers.register(VotingClassifier)
@answers.register(VotingRegressor)
def _answer_of_vote(estimator: Any, rows: Matrix) -> Matrix:
    each = [answers(member, rows) for member in estimator.estimators_]
    average: Matrix = np.average(each, axis=0, weights=estimator._weights_not_none)
    return average


def _weighted(member: Any, rows: Tensor, weight: float) -> Tensor:
    scores: Tensor = score(member, rows)
    return scores if weight == 1 else scores * float(weight)


@score.register(BaseSearchCV)
@score.register(BaseThresholdClassifier)
@score.register(FrozenEstimator)
@score.register(SelfTrainingClassifier)
def _score_wrapped(estimator: Any, rows: Tensor) -> Tensor:
    return score(wrapped(estimator), rows)


@decide.register(BaseSearchCV)
@decide.register(BaseThresholdClassifier)
@decide.register(FrozenEstimator)
@decide.register(SelfTrainingClassifier)
def _decide_wrapped(estimator: Any, rows: Tensor) -> Tensor:
    return decide(wrapped(estimator), rows)


@answers.register(BaseSearchCV)
@answers.register(BaseThresholdClassifier)
@answers.register(FrozenEstimator)
@answers.register(SelfTrainingClassifier)
def _answer_of_wrapped(estimator: Any, rows: Matrix) -> Matrix:
    return answers(wrapped(estimator), rows)


@score.register
def _score_in_order(estimator: InOrder, rows: Tensor) -> Tensor:
    scores: Tensor = score(estimator.estimator, rows)
    return scores.columns(estimator.order)


@answers.register
def _answer_in_order(estimator: InOrder, rows: Matrix) -> Matrix:
    in_order: Matrix = answers(estimator.estimator, rows)[:, estimator.order]
    return in_order


@score.register(StackingClassifier)
@score.register(StackingRegressor)
def _score_stack(estimator: Any, rows: Tensor) -> Tensor:
    parts = [
        _stacked(member, method, rows)
        for member, method in zip(estimator.estimators_, estimator.stack_method_, strict=True)
    ]
    scores: Tensor = score(
        estimator.final_estimator_, concatenate([*parts, *([rows] if estimator.passthrough else [])])
    )
    return scores


def _stacked(member: Any, method: str, rows: Tensor) -> Tensor:
    """What a stack's last estimator sees of another: of two classes the probability of the second alone."""
    if method == "decision_function":
        decisions: Tensor = decide(member, rows)
        return decisions
    scores: Tensor = score(member, rows)
    if method == "predict_proba":
        return scores.columns([1]) if len(member.classes_) == 2 else scores
    if hasattr(member, "classes_"):
        raise NotImplementedError("no converter for stacks of labels")
    return scores


@score.register(BaggingClassifier)
@score.register(BaggingRegressor)
def _score_bag(estimator: Any, rows: Tensor) -> Tensor:
    members, places = estimator.estimators_, estimator.estimators_features_
    if all(isinstance(member, BaseDecisionTree) for member in members):
        return _bag_of_trees(estimator, rows)
    every = list(range(estimator.n_features_in_))
    each = []
    for member, taken in zip(members, places, strict=True):
        seen = rows if list(taken) == every else rows.columns(np.asarray(taken).tolist())
        scores: Tensor = score(member, seen)
        each.append(_of_all_classes(estimator, member, scores))
    return reduce(add, each) / float(len(each))


def _of_all_classes(estimator: Any, member: Any, scores: Tensor) -> Tensor:
    """Probabilities of all classes, from those of the classes that a member has seen."""
    classes = len(getattr(estimator, "classes_", ()))
    if not classes or len(member.classes_) == classes:
        return scores
    return scores @ np.eye(classes)[np.asarray(member.classes_, dtype=int)]


def _bag_of_trees(estimator: Any, rows: Tensor) -> Tensor:
    classes = len(getattr(estimator, "classes_", ()))
    trees, leaves = [], []
    for member, taken in zip(estimator.estimators_, estimator.estimators_features_, strict=True):
        tree = from_sklearn(member.tree_, member.tree_.value[:, 0, 0])
        trees.append(replace(tree, feature=np.where(tree.leaf, 0, np.asarray(taken)[tree.feature])))
        values = member.tree_.value[tree.leaf, 0]
        leaves.append(values @ np.eye(classes)[np.asarray(member.classes_, dtype=int)] if classes else values)
    if classes == 2:
        return two_classes(
            sum_of_leaves(as_compared(rows), trees, [part[:, 1:] for part in leaves]) / float(len(trees))
        )
    return sum_of_leaves(as_compared(rows), trees, leaves) / float(len(trees))


@decide.register
def _decide_adaptive(estimator: AdaBoostClassifier, rows: Tensor) -> Tensor:
    """Weighted votes of trees: 1 for a leaf's class, and for every other its share of minus one."""
    if not all(isinstance(member, BaseDecisionTree) for member in estimator.estimators_):
        raise NotImplementedError("no converter for AdaBoostClassifier of other estimators than trees")
    classes = estimator.n_classes_
    weights = estimator.estimator_weights_[: len(estimator.estimators_)]
    trees = [from_sklearn(member.tree_, member.tree_.value[:, 0, 0]) for member in estimator.estimators_]
    leaves = [
        _votes(member, estimator.classes_)[tree.leaf] * weight
        for member, tree, weight in zip(estimator.estimators_, trees, weights, strict=True)
    ]
    if classes == 2:
        leaves = [votes[:, 1:] - votes[:, :1] for votes in leaves]
    return sum_of_leaves(as_compared(rows), trees, leaves) / float(estimator.estimator_weights_.sum())


def _votes(member: Any, classes: NDArray[Any]) -> NDArray[np.float64]:
    """Votes of each node of a tree, `[nodes, classes]`."""
    chosen = member.classes_[member.tree_.value[:, 0].argmax(axis=1)]
    return np.where(classes == chosen[:, None], 1.0, -1.0 / (len(classes) - 1))


@score.register
def _score_adaptive(estimator: AdaBoostClassifier, rows: Tensor) -> Tensor:
    decisions: Tensor = decide(estimator, rows)
    if estimator.n_classes_ == 2:
        return (decisions * np.array([[-0.5, 0.5]])).softmax()
    return (decisions / float(estimator.n_classes_ - 1)).softmax()


@score.register
def _score_adaptive_regressor(estimator: AdaBoostRegressor, rows: Tensor) -> Tensor:
    """The weighted median: the least value that, with all below it, has half of the weight."""
    if not all(isinstance(member, BaseDecisionTree) for member in estimator.estimators_):
        raise NotImplementedError("no converter for AdaBoostRegressor of other estimators than trees")
    trees = [from_sklearn(member.tree_, member.tree_.value[:, 0, 0]) for member in estimator.estimators_]
    values = sum_of_trees(as_compared(rows), trees, range(len(trees)))
    weights = estimator.estimator_weights_[: len(trees)]
    others, each = values.apply("Unsqueeze", np.array([1])), values.apply("Unsqueeze", np.array([2]))
    below = others.apply("LessOrEqual", each).as_double() * weights
    enough = below.apply("ReduceSum", np.array([2]), keepdims=0).apply("GreaterOrEqual", 0.5 * float(weights.sum()))
    return values.where(enough, np.inf).apply("ReduceMin", np.array([1]), keepdims=1)


@score.register
def _score_each_against_the_rest(estimator: OneVsRestClassifier, rows: Tensor) -> Tensor:
    each = []
    for member in estimator.estimators_:
        scores: Tensor = score(member, rows)
        each.append(scores.columns([1]))
    joined = concatenate(each)
    return two_classes(joined) if len(each) == 1 else joined / joined.row_sums()
