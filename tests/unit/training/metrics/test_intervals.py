"""Intervals cover what they promise, and differences are called noise where chance explains them."""

from typing import Any

import numpy as np
import pytest

from skylift.contract import ClassName, Contract, Target
from skylift.feature import Feature
from skylift.intervals import wilson
from skylift.metrics import Interval
from training.metrics import intervals
from training.metrics.intervals import bootstrap, difference, percentile, resample_count
from training.metrics.registry import metrics_of
from training.metrics.resamples import ScoredRows
from training.metrics.scores import score_metrics

ACCURACY = [metric for metric in metrics_of("classification") if metric.name == "accuracy"]


def contract(*classes: ClassName) -> Contract:
    task: Any = "classification" if classes else "regression"
    return Contract(task=task, features=(Feature(name="x", kind="number"),), target=Target(name="y", classes=classes))


def guesses(rows: int, classes: int, *, seed: int = 0, skill: float = 1.0) -> tuple[Any, Any]:
    """True classes and probabilities that are better than chance."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, classes, rows)
    raw = generator.random((rows, classes)) + skill * np.eye(classes)[targets] * generator.random((rows, 1))
    return targets, raw / raw.sum(axis=1, keepdims=True)


def sides(classes: str, targets: Any, before: Any, after: Any) -> list[ScoredRows]:
    target = Target(name="y", classes=tuple(classes))
    return [ScoredRows(target, targets, scores) for scores in (before, after)]


@pytest.mark.parametrize(("rows", "number"), [(30, 2000), (40_000, 1250), (10**8, 1000)])
def test_many_rows_get_fewer_resamples(rows: int, number: int) -> None:
    assert resample_count(2, rows) == number


class TestIntervals:
    def test_an_interval_holds_the_measured_value(self) -> None:
        targets, scores = guesses(200, 3)

        found = bootstrap(contract("a", "b", "c"), targets, scores, seed=0)

        values = score_metrics(contract("a", "b", "c"), targets, scores)
        for name, value in values.items():
            assert found[name].low < value < found[name].high

    def test_more_rows_make_it_narrower(self) -> None:
        widths = []
        for rows in (50, 2000):
            found = bootstrap(contract("a", "b"), *guesses(rows, 2), seed=0, metrics=ACCURACY)["accuracy"]
            widths.append(found.high - found.low)

        assert widths[1] < widths[0] / 4

    def test_an_interval_of_many_rows_is_that_of_some_of_them_narrowed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rows = guesses(2000, 2)
        exact = bootstrap(contract("a", "b"), *rows, seed=0)
        monkeypatch.setattr(intervals, "_MAX_ROWS", 500)

        found = bootstrap(contract("a", "b"), *rows, seed=0)

        for name in ("accuracy", "log_loss", "roc_auc", "f1_macro"):
            width = exact[name].high - exact[name].low
            assert found[name].low == pytest.approx(exact[name].low, abs=0.15 * width)
            assert found[name].high == pytest.approx(exact[name].high, abs=0.15 * width)

    def test_it_covers_the_truth_about_as_often_as_it_says(self) -> None:
        truth = score_metrics(contract("a", "b"), *guesses(200_000, 2, seed=99))["accuracy"]
        covered = [
            found.low <= truth <= found.high
            for seed in range(100)
            if (
                found := bootstrap(contract("a", "b"), *guesses(100, 2, seed=seed), seed=seed, metrics=ACCURACY)[
                    "accuracy"
                ]
            )
        ]

        assert np.mean(covered) == pytest.approx(0.95, abs=0.06)

    def test_the_same_seed_gives_the_same(self) -> None:
        rows = guesses(50, 2)

        assert bootstrap(contract("a", "b"), *rows, seed=3) == bootstrap(contract("a", "b"), *rows, seed=3)

    def test_a_share_without_a_miss_is_wilsons_and_what_no_resample_changes_has_none(self) -> None:
        targets = np.array([0, 1] * 15)

        found = bootstrap(contract("a", "b"), targets, np.eye(2)[targets] * 0.8 + 0.1, seed=0)

        assert (found["accuracy"].method, found["accuracy"].high) == ("wilson", 1)
        assert found["accuracy"].low == pytest.approx(0.8865, abs=1e-4)
        assert "roc_auc" not in found

    def test_what_mostly_cannot_be_told_has_none(self) -> None:
        assert percentile(np.array([1.0, 2.0] + [np.nan] * 8)) is None
        assert isinstance(percentile(np.arange(100.0)), Interval)


class TestClusters:
    """Rows of a group, or of one time, tell as much as a single one where their errors are the same."""

    GROUPS, EACH = 40, 25

    def repeated(self, seed: int = 0, skill: float = 1.0) -> tuple[Any, Any, Any]:
        targets, scores = guesses(self.GROUPS, 2, seed=seed, skill=skill)
        clusters = np.arange(self.GROUPS).repeat(self.EACH)
        return targets.repeat(self.EACH), scores.repeat(self.EACH, axis=0), clusters

    def test_an_interval_is_that_of_the_groups_and_not_of_their_rows(self) -> None:
        targets, scores, clusters = self.repeated()
        of_groups = bootstrap(contract("a", "b"), *guesses(self.GROUPS, 2), seed=0)

        found = bootstrap(contract("a", "b"), targets, scores, seed=0, clusters=clusters)
        of_rows = bootstrap(contract("a", "b"), targets, scores, seed=0)

        for name in ("accuracy", "log_loss", "roc_auc"):
            assert (found[name].low, found[name].high) == pytest.approx((of_groups[name].low, of_groups[name].high))
            assert of_rows[name].high - of_rows[name].low < (found[name].high - found[name].low) / 4

    def test_a_share_without_a_miss_counts_groups(self) -> None:
        targets, clusters = np.array([0, 1] * 500), np.arange(1000) % 10

        found = bootstrap(contract("a", "b"), targets, np.eye(2)[targets], seed=0, clusters=clusters)

        assert found["accuracy"] == wilson(10, 10)

    def test_an_interval_of_many_rows_is_not_narrowed_beyond_its_groups(self, monkeypatch: pytest.MonkeyPatch) -> None:
        targets, scores, clusters = self.repeated()
        exact = bootstrap(contract("a", "b"), targets, scores, seed=0, clusters=clusters)["log_loss"]
        monkeypatch.setattr(intervals, "_MAX_ROWS", 500)

        found = bootstrap(contract("a", "b"), targets, scores, seed=0, clusters=clusters)["log_loss"]

        assert found.high - found.low == pytest.approx(exact.high - exact.low, rel=0.15)

    @pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
    def test_what_a_few_groups_say_in_many_rows_is_noise(self, metric: str) -> None:
        """Of 40 groups, 8 are answered better and 4 worse."""
        clusters = np.arange(self.GROUPS).repeat(self.EACH)
        targets = np.zeros(len(clusters), dtype=int)
        before, after = (
            np.where(np.isin(clusters, wrong)[:, None], [0.4, 0.6], [0.6, 0.4]) for wrong in (range(8), range(8, 12))
        )

        def is_noise(**options: Any) -> bool:
            compared = difference(*sides("ab", targets, before, after), metric=metric, seed=0, **options)
            return compared.within_noise

        assert not is_noise()
        assert is_noise(clusters=clusters)

    def test_one_group_tells_nothing(self) -> None:
        targets, scores = guesses(100, 2, skill=3)

        found = bootstrap(contract("a", "b"), targets, scores, seed=0, clusters=np.zeros(100, dtype=int))

        assert "log_loss" not in found


class TestDifferences:
    def test_a_model_does_not_differ_from_itself(self) -> None:
        targets, scores = guesses(50, 2)

        for metric in ("accuracy", "log_loss"):
            found = difference(*sides("ab", targets, scores, scores), metric=metric, seed=0)
            assert (found.after - found.before, found.within_noise) == (0, True)

    def test_right_and_wrong_answers_are_compared_by_mcnemar(self) -> None:
        targets = np.zeros(40, dtype=int)
        before, after = np.tile([0.9, 0.1], (40, 1)), np.tile([0.9, 0.1], (40, 1))
        before[:8] = after[38:] = [0.1, 0.9]

        found = difference(*sides("ab", targets, before, after), metric="accuracy", seed=0)

        assert (found.test, found.before, found.after) == ("mcnemar", 0.8, 0.95)
        assert found.p_value == pytest.approx(0.109375)  # two of ten, two-sided
        assert found.within_noise

    def test_a_large_difference_is_more_than_noise(self) -> None:
        targets, good = guesses(300, 2, skill=3)
        _, bad = guesses(300, 2, skill=0, seed=5)

        for metric in ("accuracy", "log_loss", "roc_auc"):
            assert not difference(*sides("ab", targets, bad, good), metric=metric, seed=0).within_noise

    def test_what_every_row_says_is_more_than_noise(self) -> None:
        targets = np.arange(50.0)

        found = difference(*sides("", targets, targets, targets + 1), metric="mae", seed=0)

        assert (found.before, found.after, found.within_noise) == (0, 1, False)

    def test_values_are_compared_by_a_paired_bootstrap(self) -> None:
        generator = np.random.default_rng(0)
        targets = generator.normal(size=200)
        near, far = targets + generator.normal(0, 0.1, 200), targets + generator.normal(0, 0.2, 200)

        found = difference(*sides("", targets, far, near), metric="rmse", seed=0)

        assert (found.test, found.p_value, found.within_noise) == ("paired bootstrap", None, False)
        assert found.interval is not None
        assert found.interval.high < 0
