"""Background rows stand for the training rows, and none of them is a person's."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skylift.background import Background, background_size
from skylift.contract import Contract, Target
from skylift.encoding import date_encoder
from skylift.feature import Feature
from skylift.scoring import Matrix
from tests.support.contracts import contracts, instances, modest, row_encoder
from tests.support.models import trained_iris
from training.data.background import FEWEST, background_of
from training.data.table import Table

NUMBER = Feature(name="size", kind="number")
INTEGER = Feature(name="rooms", kind="integer", required=False)
YES = Feature(name="new", kind="boolean")
CATEGORY = Feature(name="town", kind="category", categories=("a", "b", "c"), required=False)
DAY = Feature(name="day", kind="datetime", form="%Y-%m-%d", origin=date(2020, 1, 1), parts=("month", "weekday"))
TEXT = Feature(name="words", kind="text", max_length=99, directions=2, min=1, max=50)


def table(features: Sequence[Feature], rows: Matrix) -> Table:
    contract = Contract(task="regression", features=tuple(features), target=Target(name="y"))
    return Table(contract, rows, np.zeros(len(rows)), "", ())


def made(features: Sequence[Feature], rows: Matrix) -> Background | None:
    return background_of(table(features, rows), np.arange(len(rows)), seed=0)


def mixed(count: int) -> Matrix:
    rng = np.random.default_rng(0)
    days = rng.integers(0, 700, count).astype(np.float64)
    rows = np.column_stack(
        [
            rng.lognormal(size=count),
            rng.integers(1, 9, count),
            rng.integers(0, 2, count),
            rng.integers(0, 3, count),
            date_encoder(DAY).of_days(days),
            rng.integers(1, 50, count),
            rng.normal(size=(count, 2)),
        ]
    )
    rows[rng.random(count) < 0.2, 1] = np.nan
    rows[rng.random(count) < 0.7, 3] = np.nan
    return rows


def equal_rows(row: Matrix, rows: Matrix) -> int:
    return int(((rows == row) | (np.isnan(rows) & np.isnan(row))).all(axis=1).sum())


def test_they_stand_for_all_rows_in_proportion() -> None:
    rows = np.concatenate([np.full(300, 0.0), np.full(100, 10.0)])[:, None] + np.linspace(0, 1, 400)[:, None]

    background = made([NUMBER], rows)

    assert background is not None
    assert background.weights @ background.rows[:, 0] == pytest.approx(rows.mean(), rel=1e-5)
    assert background.weights[background.rows[:, 0] > 5].sum() == pytest.approx(0.25)


def test_values_are_valid_ones_of_their_kinds() -> None:
    features = [NUMBER, INTEGER, YES, CATEGORY, DAY, TEXT]
    background = made(features, mixed(500))

    assert background is not None
    assert background_size(len(features)) / 2 < len(background.rows) <= background_size(len(features))
    size, rooms, new, town, day, _, _, length, _, _ = background.rows.T
    assert np.isfinite(size).all()
    assert set(rooms) <= {*range(1, 9)}
    assert set(new) == {0, 1}
    assert set(town[~np.isnan(town)]) <= {0, 1, 2}
    assert np.isnan(town).any()
    assert np.array_equal(background.rows[:, 4:7], date_encoder(DAY).of_days(day))
    assert (day == day.round()).all()
    assert (length == length.round()).all()


@pytest.mark.parametrize("count", [12, 60, 500])
def test_none_is_a_training_row(count: int) -> None:
    rows = mixed(count)
    background = made([NUMBER, INTEGER, YES, CATEGORY, DAY, TEXT], rows)
    assert background is not None
    assert not any(equal_rows(row, rows) for row in background.rows)


def test_none_of_iris_is_a_training_row() -> None:
    trained = trained_iris()
    train = trained.split.train
    background = background_of(trained.table, train, seed=42)
    assert background is not None
    assert len(background.rows) > 10
    assert not any(equal_rows(row, trained.table.rows[train]) for row in background.rows)


@pytest.mark.parametrize("kinds", [[NUMBER], [YES] * 10, [CATEGORY] * 4, [INTEGER, YES]])
@pytest.mark.parametrize("count", [20, 200])
def test_a_row_of_few_people_is_changed(kinds: list[Feature], count: int) -> None:
    features = [feature.model_copy(update={"name": f"x{number}"}) for number, feature in enumerate(kinds)]
    rng = np.random.default_rng(1)
    rows = np.column_stack(
        [rng.integers(0, {"boolean": 2, "category": 3}.get(each.kind, 40), count).astype(float) for each in features]
    )
    background = made(features, rows)
    assert background is not None
    assert all(equal_rows(row, rows) == 0 or equal_rows(row, rows) >= FEWEST for row in background.rows)


def test_nothing_is_made_where_each_would_be_a_persons() -> None:
    assert made([INTEGER], np.arange(100.0)[:, None]) is None


def test_outliers_join_a_group() -> None:
    rows = np.concatenate([np.linspace(0, 1, 100), [1e6, 2e6]])[:, None]
    background = made([NUMBER], rows)
    assert background is not None
    assert (background.weights * len(rows) > FEWEST - 0.5).all()


def test_a_column_without_values_is_missing() -> None:
    rows = np.column_stack([np.linspace(0, 1, 30), np.full(30, np.nan)])
    background = made([NUMBER, INTEGER], rows)
    assert background is not None
    assert np.isnan(background.rows[:, 1]).all()


def test_the_same_rows_give_the_same_bytes() -> None:
    features = [NUMBER, INTEGER, YES, CATEGORY, DAY, TEXT]
    first, second = (made(features, mixed(300)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.to_bytes() == second.to_bytes()


@settings(modest, max_examples=25)
@given(st.data())
def test_of_any_contract_they_are_rows_of_it(data: st.DataObject) -> None:
    contract = data.draw(contracts())
    rows = row_encoder(contract).encode(
        [data.draw(instances(contract)) for _ in range(12)] * data.draw(st.integers(1, 5))
    )

    background = background_of(Table(contract, rows, np.zeros(len(rows)), "", ()), np.arange(len(rows)), seed=0)

    if background is None:
        return
    assert not any(0 < equal_rows(row, rows) < FEWEST for row in background.rows)
    for feature, column in zip(contract.features, background.rows[:, list(contract.leads)].T, strict=True):
        known = column[~np.isnan(column)]
        if feature.kind != "text":
            assert all(isinstance(feature.describe(code), str) for code in known.tolist())
        if feature.levels:
            assert set(known) <= {*range(len(feature.levels))}
