"""CatBoost's trees score as it does, at each of their thresholds and around it, to the rounding of doubles."""

from typing import Any

import pytest

from tests.support.library_trees import COMPLETE, MISSING, check, refusal

catboost = pytest.importorskip("catboost")

ROUNDING = 1e-12


def boosted(kind: str = "CatBoostClassifier", **params: Any) -> Any:
    quiet = {"iterations": 8, "verbose": False, "allow_writing_files": False, "thread_count": 1}
    return getattr(catboost, kind)(**quiet | params)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "params",
    [{}, {"nan_mode": "Max"}, {"grow_policy": "Lossguide"}, {"grow_policy": "Depthwise", "depth": 2}],
    ids=str,
)
def test_a_classifier_scores_as_before(params: dict[str, Any], classes: int) -> None:
    check(boosted(**params), MISSING, classes, rounding=ROUNDING)


def test_so_does_one_of_many_classes_that_never_saw_a_missing_value() -> None:
    check(boosted(), COMPLETE, 6, rounding=ROUNDING)


@pytest.mark.parametrize("loss", ["RMSE", "MAE", "Huber:delta=1", "Poisson", "Tweedie:variance_power=1.5"])
def test_so_does_a_regressor(loss: str) -> None:
    check(boosted("CatBoostRegressor", loss_function=loss), MISSING, 0, rounding=ROUNDING)


def test_a_loss_that_is_not_converted_is_refused_by_name() -> None:
    estimator = boosted(loss_function="MultiClassOneVsAll")

    assert "CatBoost's loss MultiClassOneVsAll" in refusal(estimator, COMPLETE, 3)


def test_so_are_its_own_categories() -> None:
    rows = [[*row[:3], str(int(row[3]))] for row in COMPLETE.tolist()]

    assert "CatBoost's own categories" in refusal(boosted(cat_features=[3]), rows, 2)
