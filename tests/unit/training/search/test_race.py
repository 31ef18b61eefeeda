"""A candidate is measured to the end unless it cannot win any more."""

import math

import pytest

from training.metrics.scores import fold_summary
from training.search.race import cannot_win, heats

BEST = fold_summary([0.50, 0.52, 0.48, 0.51, 0.49])


@pytest.mark.parametrize(
    ("folds", "expected"), [(5, [[3, 4], [0, 1, 2]]), (4, [[2, 3], [0, 1]]), (3, [[0, 1, 2]]), (2, [[0, 1]])]
)
def test_the_last_two_folds_come_first_and_few_folds_all_at_once(folds: int, expected: list[list[int]]) -> None:
    assert heats(folds) == expected


@pytest.mark.parametrize(
    ("metric", "measured", "expected"),
    [
        ("log_loss", {3: 0.80, 4: 0.78}, True),
        ("log_loss", {3: 0.52, 4: 0.51}, False),
        ("log_loss", {3: 0.20, 4: 0.18}, False),
        ("accuracy", {3: 0.20, 4: 0.18}, True),
        ("accuracy", {3: 0.80, 4: 0.78}, False),
        ("log_loss", {3: 0.80, 4: math.nan}, False),
    ],
    ids=["much worse", "within noise", "better", "a share much worse", "a share better", "not measured"],
)
def test_only_what_is_worse_by_more_than_noise_cannot_win(
    metric: str, measured: dict[int, float], expected: bool
) -> None:
    assert cannot_win(metric, BEST, measured) is expected


def test_where_the_best_scatters_much_nothing_is_certain() -> None:
    assert not cannot_win("log_loss", fold_summary([0.2, 0.9, 0.5, 0.1, 0.8]), {3: 0.8, 4: 0.9})


def test_nothing_beats_what_is_right_in_every_fold() -> None:
    assert cannot_win("accuracy", fold_summary([1.0] * 5), {3: 0.99, 4: 1.0})
    assert not cannot_win("accuracy", fold_summary([1.0] * 5), {3: 1.0, 4: 1.0})
