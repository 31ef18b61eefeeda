"""Cross-validation leaves the answers that it measured, row by row."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.models import trained_iris
from tests.support.tables import RIDGE, learned, lines
from training.search.out_of_fold import Answers, OutOfFold


class TestAnswers:
    def test_a_class_comes_with_its_probability(self) -> None:
        answers = Answers.of(np.array([[0.25, 0.75], [0.9, 0.1]]))

        assert answers.values.tolist() == [1, 0]
        assert answers.confidence is not None
        assert answers.confidence.tolist() == [0.75, 0.9]

    def test_a_value_comes_alone(self) -> None:
        answers = Answers.of(np.array([1.5, 2.5]))

        assert (answers.values.tolist(), answers.confidence) == ([1.5, 2.5], None)


class TestJoining:
    def test_folds_follow_each_other(self) -> None:
        parts: list[tuple[Any, Answers]] = [
            (np.array([2, 0]), Answers(np.array([1, 0]), np.array([0.5, 0.6]))),
            (np.array([1]), Answers(np.array([1]), np.array([0.7]))),
        ]

        joined = OutOfFold.joined(parts)

        assert joined.rows.tolist() == [2, 0, 1]
        assert joined.folds.tolist() == [0, 0, 1]
        assert joined.answers.values.tolist() == [1, 0, 1]
        assert joined.answers.confidence is not None
        assert joined.answers.confidence.tolist() == [0.5, 0.6, 0.7]

    def test_of_a_regression_there_is_no_confidence(self) -> None:
        assert OutOfFold.joined([(np.array([0]), Answers(np.array([2.5])))]).answers.confidence is None


class TestOfATraining:
    def test_each_row_is_answered_once_and_as_well_as_the_folds_say(self) -> None:
        trained = trained_iris()
        out_of_fold, train_rows = trained.out_of_fold, trained.split.train

        right = out_of_fold.answers.values == trained.table.targets[train_rows[out_of_fold.rows]]
        by_fold = [float(right[out_of_fold.folds == fold].mean()) for fold in range(5)]

        assert sorted(out_of_fold.rows.tolist()) == list(range(len(train_rows)))
        assert by_fold == pytest.approx(trained.metrics.cross_validated["accuracy"].folds)

    def test_by_time_the_first_rows_are_not_answered(self, tmp_path: Path) -> None:
        text = lines("x,n,day,y", lambda number: f"{number % 7},{number % 5},{number},{number % 7}.5")

        trained = learned(tmp_path, text, RIDGE, split={"time": "day"})

        days = trained.table.keys.values[trained.split.train] if trained.table.keys else np.array([])
        answered = days[trained.out_of_fold.rows]
        assert len(answered) < len(days)
        assert answered.min() > days.min()
        assert trained.out_of_fold.answers.confidence is None
