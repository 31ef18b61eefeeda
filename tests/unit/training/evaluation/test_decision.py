"""The threshold between two classes is the best one for what the user names, and every answer follows it."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from skylift.contract import Contract, Target
from skylift.errors import ConfigError
from skylift.feature import Feature
from skylift.scoring import predicted_classes
from tests.support.fraud import payments
from tests.support.tables import LOGISTIC, RIDGE, learned, lines
from training.config.answers import DecisionSection
from training.evaluation.decision import choose
from training.job import Trained
from training.release.folder import read_version_file, write_version
from training.release.packaging import golden, pack
from training.search.out_of_fold import OutOfFold

CONTRACT = Contract(
    task="classification",
    features=(Feature(name="x", kind="number"),),
    target=Target(name="y", classes=("no", "yes")),
)
COSTS = {"cost_false_negative": 20, "cost_false_positive": 1}


@cache
def rare(**decision: Any) -> Trained:
    """A model of a table with 1% positives, with a decision."""
    with TemporaryDirectory() as folder:
        text = payments(2000, 20)
        return learned(Path(folder), text, LOGISTIC, target="fraud", decision=decision or None)


def sample(rows: int = 400) -> tuple[OutOfFold, Any]:
    """Scores of two classes, of which the second is rare and the probabilities too low."""
    generator = np.random.default_rng(1)
    targets = (generator.random(rows) < 0.15).astype(np.int64)
    odds = generator.normal(2.0 * targets - 3.5, 1.0)
    positive = 1 / (1 + np.exp(-odds))
    scores = np.column_stack([1 - positive, positive])
    return OutOfFold(np.arange(rows), np.arange(rows) % 5, scores), targets


def chosen(**section: Any) -> Any:
    out_of_fold, targets = sample()
    return choose(DecisionSection.model_validate(section), CONTRACT, out_of_fold, targets)


def labels_at(threshold: float) -> Any:
    return predicted_classes(CONTRACT.with_target(threshold=threshold).target, sample()[0].scores)


class TestChoosing:
    @pytest.mark.parametrize(
        ("name", "reference"),
        [
            ("f1", metrics.f1_score),
            ("balanced_accuracy", metrics.balanced_accuracy_score),
            ("mcc", metrics.matthews_corrcoef),
            ("accuracy", metrics.accuracy_score),
        ],
    )
    def test_no_threshold_is_better_by_the_metric_that_is_named(self, name: str, reference: Any) -> None:
        _, targets = sample()
        decision, _ = chosen(metric=name)

        best = max(reference(targets, labels_at(line)) for line in np.linspace(0.0001, 0.9999, 200))
        assert decision.value == pytest.approx(reference(targets, labels_at(decision.threshold)), rel=1e-5)
        assert decision.value >= best - 1e-5
        assert decision.usual == pytest.approx(reference(targets, labels_at(0.5)), rel=1e-5)

    def test_no_threshold_costs_less(self) -> None:
        _, targets = sample()
        decision, _ = chosen(**COSTS)

        def cost(line: float) -> float:
            labels = labels_at(line)
            return float(np.mean(20 * (targets > labels) + (targets < labels)))

        assert decision.value == pytest.approx(cost(decision.threshold), rel=1e-5)
        assert decision.value <= min(cost(line) for line in np.linspace(0.0001, 0.9999, 2000)) + 1e-5
        assert decision.value < decision.usual

    def test_costs_that_are_not_named_are_one(self) -> None:
        decision, _ = chosen(cost_false_negative=3)

        assert (decision.cost_false_negative, decision.cost_false_positive) == (3, 1)

    def test_of_equal_thresholds_the_one_nearest_to_that_of_true_probabilities_is_taken(self) -> None:
        scores = np.array([[0.95, 0.05]] * 10 + [[0.1, 0.9]] * 10)
        parted = OutOfFold(np.arange(20), np.arange(20) % 5, scores)

        decision, _ = choose(DecisionSection(metric="f1"), CONTRACT, parted, np.repeat([0, 1], 10))

        assert decision.threshold == pytest.approx(0.475)

    def test_a_fold_is_labelled_by_what_the_others_choose(self) -> None:
        out_of_fold, targets = sample()
        decision, spreads = chosen(metric="f1")

        every = predicted_classes(CONTRACT.with_target(threshold=decision.threshold).target, out_of_fold.scores)
        seen = [metrics.f1_score(targets[out_of_fold.folds == f], every[out_of_fold.folds == f]) for f in range(5)]
        assert spreads["f1"].mean < np.mean(seen)
        assert spreads["log_loss"].mean == pytest.approx(metrics.log_loss(targets, out_of_fold.scores), rel=1e-6)

    def test_rows_without_a_number_decide_nothing(self) -> None:
        out_of_fold, targets = sample()
        scores = out_of_fold.scores.copy()
        scores[:3] = np.nan
        some = OutOfFold(out_of_fold.rows, out_of_fold.folds, scores)

        decision, _ = choose(DecisionSection(metric="f1"), CONTRACT, some, targets)

        assert 0 < decision.threshold < 1

    def test_the_curve_ends_where_every_row_has_one_label(self) -> None:
        decision, _ = chosen(**COSTS)

        share = sample()[1].mean()
        assert decision.curve.y[0] == pytest.approx(1 - share)
        assert decision.curve.y[-1] == pytest.approx(20 * share)
        assert len(decision.curve.x) <= 200


class TestConfiguration:
    @pytest.mark.parametrize(("row", "what"), [("{0}.5", "y is a number"), ("{1}", "y has 3 classes")])
    def test_it_is_between_two_classes(self, row: str, what: str, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number % 7},{row.format(number, 'abc'[number % 3])}")

        with pytest.raises(ConfigError, match=f"decision is between two classes, and {what}"):
            learned(tmp_path, text, RIDGE, decision=COSTS)


class TestOfATraining:
    def test_everything_that_has_labels_follows_the_threshold(self) -> None:
        trained = rare(**COSTS)
        contract, holdout = trained.table.contract, trained.split.holdout
        targets = trained.table.targets[holdout]
        probabilities = trained.compiled.predictor.scores(trained.table.rows[holdout])[:, 1]

        threshold = contract.target.threshold
        assert threshold is not None
        labels = (probabilities > threshold).astype(int)
        assert labels.sum() > 0
        assert trained.metrics.holdout["recall"] == pytest.approx(metrics.recall_score(targets, labels))
        assert trained.metrics.holdout["accuracy"] == pytest.approx((targets == labels).mean())
        assert np.array(trained.evaluation.confusion).tolist() == metrics.confusion_matrix(targets, labels).tolist()
        assert {answer.label for answer in golden(trained).predictions} == {"no", "yes"}

    def test_every_candidate_is_compared_by_labels_as_they_would_be_served(self, tmp_path: Path) -> None:
        """Labels of the more probable class would find fewer positives, if any."""
        calm = {**LOGISTIC, "name": "calm", "params": {"C": 0.001, "max_iter": 1000}}
        options: dict[str, Any] = {"target": "fraud", "select_by": "f1"}
        text = payments(1000, 20)

        decided = learned(tmp_path, text, calm, LOGISTIC, decision={"metric": "f1"}, **options)
        plain = learned(tmp_path, text, calm, LOGISTIC, **options)

        found = {entry.candidate: entry.scores["f1"].mean for entry in decided.leaderboard}
        assert found["calm"] > {entry.candidate: entry.scores["f1"].mean for entry in plain.leaderboard}["calm"]
        assert decided.selected == max(found, key=lambda name: found[name])
        assert decided.metrics.cross_validated == decided.leaderboard[0].scores

    def test_the_class_that_is_named_positive_is_what_it_is_about(self, tmp_path: Path) -> None:
        named = learned(
            tmp_path, payments(600, 200), LOGISTIC, target="fraud", target_keys={"positive": "no"}, decision=COSTS
        )
        contract, holdout = named.table.contract, named.split.holdout
        scores = named.compiled.predictor.scores(named.table.rows[holdout])

        decision = named.evaluation.decision
        assert decision is not None
        assert (contract.target.classes, decision.positive) == (("yes", "no"), "no")
        truth, labels = named.table.targets[holdout], predicted_classes(contract.target, scores)
        assert named.metrics.holdout["recall"] == pytest.approx(metrics.recall_score(truth, labels))
        assert "no is the positive class" in pack(named).artifacts["card.html"].decode()

    def test_probabilities_are_those_without_a_decision(self) -> None:
        decided, plain = rare(**COSTS), rare()
        rows = plain.table.rows[:50]

        assert decided.table.contract.undecided == plain.table.contract
        np.testing.assert_array_equal(decided.compiled.predictor.scores(rows), plain.compiled.predictor.scores(rows))
        assert decided.metrics.holdout["log_loss"] == plain.metrics.holdout["log_loss"]

    def test_what_it_costs_is_measured_on_the_holdout(self) -> None:
        decision = rare(**COSTS).evaluation.decision

        assert decision is not None
        (_, alarms), (missed, _) = rare(**COSTS).evaluation.confusion
        rows = len(rare(**COSTS).split.holdout)
        assert decision.holdout == pytest.approx((20 * missed + alarms) / rows, rel=1e-5)

    def test_a_threshold_of_the_users_own_is_kept(self) -> None:
        trained = rare(threshold=0.125)

        assert trained.table.contract.target.threshold == 0.125
        assert trained.evaluation.decision is not None
        assert trained.evaluation.decision.curve is None

    def test_a_folder_of_it_is_of_its_table(self, tmp_path: Path) -> None:
        trained = rare(**COSTS)

        write_version(tmp_path, pack(trained))

        read = read_version_file(tmp_path).contract
        assert read == trained.table.contract
        assert read.undecided == rare().table.contract
