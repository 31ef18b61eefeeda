"""Probabilities are calibrated where that makes them truer, and scored as they will be on rows that nobody has seen."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skylift.contract import Contract, Target
from skylift.scoring import Matrix
from tests.support.tables import TREE, learned, lines, noted, public_table
from tests.unit.training.search.test_ensemble import FEATURE, folds_of, results_of
from training.job import Trained
from training.search.calibration import Calibration, calibration_of

NAMES = ("a", "b", "c")


def drawn(classes: int, seed: int, rows: int = 600) -> tuple[Any, Matrix]:
    """Class codes, and the true probabilities that they were drawn by."""
    generator = np.random.default_rng(seed)
    chances = generator.dirichlet(np.ones(classes), rows)
    return (chances.cumsum(axis=1) > generator.uniform(size=(rows, 1))).argmax(axis=1), chances


def shares(parts: Matrix) -> Matrix:
    return parts / parts.sum(axis=1, keepdims=True)


def found(targets: Any, answers: Matrix, select_by: str = "log_loss") -> Calibration | None:
    classes = NAMES[: answers.shape[1]]
    contract = Contract(task="classification", features=(FEATURE,), target=Target(name="y", classes=classes))
    folds = folds_of(contract, targets)
    (result,) = results_of(folds, {"one": answers}, select_by)
    assert result.out_of_fold is not None
    return calibration_of(folds, result.out_of_fold, result.entry.scores, select_by=select_by)


class TestTruerProbabilities:
    @pytest.mark.parametrize("classes", [2, 3])
    @pytest.mark.parametrize("power", [0.4, 3], ids=["too cautious", "too sure"])
    def test_a_temperature_undoes_answers_that_are_too_sure_or_too_cautious(self, classes: int, power: float) -> None:
        targets, chances = drawn(classes, 0, 2_000)

        calibration = found(targets, shares(chances**power))

        assert calibration is not None
        assert calibration.method == "temperature"
        assert calibration.calibrator.calibrated_classifiers_[0].calibrators[0].beta_ == pytest.approx(1 / power, 0.2)
        assert calibration.after.log_loss < calibration.before.log_loss
        assert calibration.after.ece < calibration.before.ece / 2

    def test_what_no_temperature_undoes_another_way_does(self) -> None:
        """Probabilities that are all pushed to one class keep the half of a temperature in the wrong place."""
        targets, chances = drawn(2, 0, 2_000)
        pushed = chances[:, 1] ** 4

        calibration = found(targets, np.column_stack([1 - pushed, pushed]))

        assert calibration is not None
        assert calibration.method in {"sigmoid", "isotonic"}
        assert calibration.after.ece < 0.05 < calibration.before.ece

    def test_answers_out_of_fold_are_those_that_it_is_measured_by(self) -> None:
        targets, chances = drawn(2, 1)

        calibration = found(targets, shares(chances**3))

        assert calibration is not None
        out_of_fold = calibration.out_of_fold
        right = out_of_fold.scores[np.arange(600), targets[out_of_fold.rows]]
        by_fold = [-float(np.log(right[out_of_fold.folds == fold]).mean()) for fold in range(5)]
        assert by_fold == pytest.approx(calibration.scores["log_loss"].folds)
        assert calibration.scores["log_loss"].mean == pytest.approx(calibration.after.log_loss)

    def test_around_a_classifier_it_answers_as_the_calibrator_does_of_its_answers(self) -> None:
        class Known:
            classes_, n_features_in_ = np.array([0, 1]), 2
            _estimator_type = "classifier"

            def predict_proba(self, rows: Matrix) -> Matrix:
                return shares(rows)

            def __sklearn_tags__(self) -> Any:
                from sklearn.dummy import DummyClassifier

                return DummyClassifier().__sklearn_tags__()

        targets, chances = drawn(2, 0)
        calibration = found(targets, shares(chances**3))
        assert calibration is not None

        around = calibration.around(Known())

        rows = np.array([[1.0, 3.0], [9.0, 1.0]])
        np.testing.assert_array_equal(around.predict_proba(rows), calibration.calibrator.predict_proba(shares(rows)))
        assert calibration.inside(around) is not calibration.inside(calibration.calibrator)


class TestNothingToGain:
    def test_true_probabilities_are_hardly_ever_touched(self) -> None:
        touched = [found(*drawn(classes, seed, 300)) is not None for seed in range(8) for classes in (2, 3)]

        assert sum(touched) <= 1

    def test_noise_is_not_learned(self) -> None:
        """Answers that know nothing get the share of each class at most, which is truer: never a score below chance."""
        for seed in range(6):
            generator = np.random.default_rng(seed)
            targets, answers = generator.permutation([0, 1] * 100), generator.dirichlet([1, 1], 200)

            calibration = found(targets, answers)

            assert calibration is None or calibration.scores["log_loss"].mean > np.log(2) - 0.02

    def test_a_class_that_other_folds_lack_cannot_be_calibrated(self) -> None:
        _, chances = drawn(2, 0, 40)

        assert found(np.where(np.arange(40) < 2, 1, 0), shares(chances**3)) is None

    def test_answers_that_are_not_all_numbers_cannot_be_calibrated(self) -> None:
        targets, chances = drawn(2, 0)
        contract = Contract(task="classification", features=(FEATURE,), target=Target(name="y", classes=NAMES[:2]))
        folds = folds_of(contract, targets)
        (result,) = results_of(folds, {"one": shares(chances**3)}, "log_loss")
        assert result.out_of_fold is not None
        result.out_of_fold.scores[0] = np.nan
        assert calibration_of(folds, result.out_of_fold, result.entry.scores, select_by="log_loss") is None


class TestOfATraining:
    @pytest.fixture(scope="class")
    @classmethod
    def calibrated(cls, tmp_path_factory: pytest.TempPathFactory) -> Trained:
        """A tree, which is sure of every leaf, with a threshold and sets."""
        table = public_table("breast_cancer")
        keys: dict[str, Any] = {"target": "target", "target_keys": {"task": "classification"}}
        decision = {"cost_false_negative": 5}
        folder = tmp_path_factory.mktemp("calibrated")
        return learned(folder, table, TREE, calibrate=True, decision=decision, sets={}, **keys)

    def test_the_model_is_compiled_with_its_calibration(self, calibrated: Trained) -> None:
        assert type(calibrated.estimator).__name__ == "CalibratedClassifierCV"
        assert calibrated.compiled.outcome.converter == "skylift"

    def test_its_file_needs_no_code_of_training(self, calibrated: Trained) -> None:
        """A service that serves it by joblib has scikit-learn, and none of this package."""
        assert b"training" not in pickle.dumps(calibrated.estimator)

    def test_before_and_after_are_told(self, calibrated: Trained) -> None:
        told = calibrated.evaluation.recalibration

        assert told is not None
        assert told.after.log_loss < told.before.log_loss
        assert told.holdout_after.log_loss < told.holdout_before.log_loss
        assert told.holdout_after.log_loss == pytest.approx(calibrated.metrics.holdout["log_loss"])
        assert noted(calibrated.notes, "probabilities of tree are calibrated", "out of fold")

    def test_the_cross_validated_metrics_are_of_calibrated_answers(self, calibrated: Trained) -> None:
        after = calibrated.metrics.cross_validated["log_loss"].mean

        assert after < calibrated.leaderboard[0].scores["log_loss"].mean, "which was compared as it is"

    def test_threshold_and_sets_are_of_calibrated_answers(self, calibrated: Trained) -> None:
        target, out_of_fold = calibrated.table.contract.target, calibrated.out_of_fold

        assert out_of_fold is not None
        assert target.sets is not None
        true = out_of_fold.scores[
            np.arange(len(out_of_fold.rows)), calibrated.table.targets[calibrated.split.train[out_of_fold.rows]]
        ]
        assert (true >= target.sets.least).mean() == pytest.approx(target.sets.level, abs=0.02)
        assert target.threshold is not None
        assert target.threshold not in (0.0, 0.5)

    def test_candidates_that_are_named_are_calibrated_only_if_asked(self, tmp_path: Path) -> None:
        text = public_table("breast_cancer")

        trained = learned(tmp_path, text, TREE, target="target", target_keys={"task": "classification"})

        assert type(trained.estimator).__name__ == "DecisionTreeClassifier"
        assert trained.evaluation.recalibration is None

    def test_a_decision_function_is_not_what_is_calibrated(self, tmp_path: Path) -> None:
        """Out of fold are probabilities: what was learned of these may not be applied to decisions."""
        tight = {
            "name": "tight",
            "estimator": "sklearn.linear_model.LogisticRegression",
            "params": {"C": 0.001},
        }
        text = lines("x,n,y", lambda row: f"{row % 50},{row % 7},{'ab'[row % 50 > 25]}", count=200)

        trained = learned(tmp_path, text, tight, calibrate=True)

        assert type(trained.estimator).__name__ == "CalibratedClassifierCV"
        (told,) = (trained.evaluation.recalibration,)
        assert told is not None
        assert told.holdout_after.log_loss < told.holdout_before.log_loss / 2
        assert trained.compiled.outcome.converter == "skylift"
