"""What metrics share is right for each resample: a row that counts twice is two rows, one that counts never is none."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skylift.contract import Contract, Target
from skylift.feature import Feature
from training.metrics.resamples import ScoredRows, bootstrap_counts, calibration_bins, rank, roc_and_pr_auc

TARGETS = np.array([0, 0, 1, 2])
SCORES = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3], [0.5, 0.3, 0.2]])
ROWS = ScoredRows(Target(name="y", classes=(0, 1, 2)), TARGETS, SCORES)
COUNTS = np.array([[1, 1, 1, 1], [0, 3, 0, 1], [4, 0, 0, 0]])
RESAMPLES = ROWS.resampled(COUNTS)


def contract(task: Any, *classes: str) -> Contract:
    features = (Feature(name="x", kind="number"),)
    return Contract(task=task, features=features, target=Target(name="y", classes=classes))


class TestRows:
    @pytest.mark.parametrize(("classes", "number"), [(("a", "b"), 2), ((), 0)])
    def test_their_classes_are_those_of_the_target(self, classes: tuple[str, ...], number: int) -> None:
        assert ScoredRows(Target(name="y", classes=classes), TARGETS, SCORES).classes == number

    def test_a_threshold_gives_the_labels_and_how_sure_they_are(self) -> None:
        target = Target(name="y", classes=("no", "yes"), threshold=0.2)
        rows = ScoredRows(target, np.array([0, 1]), np.array([[0.7, 0.3], [0.9, 0.1]]))

        assert rows.labels.tolist() == [1, 0]
        assert rows.confidence.tolist() == [0.3, 0.9]

    def test_labels_are_the_most_probable_classes(self) -> None:
        assert ROWS.labels.tolist() == [0, 1, 1, 0]

    def test_some_of_them_keep_targets_and_scores_together(self) -> None:
        some = ROWS.take(np.array([3, 0]))

        assert some.targets.tolist() == [2, 0]
        assert_array_equal(some.scores, SCORES[[3, 0]])

    def test_absolute_errors_rise(self) -> None:
        order, errors = ScoredRows(
            Target(name="y"), np.array([1.0, 2.0, 3.0]), np.array([4.0, 2.0, 2.0])
        ).absolute_errors

        assert (order.tolist(), errors.tolist()) == ([1, 2, 0], [0, 1, 3])


class TestResamples:
    def test_a_confusion_matrix_counts_each_row_as_often_as_it_was_drawn(self) -> None:
        assert RESAMPLES.confusion.tolist() == [
            [[1, 1, 0], [0, 1, 0], [1, 0, 0]],
            [[0, 3, 0], [0, 0, 0], [1, 0, 0]],
            [[4, 0, 0], [0, 0, 0], [0, 0, 0]],
        ]

    def test_its_sums_are_by_true_and_by_predicted_class(self) -> None:
        assert RESAMPLES.sizes.tolist() == [4, 4, 4]
        assert RESAMPLES.hits.tolist() == [[1, 1, 0], [0, 0, 0], [4, 0, 0]]
        assert RESAMPLES.support.tolist() == [[2, 1, 1], [3, 0, 1], [4, 0, 0]]
        assert RESAMPLES.predicted.tolist() == [[2, 2, 0], [1, 3, 0], [4, 0, 0]]

    def test_means_are_over_the_drawn_rows(self) -> None:
        values = np.array([1.0, 2.0, 4.0, 8.0])

        assert_allclose(RESAMPLES.mean(values), [15 / 4, 14 / 4, 1])
        assert_allclose(ROWS.once().mean(values), [15 / 4])

    def test_all_rows_once_are_one_more_resample(self) -> None:
        once = ROWS.once()

        assert_array_equal(once.confusion[0], RESAMPLES.confusion[0])
        for areas, resampled in zip(once.class_areas, RESAMPLES.class_areas, strict=True):
            assert_allclose(areas[0], resampled[0])


class TestBootstrap:
    def test_resamples_have_as_many_rows_as_the_table(self) -> None:
        chunks = list(bootstrap_counts(1000, 5000, 0))

        assert len(chunks) > 1
        assert sum(len(chunk) for chunk in chunks) == 5000
        assert all((chunk.sum(axis=1) == 1000).all() for chunk in chunks)

    def test_they_are_drawn_by_the_seed(self) -> None:
        first, again, other = (np.concatenate(list(bootstrap_counts(50, 20, seed))) for seed in (1, 1, 2))

        assert_array_equal(first, again)
        assert (first != other).any()

    def test_rows_of_a_cluster_are_drawn_together(self) -> None:
        clusters = np.array([7, 2, 7, 2, 5])

        (counts,) = bootstrap_counts(5, 50, 0, clusters)

        assert_array_equal(counts[:, 0], counts[:, 2])
        assert_array_equal(counts[:, 1], counts[:, 3])
        assert (counts[:, [0, 1, 4]].sum(axis=1) == 3).all()


class TestAreas:
    def test_rows_of_equal_probability_come_in_together(self) -> None:
        ranking = rank(np.array([True, False, True]), np.array([0.2, 0.9, 0.2]))

        assert (ranking.order.tolist(), ranking.members.tolist(), ranking.ends.tolist()) == (
            [1, 0, 2],
            [False, True, True],
            [0, 2],
        )

    @pytest.mark.parametrize(
        ("probabilities", "roc", "precision"),
        [([0.9, 0.8, 0.2, 0.1], 1, 1), ([0.1, 0.2, 0.8, 0.9], 0, 5 / 12), ([0.5] * 4, 0.5, 0.5)],
        ids=["right order", "wrong order", "all equal"],
    )
    def test_they_are_those_of_the_textbook(self, probabilities: list[float], roc: float, precision: float) -> None:
        members = np.array([True, True, False, False])

        areas = roc_and_pr_auc(rank(members, np.array(probabilities)), np.ones((1, 4), dtype=np.int64))

        assert_allclose(areas, [[roc], [precision]])

    def test_a_resample_without_rows_inside_or_outside_the_class_has_none(self) -> None:
        ranking = rank(np.array([True, False]), np.array([0.9, 0.1]))

        roc, precision = roc_and_pr_auc(ranking, np.array([[2, 0], [0, 2], [1, 1]]))

        assert_array_equal(roc, [np.nan, np.nan, 1])
        assert_array_equal(precision, [np.nan, np.nan, 1])


class TestCalibration:
    def test_bins_are_of_equal_width_and_those_without_rows_are_left_out(self) -> None:
        probabilities = np.array([0.0, 0.05, 0.55, 1.0])

        bins = calibration_bins(probabilities, np.array([False, True, True, True]), np.ones((1, 4), dtype=np.int64))

        assert [(part.number, part.rows[0], part.predicted[0], part.observed[0]) for part in bins] == [
            (0, 2, 0.025, 0.5),
            (5, 1, 0.55, 1),
            (9, 1, 1, 1),
        ]

    def test_rows_count_as_often_as_they_were_drawn(self) -> None:
        (part,) = calibration_bins(np.array([0.52, 0.58]), np.array([True, False]), np.array([[3, 1], [0, 0]]))

        assert part.rows.tolist() == [4, 0]
        assert part.predicted.tolist() == [0.535, 0]
        assert part.observed.tolist() == [0.75, 0]
