"""Metrics mean what their names say, errors are better when smaller, and gates hold or do not."""

from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import balanced_accuracy_score

from skylift.contract import ClassName, Contract, Feature, Target
from skylift.errors import ConfigError
from training.config import GateSection
from training.evaluation import DEFAULT_METRIC, holdout_metrics, judge, scorers, spread


def contract(*classes: ClassName) -> Contract:
    features = (Feature(name="x", kind="number"),)
    task: Any = "classification" if classes else "regression"
    return Contract(task=task, features=features, target=Target(name="y", classes=classes))


def measured(targets: list[int], predicted: list[int], *classes: ClassName) -> tuple[dict[str, float], Any]:
    """Metrics of a model that is nearly sure of what it predicts."""
    scores = np.full((len(targets), len(classes)), 0.1 / (len(classes) - 1))
    scores[np.arange(len(targets)), predicted] = 0.9
    return holdout_metrics(contract(*classes), np.array(targets), scores)


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

    def test_balanced_accuracy_is_that_of_scikit_learn(self) -> None:
        targets, predicted = [0, 0, 0, 1, 1, 2], [0, 1, 0, 1, 2, 2]

        values, _ = measured(targets, predicted, "a", "b", "c")

        assert values["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(targets, predicted))

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
        values, per_class = holdout_metrics(contract(), np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0]))

        assert values["mae"] == 1
        assert values["rmse"] == pytest.approx(3**0.5)
        assert per_class == ()

    def test_a_perfect_model_explains_everything(self) -> None:
        values, _ = holdout_metrics(contract(), np.array([1.0, 2.0]), np.array([1.0, 2.0]))

        assert values == {"mae": 0, "rmse": 0, "r2": 1}

    def test_a_single_row_explains_nothing(self) -> None:
        values, _ = holdout_metrics(contract(), np.array([1.0]), np.array([1.5]))

        assert values == {"mae": 0.5, "rmse": 0.5}


class TestScorers:
    @pytest.mark.parametrize(("task", "classes"), [("classification", 2), ("classification", 5), ("regression", 0)])
    def test_every_metric_of_a_task_has_a_scorer(self, task: Any, classes: int) -> None:
        values, _ = (
            measured(list(range(classes)), list(range(classes)), *map(str, range(classes)))
            if classes
            else holdout_metrics(contract(), np.array([1.0, 2.0]), np.array([1.0, 2.0]))
        )

        assert scorers(task, classes).keys() == values.keys()
        assert DEFAULT_METRIC[task] in values

    def test_log_loss_knows_a_class_that_a_fold_has_no_rows_of(self) -> None:
        model = DummyClassifier().fit([[0], [0], [0]], [0, 1, 2])

        assert scorers("classification", 3)["log_loss"](model, [[0]], [0]) == pytest.approx(np.log(1 / 3))

    @pytest.mark.parametrize("metric", ["log_loss", "mae", "rmse"])
    def test_errors_are_reported_positive(self, metric: str) -> None:
        assert spread(metric, [-1.0, -3.0]).folds == (1, 3)
        assert spread(metric, [-1.0, -3.0]).mean == 2

    @pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "r2"])
    def test_merits_are_reported_as_they_are(self, metric: str) -> None:
        found = spread(metric, [0.5, -0.5])

        assert (found.mean, found.std, found.folds) == (0, 0.5, (0.5, -0.5))


class TestGates:
    @pytest.mark.parametrize(
        ("bounds", "passed"),
        [
            ({"min": 0.9}, True),
            ({"min": 0.95}, True),
            ({"min": 0.96}, False),
            ({"max": 0.95}, True),
            ({"max": 0.9}, False),
            ({"min": 0.9, "max": 0.94}, False),
            ({"min": 0.9, "max": 1}, True),
        ],
    )
    def test_a_gate_passes_within_its_bounds(self, bounds: dict[str, float], passed: bool) -> None:
        (gate,) = judge({"accuracy": GateSection(**bounds)}, {"accuracy": 0.95})

        assert gate.passed is passed

    def test_a_metric_that_is_no_number_passes_no_gate(self) -> None:
        (gate,) = judge({"r2": GateSection(min=-1)}, {"r2": float("nan")})

        assert not gate.passed

    def test_a_gate_says_what_was_measured_and_what_was_asked(self) -> None:
        (gate,) = judge({"accuracy": GateSection(min=0.9)}, {"accuracy": 0.85})

        assert str(gate) == "accuracy 0.8500 (>= 0.9)"

    def test_a_gate_on_what_was_not_measured_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="gates names roc_auc, which was not measured: there are: accuracy"):
            judge({"roc_auc": GateSection(min=0.9)}, {"accuracy": 0.85})
