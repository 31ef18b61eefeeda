"""An average of candidates is found where it is better, and scores what it would on rows that nobody has seen."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.metrics import LeaderboardEntry
from skylift.scoring import Matrix
from training.config import Candidate
from training.metrics.registry import METRICS
from training.metrics.scores import fold_summary, is_better, score_metrics
from training.search.candidates import Built
from training.search.ensemble import averaged, chosen_weights
from training.search.fitting import Folds, cut_folds
from training.search.loop import Result
from training.search.out_of_fold import OutOfFold

FEATURE = Feature(name="x", kind="number", min=0, max=1)
VALUES = Contract(task="regression", features=(FEATURE,), target=Target(name="y"))
CLASSES = Contract(task="classification", features=(FEATURE,), target=Target(name="y", classes=("no", "yes")))


def folds_of(contract: Contract, targets: Any) -> Folds:
    return cut_folds(contract, np.zeros((len(targets), 1)), targets, seed=0, nested=False)


def results_of(folds: Folds, answers: dict[str, Matrix], select_by: str) -> list[Result]:
    """Candidates that gave these answers out of fold, the best first."""
    estimator = LogisticRegression() if folds.contract.target.classes else Ridge()
    found = []
    for name, scores in answers.items():
        parts = [(test, scores[test]) for _, test in folds.outer]
        values = [score_metrics(folds.contract, folds.targets[rows], part) for rows, part in parts]
        spreads = {metric: fold_summary([one[metric] for one in values]) for metric in values[0]}
        candidate = Candidate(name=name, estimator="sklearn.linear_model.Ridge")
        entry = LeaderboardEntry(candidate=name, estimator=candidate.estimator, params={}, scores=spreads)
        rank = METRICS[select_by].sign * spreads[select_by].mean
        found.append(Result(Built(candidate, estimator, ""), entry, {}, rank, out_of_fold=OutOfFold.joined(parts)))
    return sorted(found, key=lambda result: -result.rank)


def shares(positive: Matrix) -> Matrix:
    return np.column_stack([1 - positive, positive])


def apart(seed: int, count: int = 200) -> tuple[Any, dict[str, Matrix]]:
    """Values, and the answers of two candidates whose errors have nothing to do with each other."""
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=count)
    return truth, {name: truth + generator.normal(size=count) for name in ("first", "second")}


class TestWeights:
    def test_of_answers_that_err_apart_each_has_its_share(self) -> None:
        targets, answers = apart(0, 4_000)

        weights = chosen_weights(VALUES, targets, np.stack([*answers.values()]), "rmse")

        assert weights / weights.sum() == pytest.approx([0.5, 0.5], abs=0.05)

    def test_the_better_one_weighs_more(self) -> None:
        targets, answers = apart(0, 4_000)
        close = targets + (answers["second"] - targets) / 2

        weights = chosen_weights(VALUES, targets, np.stack([close, answers["first"]]), "rmse")

        assert weights / weights.sum() == pytest.approx([0.8, 0.2], abs=0.05), "inversely by variance"

    def test_one_that_knows_all_is_taken_alone(self) -> None:
        targets, answers = apart(0)

        assert chosen_weights(VALUES, targets, np.stack([targets, answers["first"]]), "rmse").tolist() == [1, 0]

    def test_the_metric_is_that_of_the_choice(self) -> None:
        """Of what ranks rows as well, probabilities far from the truth are as good by ROC-AUC, and not by log loss."""
        generator = np.random.default_rng(0)
        chance = generator.uniform(0.1, 0.9, 2_000)
        targets = (generator.uniform(size=2_000) < chance).astype(int)
        answers = np.stack([shares(chance**8), shares(chance)])

        assert chosen_weights(CLASSES, targets, answers, "roc_auc").tolist() == [1, 0]
        assert chosen_weights(CLASSES, targets, answers, "log_loss").tolist() == [0, 1]


class TestAverage:
    def test_it_wins_where_errors_are_apart(self) -> None:
        targets, answers = apart(0)
        folds = folds_of(VALUES, targets)
        results = results_of(folds, answers, "rmse")

        average = averaged(folds, results, select_by="rmse")

        assert average is not None
        assert is_better("rmse", average.entry.scores["rmse"], results[0].entry.scores["rmse"])
        assert average.entry.candidate == "ensemble"
        assert average.entry.estimator == "sklearn.ensemble.VotingRegressor"
        assert average.entry.params["estimators"] == [result.entry.candidate for result in results]
        assert average.entry.params["weights"] == [member.weight for member in average.members]

    def test_its_answers_out_of_fold_are_those_that_it_was_measured_by(self) -> None:
        targets, answers = apart(1)
        folds = folds_of(VALUES, targets)

        average = averaged(folds, results_of(folds, answers, "rmse"), select_by="rmse")

        assert average is not None
        out_of_fold = average.out_of_fold
        errors = (out_of_fold.scores - targets[out_of_fold.rows]) ** 2
        by_fold = [float(np.sqrt(errors[out_of_fold.folds == fold].mean())) for fold in range(5)]
        assert sorted(out_of_fold.rows.tolist()) == list(range(200))
        assert by_fold == pytest.approx(average.entry.scores["rmse"].folds)

    @pytest.mark.parametrize("of", [0, 1, 2], ids=["none", "one", "two equal ones"])
    def test_fewer_than_two_that_differ_have_no_average(self, of: int) -> None:
        targets, answers = apart(0)
        folds = folds_of(VALUES, targets)
        twins = dict.fromkeys(["first", "second"][:of], answers["first"])

        assert averaged(folds, results_of(folds, twins, "rmse"), select_by="rmse") is None

    def test_candidates_that_failed_or_were_dropped_have_no_part(self) -> None:
        targets, answers = apart(0)
        folds = folds_of(VALUES, targets)
        found = results_of(folds, answers, "rmse")
        failed = Result(found[1].built, found[1].entry, {}, -np.inf)

        assert averaged(folds, [found[0], failed], select_by="rmse") is None


class TestNoise:
    """Candidates that know nothing: an average of them may not look as if it did."""

    @pytest.fixture(scope="class")
    @classmethod
    def trials(cls) -> list[tuple[float, float, bool]]:
        """Accuracy of the average as weights were chosen, as it is reported, and whether it would be selected."""
        found = []
        for seed in range(30):
            generator = np.random.default_rng(seed)
            targets = generator.permutation([0, 1] * 60)
            answers = {str(number): shares(generator.uniform(size=120)) for number in range(4)}
            folds = folds_of(CLASSES, targets)
            results = results_of(folds, answers, "accuracy")
            average = averaged(folds, results, select_by="accuracy")
            if average is None:
                continue
            weights = {member.name: member.weight for member in average.members}
            mean = np.average([answers[name] for name in weights], axis=0, weights=list(weights.values()))
            seen = float((mean.argmax(axis=1) == targets).mean())
            reported, best = average.entry.scores["accuracy"], results[0].entry.scores["accuracy"]
            found.append((seen, reported.mean, is_better("accuracy", reported, best)))
        return found

    def test_the_rows_that_weights_were_chosen_by_flatter(self, trials: list[tuple[float, float, bool]]) -> None:
        assert np.mean([seen for seen, _, _ in trials]) > 0.55

    def test_what_is_reported_is_chance(self, trials: list[tuple[float, float, bool]]) -> None:
        reported = [value for _, value, _ in trials]

        assert np.mean(reported) == pytest.approx(0.5, abs=3 * np.std(reported) / np.sqrt(len(reported)))

    def test_it_is_hardly_ever_selected(self, trials: list[tuple[float, float, bool]]) -> None:
        assert np.mean([taken for _, _, taken in trials]) <= 0.05
