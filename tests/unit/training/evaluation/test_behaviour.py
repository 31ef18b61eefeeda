"""A model that behaves as anyone would expect passes every check; one that does not fails the check that says so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from skylift.errors import ConfigError
from skylift.predictors import SklearnPredictor
from skylift.scoring import Predictor
from tests.support.fakes import FunctionPredictor
from tests.support.tables import lines, mixed, table_of
from tests.support.wide import wide_split, wide_table
from training.config.table import FeatureSection
from training.data.split import split_rows
from training.data.table import Split, Table
from training.evaluation.behaviour import behaviours, check_monotone, feature_grid, sweep
from training.evaluation.report import Check

RISING = lines("x,n,y", lambda number: f"{number},{number * 7 % 11},{3 * number}", count=60)
SEPARABLE = lines("x,n,y", lambda number: f"{number},{number % 7},{'ab'[number // 30]}", count=60)
SPLIT = Split(np.arange(0, 60, 2), np.arange(1, 60, 2))
EVERY_MODEL = ["golden rows", "column order", "duplicated rows", "minimum function"]


@pytest.fixture
def rising(tmp_path: Path) -> Table:
    return table_of(tmp_path, RISING)


def monotone(**directions: str) -> dict[str, FeatureSection]:
    return {name: FeatureSection.model_validate({"monotone": way}) for name, way in directions.items()}


def checks(
    table: Table, estimator: Any = None, predictor: Predictor | None = None, **directions: str
) -> dict[str, Check]:
    """Checks by name; of a fitted estimator, a linear regression by default, unless a predictor stands in for it."""
    estimator = estimator or LinearRegression()
    if predictor is None:
        estimator.fit(table.rows[SPLIT.train], table.targets[SPLIT.train])
        predictor = SklearnPredictor(estimator, table.contract.task)
    return {check.name: check for check in behaviours(monotone(**directions), table, SPLIT, estimator, predictor)}


class TestEveryModel:
    def test_a_sound_model_passes(self, rising: Table) -> None:
        passed = {name: check.passed for name, check in checks(rising).items()}

        assert passed == dict.fromkeys(EVERY_MODEL, True)

    def test_one_that_answers_by_the_place_of_a_row_fails_on_duplicated_rows(self, rising: Table) -> None:
        by_place = FunctionPredictor(lambda rows: np.arange(float(len(rows))))

        made = checks(rising, predictor=by_place)

        assert [name for name, check in made.items() if not check.passed] == ["duplicated rows"]
        assert made["duplicated rows"].detail == "answers differ by up to 20"

    def test_one_that_answers_differently_each_time_fails_on_rows_sent_as_json(self, rising: Table) -> None:
        generator = np.random.default_rng(0)

        made = checks(rising, predictor=FunctionPredictor(lambda rows: generator.normal(size=len(rows))))

        assert not made["golden rows"].passed
        assert not made["column order"].passed

    @pytest.mark.parametrize(("drift", "passed"), [(1e-6, True), (1e-3, False)])
    def test_answers_are_the_same_within_the_tolerance_of_golden_requests(
        self, rising: Table, drift: float, passed: bool
    ) -> None:
        by_batch = FunctionPredictor(lambda rows: 3 * rows[:, 0] + 1 + drift * len(rows))  # its error is 1

        assert checks(rising, predictor=by_batch)["duplicated rows"].passed is passed


class TestMinimumFunction:
    def test_it_is_compared_with_the_dummy_baseline(self, rising: Table) -> None:
        check = checks(rising)["minimum function"]

        assert check.detail.startswith("30 rows learned: ")
        assert " 0.0000 on themselves, " in check.detail
        assert check.detail.endswith(" by the dummy baseline")

    def test_an_estimator_worse_than_the_dummy_baseline_is_doubtful(self, rising: Table) -> None:
        check = checks(rising, DummyRegressor(strategy="constant", constant=1e4))["minimum function"]

        assert check.passed
        assert check.doubtful

    def test_one_that_needs_more_rows_gets_more(self, tmp_path: Path) -> None:
        text = lines("x,n,y", lambda row: f"{row % 97},{row % 5},{row % 97 * 2}", count=400)
        table = table_of(tmp_path, text, target_keys={"task": "regression"})
        split = split_rows(table, holdout=0.2, seed=0)
        leaves = DecisionTreeRegressor(min_samples_leaf=40).fit(table.rows, table.targets)
        predictor = SklearnPredictor(leaves, "regression")

        check = behaviours({}, table, split, leaves, predictor)[3]

        assert check.detail.startswith("200 rows learned: ")
        assert not check.doubtful

    def test_a_forest_whose_trees_draw_more_rows_than_there_are_draws_those(self, rising: Table) -> None:
        split = split_rows(rising, holdout=0.2, seed=0)
        forest = RandomForestRegressor(5, max_samples=len(split.train), random_state=0)
        forest.fit(rising.rows[split.train], rising.targets[split.train])

        check = checks(rising, forest)["minimum function"]

        assert "rows learned" in check.detail

    def test_an_estimator_that_cannot_learn_the_tiny_table_is_doubtful_with_its_reason(self, rising: Table) -> None:
        broken, fake = DecisionTreeRegressor(max_depth=-1), FunctionPredictor(lambda rows: rows[:, 0])

        check = checks(rising, broken, fake)["minimum function"]

        assert check.passed
        assert check.doubtful
        assert check.detail.startswith("30 rows cannot be learned: The 'max_depth' parameter")


class TestDirections:
    @pytest.mark.parametrize(("declared", "verb"), [("increasing", "keeps"), ("decreasing", "leaves")])
    def test_a_declared_direction_must_hold(self, rising: Table, declared: str, verb: str) -> None:
        check = checks(rising, x=declared)["monotone: x"]

        assert check.passed is (verb == "keeps")
        assert check.detail.startswith(f"{declared}: the mean answer {verb} this direction")

    def test_rows_that_leave_it_are_counted_although_the_mean_keeps_it(self, rising: Table) -> None:
        split_minds = FunctionPredictor(lambda rows: np.where(rows[:, 1] == 0, -1, 2) * rows[:, 0])

        check = checks(rising, predictor=split_minds, x="increasing")["monotone: x"]

        share = (rising.rows[SPLIT.holdout, 1] == 0).mean()
        assert check.passed
        assert check.detail.endswith(f", {share:.0%} of the rows leave it somewhere")

    def test_of_two_classes_the_second_ones_probability_moves(self, tmp_path: Path) -> None:
        made = checks(table_of(tmp_path, SEPARABLE), LogisticRegression(), x="increasing")

        assert made["monotone: x"].passed

    def test_a_category_has_no_direction(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, mixed(), target="churned")

        with pytest.raises(ConfigError, match=r"features\.city\.monotone: a category has no direction"):
            check_monotone(monotone(city="increasing"), table)

    def test_many_classes_have_no_direction(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, lines("x,y", lambda number: f"{number},{'abc'[number % 3]}"))

        with pytest.raises(ConfigError, match=r"features\.x\.monotone needs a regression or two classes"):
            check_monotone(monotone(x="increasing"), table)

    def test_a_direction_of_two_classes_or_a_regression_is_accepted(self, tmp_path: Path, rising: Table) -> None:
        check_monotone(monotone(x="increasing"), rising)
        check_monotone(monotone(x="decreasing"), table_of(tmp_path, SEPARABLE))


class TestGrid:
    @pytest.mark.parametrize(
        ("cell", "grid"),
        [
            (lambda number: ("Lyon", "Oslo", "Rome")[number % 3], [0, 1, 2]),
            (lambda number: str(number // 2 % 4), [0, 1, 2, 3]),
            (lambda number: "7" if number == 30 else "5", [5, 7]),
        ],
        ids=["codes of a category", "values of a number", "a value that nearly all have"],
    )
    def test_it_runs_through_the_values_of_a_feature(
        self, tmp_path: Path, cell: Callable[[int], str], grid: list[float]
    ) -> None:
        table = table_of(tmp_path, lines("x,y", lambda number: f"{cell(number)},{number * 1.5}", count=60))

        assert feature_grid(table, SPLIT, 0)[:, 0].tolist() == grid

    def test_a_feature_that_is_missing_in_all_training_rows_has_the_values_of_the_others(self, tmp_path: Path) -> None:
        cells = lines("x,y", lambda number: f"{number if number % 2 else ''},{number * 1.5}", count=60)

        grid = feature_grid(table_of(tmp_path, cells), SPLIT, 0)[:, 0]

        assert set(grid) <= set(range(1, 60, 2))
        assert len(grid) == 20

    def test_a_sweep_sets_the_feature_and_leaves_the_others(self) -> None:
        rows, grid = np.array([[9.0, 1.0], [9.0, 2.0]]), np.array([[0.0], [10.0], [20.0]])

        answers = sweep(FunctionPredictor(lambda rows: rows.sum(axis=1)), rows, slice(0, 1), grid)

        assert answers.tolist() == [[1, 2], [11, 12], [21, 22]]


def test_a_sweep_of_a_feature_of_several_columns_sets_all_of_them() -> None:
    table = wide_table()

    grid = feature_grid(table, wide_split(), 0)
    answers = sweep(FunctionPredictor(lambda rows: rows[:, 1]), table.rows[1:3], slice(0, 3), grid)

    assert {block.tobytes() for block in grid} <= {block.tobytes() for block in table.rows[:, :3]}
    assert answers[:, 0].tolist() == answers[:, 1].tolist() == grid[:, 1].tolist()
    assert feature_grid(table, wide_split(), 1).tolist() == [[0.0], [1.0]]
