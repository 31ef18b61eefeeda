"""LightGBM's trees score as it does, at each of their thresholds and around it, to the rounding of doubles."""

from typing import Any

import pytest

from tests.support.library_trees import COMPLETE, MISSING, ROWS, check, refusal

lightgbm = pytest.importorskip("lightgbm")

ROUNDING = 1e-12


def boosted(kind: str = "LGBMClassifier", **params: Any) -> Any:
    quiet = {"n_estimators": 8, "min_child_samples": 5, "verbosity": -1, "n_jobs": 1}
    return getattr(lightgbm, kind)(**quiet | params)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"zero_as_missing": True},
        {"use_missing": False},
        {"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1},
        {"boosting_type": "dart", "drop_rate": 0.5},
        {"sigmoid": 2.0},
    ],
    ids=str,
)
def test_a_classifier_scores_as_before(params: dict[str, Any], classes: int) -> None:
    check(boosted(**params), MISSING, classes, rounding=ROUNDING)


@pytest.mark.parametrize("rows", [COMPLETE, MISSING], ids=["complete", "missing"])
def test_so_does_one_that_was_told_of_categories(rows: Any) -> None:
    class Told(lightgbm.LGBMClassifier):  # type: ignore[misc, name-defined]
        def fit(self, rows: Any, targets: Any) -> Any:
            return super().fit(rows, targets, categorical_feature=[3])

    check(Told(n_estimators=8, min_child_samples=5, verbosity=-1, n_jobs=1), rows, 2, rounding=ROUNDING)


@pytest.mark.parametrize("params", [{}, {"objective": "multiclassova"}], ids=str)
def test_so_does_one_of_many_classes(params: dict[str, Any]) -> None:
    check(boosted(**params), COMPLETE, 6, rounding=ROUNDING)


@pytest.mark.parametrize(
    "objective", ["regression", "regression_l1", "huber", "quantile", "poisson", "gamma", "tweedie"]
)
def test_so_does_a_regressor(objective: str) -> None:
    check(boosted("LGBMRegressor", objective=objective), MISSING, 0, rounding=ROUNDING)


def test_so_does_a_regressor_that_found_no_split() -> None:
    check(boosted("LGBMRegressor", min_child_samples=ROWS), COMPLETE, 0, rounding=ROUNDING)


@pytest.mark.parametrize(
    ("estimator", "classes", "reason"),
    [
        (boosted(linear_tree=True), 2, "LightGBM's linear trees"),
        (boosted("LGBMRegressor", reg_sqrt=True), 0, "LightGBM's objective regression sqrt"),
        (boosted(objective="cross_entropy"), 2, "LightGBM's objective cross_entropy"),
    ],
)
def test_what_is_not_converted_is_refused_by_name(estimator: Any, classes: int, reason: str) -> None:
    assert reason in refusal(estimator, COMPLETE, classes)
