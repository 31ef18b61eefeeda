"""Cross-validation leaves the answers that it measured, row by row."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skylift.scoring import predicted_classes
from tests.support.models import trained_iris
from tests.support.tables import RIDGE, learned, lines
from training.search.out_of_fold import OutOfFold


class TestJoining:
    def test_folds_follow_each_other(self) -> None:
        parts: list[tuple[Any, Any]] = [
            (np.array([2, 0]), np.array([[0.5, 0.5], [0.6, 0.4]])),
            (np.array([1]), np.array([[0.7, 0.3]])),
        ]

        joined = OutOfFold.joined(parts)

        assert joined.rows.tolist() == [2, 0, 1]
        assert joined.folds.tolist() == [0, 0, 1]
        assert joined.scores.tolist() == [[0.5, 0.5], [0.6, 0.4], [0.7, 0.3]]


class TestOfATraining:
    def test_each_row_is_answered_once_and_as_well_as_the_folds_say(self) -> None:
        trained = trained_iris()
        out_of_fold, train_rows = trained.out_of_fold, trained.split.train

        assert out_of_fold is not None
        labels = predicted_classes(trained.table.contract.target, out_of_fold.scores)
        right = labels == trained.table.targets[train_rows[out_of_fold.rows]]
        by_fold = [float(right[out_of_fold.folds == fold].mean()) for fold in range(5)]

        assert sorted(out_of_fold.rows.tolist()) == list(range(len(train_rows)))
        assert by_fold == pytest.approx(trained.metrics.cross_validated["accuracy"].folds)

    def test_by_time_the_first_rows_are_not_answered(self, tmp_path: Path) -> None:
        text = lines("x,n,day,y", lambda number: f"{number % 7},{number % 5},{number},{number % 7}.5")

        trained = learned(tmp_path, text, RIDGE, split={"time": "day"})

        days = trained.table.keys.values[trained.split.train] if trained.table.keys else np.array([])
        assert trained.out_of_fold is not None
        answered = days[trained.out_of_fold.rows]
        assert len(answered) < len(days)
        assert answered.min() > days.min()
        assert trained.out_of_fold.scores.shape == answered.shape
