"""A search in two processes comes to the same as in one."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.tables import LOGISTIC, TREE, config_of, lines
from training.job import Trained, train
from training.search.fitting import LocalRunner

STRIPES = lines("x,n,y", lambda number: f"{number},{number % 7},{'ab'[number // 20 % 2]}", count=80)
DEEP = {"name": "deep", "estimator": "sklearn.tree.DecisionTreeClassifier"}
SEARCHED = DEEP | {"name": "searched", "search": {"max_depth": [1, 2, 8]}}


def trained(folder: Path, runner: LocalRunner, *candidates: dict[str, Any], budget: float | None) -> Trained:
    (folder / "table.csv").write_text(STRIPES, encoding="utf-8")
    config = config_of(folder / "table.csv", candidates=candidates, select_by="accuracy", budget=budget)
    return train(config, runner=runner)


@pytest.mark.parametrize(
    ("candidates", "budget"), [([SEARCHED, LOGISTIC], None), ([DEEP, LOGISTIC, TREE], 1e6)], ids=["searched", "raced"]
)
def test_two_processes_find_and_drop_the_same_as_one(
    tmp_path: Path, candidates: list[dict[str, Any]], budget: float | None
) -> None:
    alone = trained(tmp_path, LocalRunner(1), *candidates, budget=budget)

    spread = trained(tmp_path, LocalRunner(2, worth=0), *candidates, budget=budget)

    assert spread.leaderboard == alone.leaderboard
    assert spread.evaluation.searches == alone.evaluation.searches
