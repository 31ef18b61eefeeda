"""Converters for XGBoost, which compares float32 values and adds float32 leaves; the graph adds them as doubles."""

import json
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from xgboost import XGBClassifier, XGBModel, XGBRegressor

from skylift.scoring import Matrix
from training.compile.dispatch import answers, score, splits_of
from training.compile.graph import Tensor
from training.compile.trees import Splits, Tree, as_compared, sum_of_trees

_AS_THEY_ARE = {
    "reg:squarederror",
    "reg:absoluteerror",
    "reg:pseudohubererror",
    "reg:squaredlogerror",
    "reg:quantileerror",
}
_BY_LOGARITHM = {"count:poisson", "reg:gamma", "reg:tweedie"}
_BY_LOG_ODDS = {"binary:logistic", "reg:logistic"}
_OF_CLASSES = {"multi:softprob", "multi:softmax"}


@score.register
def _score_regressor(estimator: XGBRegressor, rows: Tensor) -> Tensor:
    learner = _learner(estimator, _AS_THEY_ARE | _BY_LOGARITHM | _BY_LOG_ODDS)
    raw = _raw(learner, rows)
    if _objective(learner) in _BY_LOG_ODDS:
        return raw.logistic()
    return raw.apply("Exp") if _objective(learner) in _BY_LOGARITHM else raw


@score.register
def _score_classifier(estimator: XGBClassifier, rows: Tensor) -> Tensor:
    learner = _learner(estimator, _BY_LOG_ODDS | _OF_CLASSES)
    raw = _raw(learner, rows)
    if _objective(learner) in _OF_CLASSES:
        return raw.softmax()
    return (raw * np.array([[0.0, 1.0]])).softmax()


@answers.register
def _answer(estimator: XGBClassifier, rows: Matrix) -> Matrix:
    # Its probabilities are float32, in which 0.99999999 is 1: what they are made of tells them apart.
    answer = partial(estimator.predict, output_margin=True)
    margins = answer(rows).astype(np.float64)
    if margins.ndim == 2:
        probabilities: Matrix = softmax(margins, axis=1)
        return probabilities
    return np.column_stack([expit(-margins), expit(margins)])


@splits_of.register
def _splits_of(estimator: XGBModel) -> Splits:
    trees = [_tree(document, 1.0) for document in _learner(estimator)["gradient_booster"]["model"]["trees"]]
    return Splits(np.float32, trees)


def _learner(estimator: XGBModel, objectives: set[str] | None = None) -> dict[str, Any]:
    """What a model was trained to, as XGBoost's own file format has it; up to its best iteration if it stopped early.

    https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
    """
    booster = estimator.get_booster()
    end = estimator._get_iteration_range(None)[1]
    if end:
        booster = booster[:end]
    learner: dict[str, Any] = json.loads(booster.save_raw("json"))["learner"]
    if (name := learner["gradient_booster"]["name"]) != "gbtree":
        raise NotImplementedError(f"no converter for XGBoost's {name}")
    objective = _objective(learner)
    if objectives is not None and objective not in objectives:
        raise NotImplementedError(f"no converter for XGBoost's objective {objective}")
    if not np.isnan(estimator.missing):
        raise NotImplementedError("no converter for XGBoost with a number that stands for missing values")
    return learner


def _objective(learner: dict[str, Any]) -> str:
    return str(learner["objective"]["name"])


def _raw(learner: dict[str, Any], rows: Tensor) -> Tensor:
    """Sums of the leaves and of what they start from, `[n, targets]`."""
    model = learner["gradient_booster"]["model"]
    weights = model.get("weight_drop", [1.0] * len(model["trees"]))  # of DART
    if any(int(tree["tree_param"]["size_leaf_vector"]) > 1 for tree in model["trees"]):
        raise NotImplementedError("no converter for XGBoost's trees with several targets")
    trees = [_tree(document, weight) for document, weight in zip(model["trees"], weights, strict=True)]
    start = np.array(json.loads(learner["learner_model_param"]["base_score"]), dtype=np.float32, ndmin=1).astype(float)
    objective = _objective(learner)
    if objective in _BY_LOG_ODDS:
        start = np.log(start) - np.log1p(-start)
    elif objective in _BY_LOGARITHM:
        start = np.log(start)
    return sum_of_trees(as_compared(rows), trees, model["tree_info"]) + start.reshape(1, -1)


def _tree(document: dict[str, Any], weight: float) -> Tree:
    """A tree; a value goes left if it is less than the threshold, or a category if it is not in the set."""
    left, right = np.array(document["left_children"]), np.array(document["right_children"])
    conditions = np.array(document["split_conditions"], dtype=np.float32)
    missing_left = np.array(document["default_left"], dtype=bool)
    by_category = np.array(document["split_type"]) == 1
    return Tree(
        left=np.where(by_category, right, left),
        right=np.where(by_category, left, right),
        leaf=left == -1,
        feature=np.array(document["split_indices"]),
        threshold=np.nextafter(conditions, np.float32(-np.inf)).astype(float),
        missing_left=missing_left ^ by_category,
        value=conditions.astype(float) * weight,
        categories={int(node): _members(document, number) for number, node in enumerate(document["categories_nodes"])},
    )


def _members(document: dict[str, Any], number: int) -> NDArray[np.float64]:
    first = document["categories_segments"][number]
    return np.array(document["categories"][first : first + document["categories_sizes"][number]], dtype=float)
