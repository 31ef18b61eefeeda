"""Metrics mean what their names say, errors are better when smaller."""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import metrics
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score

from skylift.contract import ClassName, Contract, Feature, Target
from training.metrics.scores import (
    DEFAULT_METRIC,
    METRICS,
    fold_summary,
    regression_from,
    roc_and_pr_auc,
    score_metrics,
    sign,
)


def contract(*classes: ClassName) -> Contract:
    features = (Feature(name="x", kind="number"),)
    task: Any = "classification" if classes else "regression"
    return Contract(task=task, features=features, target=Target(name="y", classes=classes))


def measured(targets: list[int], predicted: list[int], *classes: ClassName) -> tuple[dict[str, float], Any]:
    """Metrics of a model that is nearly sure of what it predicts."""
    scores = np.full((len(targets), len(classes)), 0.1 / (len(classes) - 1))
    scores[np.arange(len(targets)), predicted] = 0.9
    return score_metrics(contract(*classes), np.array(targets), scores)


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

    @pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
    def test_every_metric_is_that_of_scikit_learn(self, classes: tuple[str, ...]) -> None:
        generator = np.random.default_rng(0)
        targets, scores = generator.integers(0, len(classes), 90), generator.dirichlet([1] * len(classes), 90)
        scores[0, targets[0]], predicted = 0, scores.argmax(axis=1)

        values, per_class = score_metrics(contract(*classes), targets, scores)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a row whose probabilities do not add up to one
            expected = {
                "accuracy": metrics.accuracy_score(targets, predicted),
                "balanced_accuracy": metrics.balanced_accuracy_score(targets, predicted),
                "f1_macro": metrics.f1_score(targets, predicted, average="macro"),
                "log_loss": np.average(
                    [
                        metrics.log_loss([code], [row], labels=range(len(classes)))
                        for code, row in zip(targets, scores, strict=True)
                    ]
                ),
                "roc_auc": metrics.roc_auc_score(targets, scores[:, 1])
                if len(classes) == 2
                else np.mean([metrics.roc_auc_score(targets == code, scores[:, code]) for code in range(3)]),
            }
        assert values == pytest.approx(expected)
        columns = metrics.precision_recall_fscore_support(targets, predicted)
        for code, found in enumerate(per_class):
            assert (found.precision, found.recall, found.f1, found.support) == pytest.approx(
                [column[code] for column in columns]
            )

    def test_each_class_has_its_precision_and_recall(self) -> None:
        _, (first, second) = measured([0, 0, 0, 1], [0, 0, 1, 1], False, True)

        assert (first.name, first.precision, first.recall, first.support) == (False, 1, pytest.approx(2 / 3), 3)
        assert (second.name, second.precision, second.recall, second.support) == (True, 0.5, 1, 1)


class TestRegression:
    def test_errors_are_in_the_unit_of_the_target(self) -> None:
        values, per_class = score_metrics(contract(), np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0]))

        assert values["mae"] == 1
        assert values["rmse"] == pytest.approx(3**0.5)
        assert per_class == ()

    def test_a_perfect_model_explains_everything(self) -> None:
        values, _ = score_metrics(contract(), np.array([1.0, 2.0]), np.array([1.0, 2.0]))

        assert values == {"mae": 0, "rmse": 0, "r2": 1}

    @pytest.mark.parametrize("targets", [[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]])
    def test_every_metric_is_that_of_scikit_learn(self, targets: list[float]) -> None:
        predicted = np.array([1.5, 1.0, 5.0])

        values, _ = score_metrics(contract(), np.array(targets), predicted)

        assert values == pytest.approx(
            {
                "mae": metrics.mean_absolute_error(targets, predicted),
                "rmse": metrics.root_mean_squared_error(targets, predicted),
                "r2": metrics.r2_score(targets, predicted),
            }
        )

    def test_a_single_row_explains_nothing(self) -> None:
        values, _ = score_metrics(contract(), np.array([1.0]), np.array([1.5]))

        assert values == {"mae": 0.5, "rmse": 0.5}


class TestComparing:
    @pytest.mark.parametrize(("task", "classes"), [("classification", 2), ("classification", 5), ("regression", 0)])
    def test_every_metric_of_a_task_is_measured(self, task: Any, classes: int) -> None:
        values, _ = (
            measured(list(range(classes)), list(range(classes)), *map(str, range(classes)))
            if classes
            else score_metrics(contract(), np.array([1.0, 2.0]), np.array([1.0, 2.0]))
        )

        assert set(METRICS[task]) == values.keys()
        assert DEFAULT_METRIC[task] in values

    @pytest.mark.parametrize("metric", ["log_loss", "mae", "rmse", "brier", "ece"])
    def test_less_is_better_of_errors(self, metric: str) -> None:
        assert sign(metric) == -1

    @pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "r2"])
    def test_more_is_better_of_merits(self, metric: str) -> None:
        assert sign(metric) == 1

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


class TestAreas:
    """They are those of scikit-learn, for all resamples at once."""

    @pytest.fixture
    def rows(self) -> tuple[Any, Any]:
        generator = np.random.default_rng(0)
        members = generator.integers(0, 2, 60).astype(bool)
        return members, np.round(np.clip(members * 0.2 + generator.random(60) * 0.8, 0, 1), 1)  # with ties

    def test_without_resampling(self, rows: tuple[Any, Any]) -> None:
        roc, average = roc_and_pr_auc(*rows, np.ones((1, 60)))

        assert roc[0] == pytest.approx(roc_auc_score(*rows))
        assert average[0] == pytest.approx(average_precision_score(*rows))

    def test_of_each_resample(self, rows: tuple[Any, Any]) -> None:
        counts = np.random.default_rng(1).integers(0, 4, (5, 60))

        found = roc_and_pr_auc(*rows, counts)

        for place, weights in enumerate(counts):
            drawn = [np.repeat(part, weights) for part in rows]
            assert found[0][place] == pytest.approx(roc_auc_score(*drawn))
            assert found[1][place] == pytest.approx(average_precision_score(*drawn))

    def test_a_resample_of_one_class_tells_nothing(self) -> None:
        roc, average = roc_and_pr_auc(np.array([True, False]), np.array([0.9, 0.1]), np.array([[2, 0], [0, 2], [1, 1]]))

        assert np.isnan(roc).tolist() == np.isnan(average).tolist() == [True, True, False]
