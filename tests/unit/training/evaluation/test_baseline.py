"""A model must beat a constant prediction by more than chance gives, and is not refused by chance."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skylift.contract import ClassName, Contract, Target
from skylift.feature import Feature
from skylift.metrics import LeaderboardEntry
from skylift.predictors import SklearnPredictor
from training.evaluation.baseline import against_dummy, dummy_folds, dummy_scores
from training.evaluation.report import DummyBaseline
from training.metrics.registry import METRICS
from training.metrics.scores import fold_summary
from training.search.fitting import Fit, Folds, cut_folds, fit_and_score
from training.search.out_of_fold import OutOfFold

SHARES = (0.1, 0.2, 0.27, 0.35)


def contract(*classes: ClassName) -> Contract:
    task: Any = "classification" if classes else "regression"
    features = tuple(Feature(name=name, kind="number") for name in "abc")
    return Contract(task=task, features=features, target=Target(name="y", classes=classes))


def folds_of(rows: Any, targets: Any, *classes: ClassName) -> Folds:
    return cut_folds(contract(*classes), rows, targets, seed=0, nested=False)


def judged(
    seed: int, share: float, *, shuffled: bool, count: int = 500, metric: str = "log_loss", **params: Any
) -> DummyBaseline:
    """A logistic regression on 500 rows with a share of positives; if shuffled, with the labels of other rows."""
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(count, 3))
    drive = 2 * rows[:, 0] + rows[:, 1] + generator.logistic(size=count)
    targets = (drive > np.quantile(drive, 1 - share)).astype(np.int64)
    if shuffled:
        targets = generator.permutation(targets)
    learned = count * 4 // 5
    folds = folds_of(rows[:learned], targets[:learned], 0, 1)
    outcomes = [fit_and_score(folds, Fit(LogisticRegression(**params), fold)) for fold in range(len(folds.outer))]
    scores = {name: fold_summary([outcome.scores.get(name, np.nan) for outcome in outcomes]) for name in [metric]}
    model = SklearnPredictor(LogisticRegression(**params).fit(rows[:learned], targets[:learned]), "classification")
    answers = [outcome.answers for outcome in outcomes if outcome.answers is not None]
    return against_dummy(
        folds,
        LeaderboardEntry(candidate="logistic", estimator="x.Y", params={}, scores=scores),
        targets[learned:],
        model.scores(rows[learned:]),
        metric=metric,
        clusters=None,
        out_of_fold=OutOfFold.joined([(test, each) for (_, test), each in zip(folds.outer, answers, strict=True)]),
    )


class TestConstants:
    def test_classes_are_answered_with_their_shares(self) -> None:
        scores = dummy_scores(contract("a", "b"), np.array([0, 0, 0, 1]), 2)

        assert scores.tolist() == [[0.75, 0.25], [0.75, 0.25]]

    @pytest.mark.parametrize(("median", "value"), [(False, 60), (True, 3)])
    def test_values_are_answered_with_the_mean_or_the_median(self, median: bool, value: float) -> None:
        assert dummy_scores(contract(), np.array([0, 3, 177]), 2, median=median).tolist() == [value, value]

    @pytest.mark.parametrize("metric", ["rmse", "mae"])
    def test_on_each_fold_it_learns_from_the_rows_that_candidates_learn_from(self, metric: str) -> None:
        targets = np.arange(20.0) ** 2
        folds = folds_of(np.zeros((20, 3)), targets)

        found = dummy_folds(folds, METRICS[metric])

        train, test = folds.outer[0]
        errors = targets[test] - (targets[train].mean() if metric == "rmse" else np.median(targets[train]))
        expected = np.sqrt((errors**2).mean()) if metric == "rmse" else np.abs(errors).mean()
        assert found.folds[0] == pytest.approx(expected)


class TestChance:
    @pytest.mark.parametrize("share", SHARES)
    def test_good_models_are_never_refused(self, share: float) -> None:
        assert all(judged(seed, share, shuffled=False).beaten for seed in range(6))

    @pytest.mark.parametrize("share", SHARES)
    def test_shuffled_labels_never_pass(self, share: float) -> None:
        assert not any(judged(seed, share, shuffled=True).beaten for seed in range(6))


class TestRareClasses:
    """Of 3,000 rows 12 are positive, and 2 or 3 of these in the holdout."""

    SHARE, ROWS = 0.004, 3_000

    def test_a_good_model_is_told_by_how_it_ranks_where_its_loss_cannot_tell(self) -> None:
        found = [judged(seed, self.SHARE, shuffled=False, count=self.ROWS) for seed in range(8)]

        assert all(one.beaten for one in found)
        assert any(one.by_ranking for one in found)
        assert all(one.difference is not None and one.difference.within_noise for one in found if one.by_ranking)

    def test_chance_ranks_no_better(self) -> None:
        assert not any(judged(seed, self.SHARE, shuffled=True, count=self.ROWS).beaten for seed in range(8))

    @pytest.mark.parametrize("metric", ["f1", "average_precision"])
    def test_labels_that_the_constant_never_gives_are_not_enough(self, metric: str) -> None:
        def beaten(seed: int, *, shuffled: bool) -> bool:
            by_weight = "balanced" if metric == "f1" else None
            return judged(seed, 0.03, shuffled=shuffled, count=1_000, metric=metric, class_weight=by_weight).beaten

        assert not any(beaten(seed, shuffled=True) for seed in range(3))
        assert all(beaten(seed, shuffled=False) for seed in range(3))
