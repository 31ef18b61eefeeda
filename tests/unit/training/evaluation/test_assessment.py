"""The evaluation that is published: complete, small, and with gates that hold."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skylift.contract import Contract, Target
from skylift.errors import ConfigError, GateFailed, IntegrityError
from skylift.feature import Feature
from skylift.metrics import Gate
from tests.support.fraud import payments
from tests.support.tables import LOGISTIC, RIDGE, TREE, feature_names, learned, lines, mixed, noted, public_table
from training.evaluation.assessment import few_rows
from training.evaluation.report import EVALUATION_FILE, Evaluation
from training.job import Trained

DUMMY = {"name": "dummy", "estimator": "sklearn.dummy.DummyClassifier"}
SEPARABLE = lines("x,n,y", lambda number: f"{number},{number % 7},{'ab'[number // 20]}")
RISING = lines("x,n,y", lambda number: f"{number},{number * 7 % 11},{3 * number}", count=60)


@pytest.fixture(scope="module")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("diabetes")
    return learned(folder, public_table("diabetes"), RIDGE, target="target", evaluation={"slices": ["bmi", "sex"]})


@pytest.fixture(scope="module")
def churn(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("churn")
    slices = {"slices": ["city", "member", "score"]}
    return learned(folder, mixed(count=200), LOGISTIC, target="churned", evaluation=slices)


def gate(trained: Trained, part: str) -> Gate:
    (found,) = (gate for gate in trained.gates if part in str(gate))
    return found


class TestDocument:
    def test_it_reads_back_as_it_was_written(self, churn: Trained) -> None:
        written = churn.evaluation.to_bytes()

        assert Evaluation.from_bytes(written, source=EVALUATION_FILE) == churn.evaluation

    @pytest.mark.parametrize("name", ["churn", "diabetes"])
    def test_every_number_in_it_is_finite(self, name: str, request: pytest.FixtureRequest) -> None:
        def numbers(part: Any) -> list[float]:
            if isinstance(part, dict | list):
                return [found for one in (part.values() if isinstance(part, dict) else part) for found in numbers(one)]
            return [part] if isinstance(part, float) else []

        document = request.getfixturevalue(name).evaluation.to_bytes()

        assert all(map(math.isfinite, numbers(json.loads(document))))
        assert b"NaN" not in document

    def test_it_stays_small(self, diabetes: Trained) -> None:
        assert len(diabetes.evaluation.to_bytes()) < 100_000

    def test_bytes_of_another_schema_are_refused(self) -> None:
        with pytest.raises(IntegrityError, match=r"evaluation\.json cannot be read: schema_version"):
            Evaluation.from_bytes(b'{"schema_version": 9}', source=EVALUATION_FILE)


class TestClassification:
    def test_each_metric_has_its_interval_its_folds_and_the_dummys_value(self, churn: Trained) -> None:
        accuracy = churn.evaluation.metrics["accuracy"]

        assert accuracy.value == churn.metrics.holdout["accuracy"]
        assert accuracy.cross_validated == churn.metrics.cross_validated["accuracy"]
        assert accuracy.interval == churn.metrics.intervals["accuracy"]
        assert accuracy.baseline is not None
        assert churn.evaluation.metrics.keys() >= {"log_loss", "roc_auc", "average_precision", "brier", "ece"}

    def test_the_confusion_matrix_counts_the_holdout(self, churn: Trained) -> None:
        cells = np.array(churn.evaluation.confusion)

        assert cells.sum() == churn.evaluation.rows
        assert np.trace(cells) / cells.sum() == pytest.approx(churn.metrics.holdout["accuracy"])
        assert cells.sum(axis=1).tolist() == [report.support for report in churn.evaluation.classes]

    def test_the_classes_of_the_manifest_have_their_areas(self, churn: Trained) -> None:
        assert [known.roc_auc for known in churn.metrics.per_class] == [
            report.roc_auc for report in churn.evaluation.classes
        ]


class TestRegression:
    def test_errors_have_quantiles_and_pairs(self, diabetes: Trained) -> None:
        residuals = diabetes.evaluation.residuals

        assert residuals is not None
        assert list(residuals.quantiles.values()) == sorted(residuals.quantiles.values())
        assert residuals.quantiles["0.5"] == diabetes.evaluation.metrics["median_absolute_error"].value
        assert len(residuals.true) == len(residuals.predicted) == diabetes.evaluation.rows

    def test_there_are_no_classes(self, diabetes: Trained) -> None:
        evaluation = diabetes.evaluation

        assert (evaluation.classes, evaluation.confusion, evaluation.calibration) == ((), (), None)


class TestInspection:
    def test_the_most_important_features_are_swept(self, churn: Trained) -> None:
        evaluation = churn.evaluation

        assert {importance.feature for importance in evaluation.importance} == {*feature_names(churn.table)}
        assert [effect.feature for effect in evaluation.effects] == [
            importance.feature for importance in evaluation.importance[:4]
        ]

    def test_the_holdout_is_cut_by_the_configured_columns(self, diabetes: Trained) -> None:
        slices = diabetes.evaluation.slices

        assert slices is not None
        for column in ("bmi", "sex"):
            assert sum(part.rows for part in slices.slices if part.column == column) == diabetes.evaluation.rows

    def test_a_column_that_is_not_a_feature_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"evaluation\.slices names 'z', which is not a feature"):
            learned(tmp_path, SEPARABLE, evaluation={"slices": ["z"]})


class TestClusters:
    """With `split.group` or `split.time`, chance draws groups or blocks of time."""

    PEOPLE = lines("person_id,x,y", lambda row: f"{row // 10},{row * 7 % 20},{'ab'[row * 7 % 20 > 9]}", count=400)

    def test_intervals_and_comparisons_take_them_as_a_whole(self, tmp_path: Path) -> None:
        by_group = learned(tmp_path, self.PEOPLE, TREE, split={"group": "person_id"}).evaluation
        at_random = learned(tmp_path, self.PEOPLE, TREE, data_keys={"drop": ["person_id"]}).evaluation

        assert (by_group.clusters, at_random.clusters) == (8, None)
        accuracies = [evaluation.metrics["accuracy"].interval for evaluation in (by_group, at_random)]
        assert accuracies[0] is not None
        assert accuracies[1] is not None
        assert accuracies[0].low < accuracies[1].low - 0.2

    def test_few_of_them_are_noted(self, tmp_path: Path) -> None:
        notes = learned(tmp_path, self.PEOPLE, TREE, split={"group": "person_id"}).notes

        assert any("the holdout has only 8 groups of person_id" in note for note in notes)


class TestGates:
    def test_a_model_no_better_than_a_dummy_is_refused(self, tmp_path: Path) -> None:
        made = learned(tmp_path, SEPARABLE, DUMMY)

        with pytest.raises(GateFailed, match=r"log_loss 0\.6931 < 0\.6931 \(dummy baseline\)"):
            made.check_gates()
        assert not made.evaluation.baseline.beaten

    @pytest.mark.parametrize(
        ("told", "way_out"),
        [(True, "if only labels matter, select_by: accuracy"), (False, "such as a column that a note calls left out")],
    )
    def test_labels_are_proposed_only_where_they_beat_the_dummy(self, tmp_path: Path, told: bool, way_out: str) -> None:
        def row(number: int) -> str:
            label = (number * 7 % 100 >= 50) ^ (number % 6 == 0) if told else number * 37 % 101 % 2
            return f"{number * 7 % 100},{int(label)}"

        made = learned(tmp_path, lines("x,y", row, count=100), TREE, target_keys={"task": "classification"})

        with pytest.raises(GateFailed, match=way_out):
            made.check_gates()

    def test_one_better_within_noise_is_refused_with_a_way_out(self, tmp_path: Path) -> None:
        generator = np.random.default_rng(1)
        hint = generator.normal(size=100).round(3)
        labels = hint + 3 * generator.normal(size=100) > 0
        text = lines("x,n,y", lambda row: f"{hint[row]},{row % 7},{labels[row]}", count=100)

        made = learned(tmp_path, text, LOGISTIC)

        baseline = made.evaluation.baseline
        assert baseline.challenger < baseline.value
        assert baseline.difference is not None
        assert baseline.difference.within_noise
        with pytest.raises(GateFailed, match=r"by more than noise and in most folds: add rows"):
            made.check_gates()

    def test_a_few_rows_held_out_do_not_refuse_what_every_fold_tells(self, tmp_path: Path) -> None:
        text = lines("x,n,y", lambda row: f"{row * 7 % 20},{row % 3},{row * 7 % 20 * 3 + row % 3}", count=20)

        made = learned(tmp_path, text, RIDGE, target_keys={"task": "regression"})

        baseline = made.evaluation.baseline
        assert baseline.difference is not None
        assert made.evaluation.rows == 4
        assert baseline.beaten

    def test_probabilities_worse_than_constant_ones_are_noted_where_labels_were_chosen_by(self, tmp_path: Path) -> None:
        made = learned(tmp_path, SEPARABLE, TREE, select_by="accuracy")

        assert any(
            note.startswith("the probabilities are worse than constant ones (log_loss 4.5") for note in made.notes
        )
        made.check_gates()

    def test_a_good_model_that_learns_nothing_from_few_rows_is_only_noted(self, tmp_path: Path) -> None:
        near = {"name": "near", "estimator": "sklearn.neighbors.KNeighborsClassifier", "params": {"n_neighbors": 60}}
        text = lines("x,n,y", lambda row: f"{row * 7 % 300},{row % 7},{'ab'[row * 7 % 300 > 150]}", count=300)
        stump = {"name": "stump", "estimator": "sklearn.ensemble.HistGradientBoostingClassifier"}

        learned(tmp_path, text, near).check_gates()
        learned(tmp_path, text, stump | {"params": {"max_iter": 5}}).check_gates()

    def test_a_better_one_passes(self, diabetes: Trained) -> None:
        diabetes.check_gates()

        assert gate(diabetes, "dummy").passed
        assert "rmse" in str(gate(diabetes, " < "))

    def test_where_the_holdout_cannot_tell_the_folds_do(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{'rare' if number < 2 else 'ab'[number // 20]}")

        baseline = learned(tmp_path, text, TREE, select_by="roc_auc").evaluation.baseline

        assert (baseline.on, baseline.value) == ("cross_validation", 0.5)


class TestBehaviour:
    def test_a_model_that_keeps_its_direction_passes(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, RISING, RIDGE, features={"x": {"monotone": "increasing"}})

        assert trained.evaluation.behaviour[-1].name == "monotone: x"
        assert gate(trained, "behaviour").passed

    def test_a_model_that_leaves_its_direction_is_not_published(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, RISING, RIDGE, features={"x": {"monotone": "decreasing"}})

        with pytest.raises(GateFailed, match="monotone: x: decreasing: the mean answer leaves this direction"):
            trained.check_gates()

    def test_a_category_has_no_direction(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"features\.city\.monotone: a category has no direction"):
            learned(tmp_path, mixed(), target="churned", features={"city": {"monotone": "increasing"}})


class TestRareClasses:
    @pytest.mark.parametrize("count", [3, 40])
    def test_figures_of_few_rows_are_told_to_be_rough(self, count: int) -> None:
        names = tuple(f"c{number:02}" for number in range(count))
        contract = Contract(
            task="classification", features=(Feature(name="x", kind="number"),), target=Target(name="y", classes=names)
        )
        targets = np.array([*range(count), *[0] * 200])

        notes = [*few_rows(contract, targets)]

        assert len(notes) == (2 if count == 3 else 1)
        assert all(note.endswith("is rough: enlarge split.holdout") for note in notes)
        assert "c01" in notes[0]

    def test_a_table_with_three_positives_in_a_thousand_rows_is_published(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, payments(4_000, 12), LOGISTIC, target="fraud")

        trained.check_gates()
        assert noted(trained.notes, "the holdout has only 2 rows of yes")
        assert noted(trained.notes, "fraud is yes in 0.30% of the rows", "name costs under decision")
        assert any("rows are ranked better than by chance" in str(gate) for gate in trained.gates)
        share = trained.evaluation.metrics["average_precision"].baseline
        assert share == pytest.approx(2 / 800)
