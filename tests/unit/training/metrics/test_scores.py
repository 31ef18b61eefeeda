"""Values of metrics on scored rows and over folds, and by how much one is worse than another."""

from typing import Any

import numpy as np
import pytest

from skylift.contract import ClassName, Contract, Target
from skylift.feature import Feature
from training.metrics.scores import class_metrics, fold_summary, regression_from, score_metrics


def contract(*classes: ClassName) -> Contract:
    features = (Feature(name="x", kind="number"),)
    task: Any = "classification" if classes else "regression"
    return Contract(task=task, features=features, target=Target(name="y", classes=classes))


def measured(targets: list[int], predicted: list[int], *classes: ClassName) -> tuple[dict[str, float], Any]:
    """Metrics of a model that is nearly sure of what it predicts."""
    scores = np.full((len(targets), len(classes)), 0.1 / (len(classes) - 1))
    scores[np.arange(len(targets)), predicted] = 0.9
    known = contract(*classes)
    return score_metrics(known, np.array(targets), scores), class_metrics(known, np.array(targets), scores)


class TestClassification:
    def test_accuracy_is_the_share_of_right_answers(self) -> None:
        assert measured([0, 0, 1, 1], [0, 0, 1, 0], "a", "b")[0]["accuracy"] == 0.75

    def test_a_perfect_model_has_perfect_metrics(self) -> None:
        values, _ = measured([0, 1, 2, 2], [0, 1, 2, 2], "a", "b", "c")

        assert {name: values[name] for name in ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc")} == {
            "accuracy": 1,
            "balanced_accuracy": 1,
            "f1_macro": 1,
            "roc_auc": 1,
        }
        assert values["log_loss"] == pytest.approx(-np.log(0.9))

    def test_balanced_accuracy_does_not_reward_always_naming_the_large_class(self) -> None:
        values, _ = measured([0] * 9 + [1], [0] * 10, "a", "b")

        assert (values["accuracy"], values["balanced_accuracy"]) == (0.9, 0.5)

    def test_a_class_without_rows_is_measured_as_far_as_that_goes(self) -> None:
        values, per_class = measured([0, 0, 1, 1], [0, 2, 1, 1], "a", "b", "c")

        assert values["balanced_accuracy"] == 0.75
        assert "roc_auc" not in values
        assert per_class[2].support == 0

    def test_each_class_has_its_precision_and_recall(self) -> None:
        _, (first, second) = measured([0, 0, 0, 1], [0, 0, 1, 1], False, True)

        assert (first.name, first.precision, first.recall, first.support) == (False, 1, pytest.approx(2 / 3), 3)
        assert (second.name, second.precision, second.recall, second.support) == (True, 0.5, 1, 1)


class TestRegression:
    def test_errors_are_in_the_unit_of_the_target(self) -> None:
        values = score_metrics(contract(), np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0]))

        assert values["mae"] == 1
        assert values["rmse"] == pytest.approx(3**0.5)

    def test_a_perfect_model_explains_everything(self) -> None:
        values = score_metrics(contract(), np.array([1.0, 2.0]), np.array([1.0, 2.0]))

        assert values == {"mae": 0, "rmse": 0, "r2": 1}

    def test_a_single_row_explains_nothing(self) -> None:
        values = score_metrics(contract(), np.array([1.0]), np.array([1.5]))

        assert values == {"mae": 0.5, "rmse": 0.5}


class TestComparing:
    def test_a_spread_is_over_the_folds(self) -> None:
        found = fold_summary([0.5, -0.5])

        assert (found.mean, found.std, found.folds) == (0, 0.5, (0.5, -0.5))

    def test_folds_that_cannot_tell_are_left_out_of_the_mean(self) -> None:
        assert fold_summary([0.5, float("nan"), 0.7]).mean == pytest.approx(0.6)

    @pytest.mark.parametrize(
        ("metric", "champion", "challenger", "worse"),
        [
            ("accuracy", 0.9, 0.8, 0.1),
            ("accuracy", 0.8, 0.9, 0),
            ("r2", 0.5, -0.5, 1),
            ("rmse", 100, 110, 0.1),
            ("rmse", 100, 90, 0),
            ("log_loss", 0.2, 0.3, 0.5),
            ("mae", 0, 0, 0),
            ("mae", 0, 1, float("inf")),
        ],
    )
    def test_a_regression_is_absolute_for_shares_and_relative_for_errors(
        self, metric: str, champion: float, challenger: float, worse: float
    ) -> None:
        assert regression_from(metric, champion, challenger) == pytest.approx(worse)
