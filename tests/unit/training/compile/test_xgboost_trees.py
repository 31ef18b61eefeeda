"""XGBoost's trees score as it does, at each of their thresholds and around it; it adds float32 numbers."""

from typing import Any

import numpy as np
import pytest

from tests.support.library_trees import COMPLETE, MISSING, ROWS, check, converted, refusal
from training.compile.dispatch import answers

xgboost = pytest.importorskip("xgboost")

ROUNDING = 2e-6


def boosted(kind: str = "XGBClassifier", **params: Any) -> Any:
    return getattr(xgboost, kind)(**{"n_estimators": 8, "max_depth": 4, "n_jobs": 1} | params)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"num_parallel_tree": 3, "subsample": 0.5},
        {"rate_drop": 0.5, "one_drop": True},
        {"feature_types": ["q", "q", "q", "c"], "enable_categorical": True},
    ],
    ids=str,
)
def test_a_classifier_scores_as_before(params: dict[str, Any], classes: int) -> None:
    check(boosted(**params), MISSING, classes, rounding=ROUNDING)


def test_so_does_one_that_gives_classes_by_itself() -> None:
    check(boosted(objective="multi:softmax"), MISSING, 3, rounding=ROUNDING)


def test_a_share_is_between_0_and_1() -> None:
    shares = np.clip(COMPLETE[:, 0], 0.1, 0.9)
    estimator = boosted("XGBRegressor", objective="reg:logistic").fit(COMPLETE, shares)

    np.testing.assert_allclose(converted(estimator, COMPLETE, 0)[:, 0], estimator.predict(COMPLETE), rtol=1e-6)


def test_so_does_one_of_many_classes_that_never_saw_a_missing_value() -> None:
    check(boosted(), COMPLETE, 6, rounding=ROUNDING)


@pytest.mark.parametrize(
    "objective", ["reg:squarederror", "reg:absoluteerror", "reg:gamma", "reg:tweedie", "count:poisson"]
)
def test_so_does_a_regressor(objective: str) -> None:
    check(boosted("XGBRegressor", objective=objective), MISSING, 0, rounding=ROUNDING)


def test_probabilities_that_single_precision_rounds_to_one_are_told_apart() -> None:
    rows = np.arange(200.0).reshape(-1, 1)
    estimator = boosted(n_estimators=400, learning_rate=0.5, min_child_weight=0, reg_lambda=0)
    estimator.fit(rows, (rows[:, 0] > 99).astype(int))

    assert estimator.predict_proba(rows)[0, 1] < 1e-5
    np.testing.assert_allclose(converted(estimator, rows, 2), answers(estimator, rows), rtol=1e-4)


def test_a_model_that_stopped_early_answers_by_its_best_iteration() -> None:
    noise = np.random.default_rng(0).integers(0, 2, ROWS)
    estimator = boosted(n_estimators=40, early_stopping_rounds=2)
    estimator.fit(COMPLETE, noise, eval_set=[(COMPLETE, 1 - noise)], verbose=False)

    assert estimator.best_iteration < 5
    np.testing.assert_allclose(converted(estimator, COMPLETE, 2), estimator.predict_proba(COMPLETE), rtol=1e-5)


@pytest.mark.parametrize(
    ("estimator", "classes", "reason"),
    [
        (boosted(booster="gblinear", verbosity=0), 2, "XGBoost's gblinear"),
        (boosted(objective="binary:hinge"), 2, "XGBoost's objective binary:hinge"),
        (boosted(missing=-1.0), 2, "a number that stands for missing values"),
        (boosted(multi_strategy="multi_output_tree"), 3, "trees with several targets"),
    ],
)
def test_what_is_not_converted_is_refused_by_name(estimator: Any, classes: int, reason: str) -> None:
    assert reason in refusal(estimator, COMPLETE, classes)
