"""Scores by cells are the model's own, to the last bit."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)

from skylift.bulk import grid
from skylift.bulk.grid import GridPredictor
from skylift.bulk.trees import Thresholds, read_thresholds
from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.predictors import OnnxPredictor
from skylift.scoring import Matrix
from training.compile.exact import convert
from training.compile.graph import Graph
from training.compile.trees import Tree, sum_of_trees

COLUMNS = 3


def compiled(estimator: Any, rows: Matrix, targets: NDArray[Any]) -> bytes:
    """The compiled form of an estimator that is fitted here."""
    classes = tuple(map(str, np.unique(targets))) if targets.dtype.kind == "i" else ()
    features = tuple(Feature(name=f"x{place}", kind="number", required=False) for place in range(rows.shape[1]))
    task: Any = "classification" if classes else "regression"
    contract = Contract(task=task, features=features, target=Target(name="y", classes=classes))
    data: bytes = convert(estimator.fit(rows, targets), contract).SerializeToString()
    return data


def table(seed: int = 0) -> Matrix:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(150, COLUMNS))
    rows[:, 2] = rng.integers(0, 6, 150)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows


def hard_rows(thresholds: Thresholds) -> Matrix:
    """Rows on, beside and far from thresholds, of all columns in all ways."""
    rng = np.random.default_rng(1)
    columns = []
    for cuts in thresholds.columns:
        near = np.concatenate([cuts, np.nextafter(cuts, np.inf), np.nextafter(cuts, -np.inf), cuts.astype(np.float32)])
        columns.append(rng.choice([*near, np.nan, -1e30, 1e30, 0.0, -0.0, 2.0], 3000))
    return np.column_stack(columns)


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(5, random_state=0),
        ExtraTreesRegressor(4, max_depth=4, random_state=0),
        HistGradientBoostingRegressor(max_iter=4, min_samples_leaf=3),
        HistGradientBoostingClassifier(max_iter=4),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.parametrize("remembered", [0, 2**22])
def test_a_model_of_trees_is_scored_by_cells(estimator: Any, remembered: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "_REMEMBERED_NUMBERS", remembered)
    rows = table()
    score = np.nan_to_num(rows).sum(axis=1)
    targets = score if "Regressor" in type(estimator).__name__ else (score > 0).astype(int) + (score > 2)
    data = compiled(estimator, rows, targets)
    predictor = OnnxPredictor(data)
    thresholds = read_thresholds(data, COLUMNS)
    assert thresholds is not None
    by_cells = GridPredictor(predictor, thresholds, len(np.unique(targets)) if targets.dtype.kind == "i" else 1)
    asked = hard_rows(thresholds)

    for batch in (asked[:1000], asked[:1000], asked, asked[:1]):
        assert np.array_equal(by_cells.scores(batch), predictor.scores(batch), equal_nan=True)


def test_sets_of_categories_are_cells_as_well() -> None:
    graph = Graph(1)
    of_sets = Tree(
        left=np.array([1, 3, 0, 0, 0]),
        right=np.array([2, 4, 0, 0, 0]),
        leaf=np.array([False, False, True, True, True]),
        feature=np.zeros(5, dtype=int),
        threshold=np.zeros(5),
        missing_left=np.zeros(5, dtype=int),
        value=np.array([0.0, 0.0, 1.0, 2.0, 4.0]),
        categories={0: np.array([0.0, 2.0, 5.0]), 1: np.array([2.0])},
    )
    sum_of_trees(graph.rows, [of_sets])
    data: bytes = graph.model(1).SerializeToString()
    predictor, thresholds = OnnxPredictor(data), read_thresholds(data, 1)
    assert thresholds is not None
    rows = np.array([[0.0], [1.0], [2.0], [2.5], [5.0], [6.0], [np.nan], [-1.0]])

    assert predictor.scores(rows).tolist() == [4, 1, 2, 1, 4, 1, 1, 1]
    assert GridPredictor(predictor, thresholds, 1).scores(rows).tolist() == predictor.scores(rows).tolist()


class Counting:
    """A predictor that says how many rows it was asked for."""

    def __init__(self) -> None:
        self.rows = 0

    def scores(self, rows: Matrix) -> Matrix:
        self.rows += len(rows)
        return rows[:, 0].round()


CUTS = Thresholds((np.array([0.5, 1.5]), np.array([])), rounded=False)


def test_a_cell_is_scored_once_however_many_batches_have_it() -> None:
    predictor = Counting()
    by_cells = GridPredictor(predictor, CUTS, 1)
    rows = np.array([[0.1, 7.0], [1.0, 8.0], [0.2, 9.0], [np.nan, 0.0], [2.0, 0.0]])

    by_cells.scores(rows)
    by_cells.scores(rows)

    assert predictor.rows == 4


def test_where_hardly_two_rows_share_a_cell_they_are_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "_REMEMBERED_NUMBERS", 0)
    predictor = Counting()
    by_cells = GridPredictor(predictor, CUTS, 1)

    assert by_cells.scores(np.array([[0.0, 0.0], [0.1, 0.0], [1.0, 0.0], [0.2, 0.0]])).tolist() == [0, 0, 1, 0]
    assert predictor.rows == 2
    by_cells.scores(np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]))
    assert not by_cells.helps
