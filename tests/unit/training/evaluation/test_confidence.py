"""What training knows of right and wrong holds on other rows than those it was fitted to."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from skylift.monitoring.baseline import Bins
from skylift.monitoring.expected import ExpectedAccuracy, ExpectedError
from tests.support.models import trained_iris
from tests.support.tables import RIDGE, learned, lines
from training.evaluation.confidence import Measured, expectation, expected_accuracy, expected_error

ROWS = 2000


def folds(rows: int = ROWS, count: int = 5) -> NDArray[np.int64]:
    return np.arange(rows) % count


def confidences(seed: int = 1, rows: int = ROWS) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(0.5, 1, rows)


def right_with(shares: NDArray[np.float64], seed: int = 2) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random(len(shares)) < shares


class TestCalibrating:
    def test_overconfidence_is_corrected(self) -> None:
        confidence = confidences()

        found = expected_accuracy(right_with(0.5 + 0.5 * (confidence - 0.5)), confidence, Measured(folds()))

        assert found.method != "none"
        assert found.ece < 0.04 < found.ece_before
        assert found.calibrated(0.9) == pytest.approx(0.7, abs=0.05)

    def test_confidence_that_is_right_stays_about_as_it_is(self) -> None:
        confidence = confidences()

        found = expected_accuracy(right_with(confidence), confidence, Measured(folds()))

        assert found.ece <= found.ece_before
        assert [found.calibrated(share) for share in (0.6, 0.75, 0.95)] == pytest.approx([0.6, 0.75, 0.95], abs=0.04)

    def test_a_few_errors_teach_no_line(self) -> None:
        """As many as iris has: a line through them would say that every row is as easy."""
        confidence = confidences(rows=120)

        found = expected_accuracy(np.arange(120) % 30 != 0, confidence, Measured(folds(120)))

        assert (found.method, found.calibrated(0.7)) == ("none", 0.7)

    def test_confidences_near_1_are_told_apart(self) -> None:
        """As naive Bayes has them: 1e-9 below 1 is half as sure to be right as 1e-12."""
        confidence = 1 - 10 ** np.random.default_rng(1).uniform(-12, -6, ROWS)

        found = expected_accuracy(right_with(0.3 - np.log10(1 - confidence) / 20), confidence, Measured(folds()))

        shares = [found.calibrated(1 - rest) for rest in (1e-11, 1e-9, 1e-7)]
        assert shares == pytest.approx([0.85, 0.75, 0.65], abs=0.06)

    def test_a_constant_that_says_nothing_of_harder_rows_is_not_kept(self) -> None:
        """The share of right answers, given to every row, has no calibration error."""
        confidence = np.repeat([0.55, 0.95], ROWS // 2)

        found = expected_accuracy(right_with(confidence), confidence, Measured(folds()))

        assert found.calibrated(0.95) - found.calibrated(0.55) == pytest.approx(0.4, abs=0.05)

    def test_a_model_that_is_always_sure_is_as_often_right_as_it_was(self) -> None:
        found = expected_accuracy(right_with(np.full(ROWS, 0.8)), np.ones(ROWS), Measured(folds()))

        assert found.calibrated(1.0) == pytest.approx(0.8, abs=0.03)

    def test_by_time_a_fold_is_judged_by_earlier_ones(self) -> None:
        """Answers are right as their confidence says, and only later so often: the first folds cannot know."""
        fold = np.sort(folds())
        confidence = confidences()
        right = right_with(np.where(fold < 4, 0.55, confidence))

        found = expected_accuracy(right, confidence, Measured(fold, forward=True))

        assert found.method != "none"
        assert found.ece > 0.03

    def test_a_single_fold_is_told_as_it_is(self) -> None:
        found = expected_accuracy(right_with(confidences()), confidences(), Measured(np.zeros(ROWS, dtype=np.int64)))

        assert (found.method, found.ece) == ("none", found.ece_before)


class TestErrorOfAnEstimate:
    def test_more_rows_make_it_smaller(self) -> None:
        few, many = (
            expected_accuracy(right_with(confidences(rows=rows)), confidences(rows=rows), Measured(folds(rows))).error
            for rows in (200, 8000)
        )

        assert 0.002 < many < few / 3

    def test_rows_of_a_group_tell_as_much_as_one(self) -> None:
        groups = np.arange(ROWS) // 20
        right = right_with(np.full(ROWS // 20, 0.8))[groups]
        confidence = np.full(ROWS, 0.8)

        alone, grouped = (
            expected_accuracy(right, confidence, Measured(groups % 5, clusters=clusters)).error
            for clusters in (None, groups)
        )

        assert grouped > 2 * alone

    def test_a_feature_that_confidence_does_not_follow_widens_it(self) -> None:
        """Where only one half of the rows is easier than it seems, a window of that half alone is misjudged."""
        half = np.arange(ROWS) // 5 % 2
        confidence = np.full(ROWS, 0.75)
        right = right_with(np.where(half == 1, 0.9, 0.6))

        blind, told = (
            expected_accuracy(right, confidence, Measured(folds(), parts=parts)).error for parts in ((), (half,))
        )

        assert blind < 0.02
        assert told == pytest.approx(0.15, abs=0.03)

    def test_right_answers_alone_leave_a_doubt(self) -> None:
        found = expected_accuracy(np.ones(30, dtype=np.bool_), np.ones(30), Measured(folds(30)))

        assert found.error > 0.02


class TestRegression:
    BINS = Bins(edges=(0.0, 1.0, 2.0, 3.0))

    def found(self, rows: int = ROWS) -> ExpectedError:
        generator = np.random.default_rng(4)
        predictions = generator.uniform(0, 2, rows)
        errors = np.abs(generator.normal(size=rows)) * np.where(predictions < 1, 1.0, 3.0)
        return expected_error(errors, predictions, self.BINS, Measured(folds(rows)))

    def test_errors_are_known_by_bin_and_elsewhere_as_in_the_nearest(self) -> None:
        found = self.found()
        small, large = np.sqrt(2 / np.pi), 3 * np.sqrt(2 / np.pi)

        assert found.means == pytest.approx((small, small, large, large, large, large), rel=0.1)
        assert found.counts[0] == sum(found.counts[3:]) == 0

    def test_more_rows_make_its_error_smaller(self) -> None:
        assert self.found(8000).error < self.found(300).error / 3

    def test_a_single_fold_is_enough(self) -> None:
        errors, once = np.array([1.0, 2.0, 3.0]), np.zeros(3, dtype=np.int64)

        assert expected_error(errors, np.array([0.5, 0.5, 1.5]), self.BINS, Measured(once)).means[1] == 1.5


class TestOfATraining:
    def test_iris_is_expected_to_be_as_good_as_its_folds(self) -> None:
        trained = trained_iris()
        train, contract = trained.split.train, trained.table.contract
        bins = [Bins(edges=(0.0, 3.0)) for _ in contract.features]

        assert trained.out_of_fold is not None
        found = expectation(
            trained.out_of_fold,
            trained.table.contract.target,
            trained.table.rows[train],
            trained.table.targets[train],
            keys=None,
            features=bins,
            predictions=Bins(levels=contract.target.keys),
        )

        assert isinstance(found, ExpectedAccuracy)
        assert found.value == pytest.approx(trained.metrics.cross_validated["accuracy"].mean)

    def test_by_time_errors_are_learned_from_the_rows_that_were_measured(self, tmp_path: Path) -> None:
        text = lines("x,n,day,y", lambda number: f"{number % 7},{number % 5},{number},{number % 7}.5")
        trained = learned(tmp_path, text, RIDGE, split={"time": "day"})
        train, keys = trained.split.train, trained.table.keys

        assert trained.out_of_fold is not None
        found = expectation(
            trained.out_of_fold,
            trained.table.contract.target,
            trained.table.rows[train],
            trained.table.targets[train],
            keys=keys.take(train) if keys else None,
            features=[Bins(edges=(0.0, 50.0)) for _ in trained.table.contract.features],
            predictions=Bins(edges=(0.0, 3.5, 8.0)),
        )

        assert isinstance(found, ExpectedError)
        assert found.rows == len(trained.out_of_fold.rows) < len(train)
