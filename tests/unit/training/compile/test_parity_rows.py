"""Rows for parity: what training saw, and the edges at which two forms are most likely to differ."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skylift.contract import Contract, Target, Task
from skylift.feature import LARGEST_NUMBER, Feature
from skylift.scoring import Matrix
from tests.support.tables import lines, mixed, table_of
from tests.support.wide import wide_split, wide_table
from training.compile import parity_rows
from training.compile.parity_rows import edge_rows, known_rows, limit_rows
from training.config import Candidate
from training.data.table import Split, Table
from training.search.candidates import build

X, N = Feature(name="x", kind="number", min=0, max=9), Feature(name="n", kind="number", min=-2, max=2)


def a_table(*features: Feature, rows: Matrix, targets: list[float], classes: tuple[str, ...] = ()) -> Table:
    """A table in memory; a regression where no classes are named."""
    task: Task = "classification" if classes else "regression"
    contract = Contract(task=task, features=features, target=Target(name="y", classes=classes))
    return Table(contract, rows, np.array(targets, dtype=int if classes else float), "0" * 64, ())


def first_rows(table: Table, count: int) -> Split:
    """The first rows for training, the others for the holdout."""
    return Split(np.arange(count), np.arange(count, len(table.rows)))


def holds(rows: Matrix, wanted: Matrix) -> bool:
    """Whether every wanted row is among the rows."""
    return {row.tobytes() for row in wanted} <= {row.tobytes() for row in rows}


def _at_threshold() -> tuple[Table, DecisionTreeClassifier]:
    """A tree that splits x, and only x, at 4.5."""
    rows = np.array([[number % 10, number % 5 - 2] for number in range(20)], dtype=float)
    known = a_table(X, N, rows=rows, targets=[float(x > 4) for x in rows[:, 0]], classes=("a", "b"))
    return known, DecisionTreeClassifier(max_depth=1, random_state=0).fit(known.rows, known.targets)


def _mixed() -> Table:
    with TemporaryDirectory() as folder:
        return table_of(Path(folder), mixed(), target="churned")


def _booleans(count: int) -> Table:
    rows = np.arange(count, dtype=float).reshape(-1, 1)
    return a_table(Feature(name="b", kind="boolean"), rows=rows, targets=[0.0] * count)


@pytest.mark.parametrize(("learned", "compared"), [(20, 20), (10_400, 10_000)])
def test_all_of_the_holdout_and_the_training_rows_up_to_ten_thousand_are_compared(learned: int, compared: int) -> None:
    known = _booleans(learned + 10)

    rows = known_rows(known, first_rows(known, learned))

    assert len(rows) == 10 + compared
    assert holds(rows, np.vstack([known.rows[:compared], known.rows[learned:]]))


def test_each_number_is_compared_at_its_bounds_three_spans_outside_and_at_the_limits() -> None:
    known, tree = _at_threshold()
    split = first_rows(known, 10)

    rows = np.vstack([edge_rows(tree, known, split), limit_rows(known, split)])

    for column, values in enumerate([(0, 9, -9, 18, -27, 36), (-2, 2, -6, 6, -14, 14)]):
        for value in (*values, -LARGEST_NUMBER, LARGEST_NUMBER):
            edge = known.rows[:3].copy()
            edge[:, column] = value

            assert holds(rows, edge)


def test_outside_of_the_largest_range_nothing_is_compared() -> None:
    feature = Feature(name="x", kind="number", min=-LARGEST_NUMBER, max=LARGEST_NUMBER)
    known = a_table(feature, rows=np.array([[0.0], [1.0]]), targets=[0.0, 1.0])

    rows = edge_rows(DummyRegressor(), known, first_rows(known, 1))

    assert np.abs(rows).max() == LARGEST_NUMBER


def test_split_thresholds_are_compared_with_their_neighbours_in_float32() -> None:
    known, tree = _at_threshold()

    rows = edge_rows(tree, known, first_rows(known, 10))

    exact = np.float32(4.5)
    neighbours = {float(np.nextafter(exact, np.float32(end))) for end in (-np.inf, np.inf)}
    assert {4.5, *neighbours} <= set(rows[:, 0].tolist())
    assert 4.5 not in rows[:, 1]


@pytest.mark.parametrize(
    ("library", "name", "params"),
    [
        ("xgboost", "XGBRegressor", {"missing": -1.0}),
        ("lightgbm", "LGBMRegressor", {"linear_tree": True, "verbose": -1}),
    ],
)
def test_trees_that_no_converter_knows_have_no_thresholds_to_compare(library: str, name: str, params: Any) -> None:
    known, tree = _at_threshold()
    boosting = getattr(pytest.importorskip(library), name)(n_estimators=2, **params).fit(known.rows, known.targets)

    compared = edge_rows(boosting, known, first_rows(known, 10))

    assert len(compared) < len(edge_rows(tree, known, first_rows(known, 10)))


@pytest.mark.parametrize("categorical", [None, [0], "as a candidate"])
def test_thresholds_of_boosting_are_compared_with_their_neighbours_in_double(
    categorical: list[int] | str | None,
) -> None:
    rows = np.array([[number % 3, number / 7] for number in range(60)])
    color = Feature(name="c", kind="category", categories=("a", "b", "c"))
    known = a_table(color, X, rows=rows, targets=(rows[:, 1] > 4).astype(float).tolist())
    few = {"max_iter": 1, "min_samples_leaf": 5}
    if isinstance(categorical, str):
        path = "sklearn.ensemble.HistGradientBoostingRegressor"
        boosting = build(Candidate(name="b", estimator=path, params=few), known.contract, folds=5, seed=0).estimator
    else:
        boosting = HistGradientBoostingRegressor(**few, categorical_features=categorical)
    boosting.fit(known.rows, known.targets)
    nodes = (boosting if not isinstance(categorical, str) else boosting[-1])._predictors[0][0].nodes
    threshold = float(nodes["num_threshold"][0])

    compared = edge_rows(boosting, known, first_rows(known, 30))

    assert not nodes["is_categorical"][0]
    neighbours = {float(np.nextafter(threshold, end)) for end in (-np.inf, np.inf)}
    assert {threshold, *neighbours} <= set(compared[:, 1].tolist())


@pytest.mark.parametrize("built_here", [True, False])
def test_thresholds_are_of_the_feature_that_the_tree_sees_behind_a_category(built_here: bool) -> None:
    text = lines("c,x,y", lambda number: f"{'uv'[number % 3 % 2]},{number},{'ab'[number // 20]}")
    with TemporaryDirectory() as folder:
        known = table_of(Path(folder), text)
    forest = Candidate(name="t", estimator="sklearn.tree.DecisionTreeClassifier")
    columns = ColumnTransformer([("c", OneHotEncoder(), [0]), ("x", "passthrough", [1])])
    foreign = make_pipeline(columns, DecisionTreeClassifier())
    estimator = build(forest, known.contract, folds=5, seed=0).estimator if built_here else foreign
    estimator.fit(known.rows, known.targets)

    rows = edge_rows(estimator, known, first_rows(known, 30))

    assert [feature.name for feature in known.contract.features] == ["c", "x"]
    assert 19.5 in rows[:, 1]
    assert set(rows[~np.isnan(rows[:, 0]), 0].tolist()) == {0.0, 1.0}


def test_what_may_be_missing_is_compared_missing_and_every_category_is_compared() -> None:
    known = _mixed()
    whole = np.flatnonzero(~np.isnan(known.rows).any(axis=1))[:1]

    rows = edge_rows(DummyRegressor(), known, Split(whole, whole))

    assert np.isnan(rows).any(axis=0).tolist() == [feature.may_be_missing for feature in known.contract.features]
    for column, feature in enumerate(known.contract.features):
        codes = rows[:, column][~np.isnan(rows[:, column])]
        assert set(range(len(feature.categories))) <= set(codes.tolist())


def test_a_split_of_missing_from_known_values_is_not_an_edge() -> None:
    rows = np.array([[float(number)] for number in range(10)] + [[np.nan]] * 10)
    known = a_table(
        Feature(name="x", kind="number", min=0, max=9, required=False), rows=rows, targets=[0.0] * 10 + [1.0] * 10
    )
    tree = DecisionTreeRegressor(max_depth=1, random_state=0).fit(known.rows, known.targets)

    compared = edge_rows(tree, known, first_rows(known, 15))

    assert np.isinf(tree.tree_.threshold[0])
    assert not np.isinf(compared).any()


def test_of_very_many_thresholds_some_thousand_are_compared_from_one_end_to_the_other() -> None:
    noise = np.random.default_rng(0)
    points = noise.random((6_000, 1))
    known = a_table(Feature(name="x", kind="number", min=0, max=1), rows=points, targets=noise.random(6_000).tolist())
    tree = DecisionTreeRegressor(random_state=0).fit(known.rows, known.targets)

    edges = edge_rows(tree, known, first_rows(known, 6_000))[:, 0]

    assert 1_000 * 9 < len(edges) <= 2_000 * 9 + 8 * 3
    assert np.histogram(edges, 10, (0, 1))[0].min() > 500


def test_the_thresholds_of_all_trees_of_an_ensemble_are_compared() -> None:
    known, _ = _at_threshold()
    forest = RandomForestRegressor(5, max_depth=1, random_state=0).fit(known.rows, known.rows[:, 0])

    rows = edge_rows(forest, known, first_rows(known, 10))

    thresholds = {float(member.tree_.threshold[0]) for member in forest.estimators_}
    assert len(thresholds) > 1
    assert {float(np.float32(value)) for value in thresholds} <= set(rows.ravel().tolist())


class TestAFeatureOfSeveralColumns:
    def test_it_is_missing_as_a_whole_and_others_are_varied_in_their_own_columns(self) -> None:
        known, split = wide_table(), wide_split()
        tree = DecisionTreeRegressor(max_depth=2, random_state=0).fit(known.rows, known.targets)

        rows = edge_rows(tree, known, split)

        for columns, value in ((slice(0, 3), np.nan), (3, 0.0), (4, 7.0), (0, 4 * 990.0)):
            edge = known.rows[split.train[:3]].copy()
            edge[:, columns] = value
            assert holds(rows, edge)

    def test_dates_are_not_taken_to_the_limits_of_numbers(self) -> None:
        varied = limit_rows(wide_table(), wide_split())

        assert np.abs(varied[:, :4][~np.isnan(varied[:, :4])]).max() < 10_000
        assert np.abs(varied[:, 4]).max() == LARGEST_NUMBER

    def test_split_points_in_any_of_its_columns_are_compared(self) -> None:
        known, split = wide_table(), wide_split()
        rows = np.nan_to_num(known.rows)
        tree = DecisionTreeRegressor(max_depth=1, random_state=0).fit(rows[:, 1:2] + 0 * rows, known.targets)
        column, threshold = int(tree.tree_.feature[0]), float(tree.tree_.threshold[0])

        edge = known.rows[split.train[:3]].copy()
        edge[:, column] = np.float32(threshold)

        assert holds(edge_rows(tree, known, split), edge)


def test_of_a_wide_table_as_many_edges_are_compared_as_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    known, tree = _at_threshold()
    split = first_rows(known, 10)
    all_edges = edge_rows(tree, known, split)

    monkeypatch.setattr(parity_rows, "_MOST_CELLS", 10 * known.rows.shape[1])

    some = edge_rows(tree, known, split)
    assert len(some) == 10 < len(all_edges)
    assert holds(all_edges, some)
    assert np.array_equal(some, edge_rows(tree, known, split))
