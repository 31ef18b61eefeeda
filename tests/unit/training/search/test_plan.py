"""What is tried of a candidate is counted before it starts, and its trials are put in order."""

from typing import Any

import numpy as np
import pytest

from tests.support.manifests import FLOWERS
from tests.support.tables import TREE
from training.config import Candidate
from training.search.candidates import build
from training.search.fitting import Folds, cut_folds
from training.search.plan import Plan, Standings, count_fits, plan_of


@pytest.fixture(scope="module")
def folds() -> Folds:
    rows = np.arange(400.0).reshape(-1, 1)
    return cut_folds(FLOWERS, rows, np.array([0, 1] * 200), seed=0, nested=True)


def plan(folds: Folds, **search: Any) -> Plan:
    candidate = Candidate.model_validate(TREE | ({"search": search} if search else {}))
    return plan_of(folds, build(candidate, FLOWERS, folds=3, seed=0))


def test_without_a_search_there_is_one_fit_for_each_fold(folds: Folds) -> None:
    assert plan(folds).rounds == []
    assert count_fits(folds, plan(folds)) == 5


def test_each_trial_of_a_grid_takes_a_fit_for_each_inner_fold(folds: Folds) -> None:
    grid = plan(folds, max_depth=[1, 2, 3])

    assert [(planned.trials, planned.rows) for planned in grid.rounds] == [(3, None)]
    assert count_fits(folds, grid) == 5 + 3 * 6 * 3


def test_a_halving_search_ends_on_all_rows(folds: Folds) -> None:
    halving = plan(folds, strategy="halving", parameters={"max_depth": list(range(1, 10))})

    assert [planned.trials for planned in halving.rounds] == sorted(
        (planned.trials for planned in halving.rounds), reverse=True
    )
    assert halving.rounds[0].rows is not None
    assert halving.rounds[-1].rows is None


@pytest.mark.parametrize(("metric", "order"), [("accuracy", [2, 1, 0]), ("log_loss", [2, 0, 1])])
def test_trials_of_later_rounds_come_first_then_the_better(metric: str, order: list[int]) -> None:
    standings = Standings(metric, round={0: 0, 1: 0, 2: 1}, scores={0: [0.5, 0.5], 1: [0.9, 0.7], 2: [0.6, 0.6]})

    assert standings.order() == order
    assert standings.mean(1) == pytest.approx(0.8)
