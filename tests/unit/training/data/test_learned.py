"""The contract says what the training rows held, and what only the holdout did."""

from pathlib import Path
from typing import Any

import numpy as np

from skylift.contract import Contract
from tests.support.tables import config_of, lines, noted
from tests.support.wide import wide_split, wide_table
from training.data.encoded import read_table
from training.data.learned import with_learned
from training.data.table import Split, Table


def learned(folder: Path, text: str, *, first_of_holdout: int, **sections: Any) -> Table:
    """The table, with the last rows held out."""
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    config = config_of(path, **sections)
    table = read_table(config.table)
    rows = np.arange(len(table.rows))
    return with_learned(table, Split(rows[:first_of_holdout], rows[first_of_holdout:]), config.features)


def feature(contract: Contract, name: str) -> Any:
    return next(feature for feature in contract.features if feature.name == name)


def test_ranges_are_those_of_the_training_rows(tmp_path: Path) -> None:
    text = lines("x,n,y", lambda number: f"{number},{number},{number % 2}")

    contract = learned(tmp_path, text, first_of_holdout=30, features={"n": {"max": 100}}).contract

    assert (feature(contract, "x").training_range, feature(contract, "x").mean) == ("0 to 29", 14.5)
    assert feature(contract, "n").training_range == "0 to 100"


def test_a_category_that_only_the_holdout_has_is_noted(tmp_path: Path) -> None:
    text = lines("c,y", lambda number: f"{'new' if number > 35 else 'ab'[number % 2]},{number % 2}")

    table = learned(tmp_path, text, first_of_holdout=30)

    assert feature(table.contract, "c").categories == ("a", "b", "new")
    assert feature(table.contract, "c").unlearned == ("new",)
    assert noted(table.notes, "column c: no training row has 'new'")


def test_a_column_whose_values_are_all_in_the_holdout_is_noted(tmp_path: Path) -> None:
    text = lines("x,n,y", lambda number: f"{number if number > 30 else ''},{number},{number % 2}")

    assert noted(learned(tmp_path, text, first_of_holdout=30).notes, "column x has no value in the training rows")


def test_a_feature_of_several_columns_is_described_by_its_lead() -> None:
    table = wide_table()

    day, city, rooms = with_learned(table, wide_split(), {}).contract.features

    assert (day.min, day.max, day.example) == (10.0, 980.0, "2021-05-15")
    assert (city.example, rooms.min, rooms.max) == ("Bonn", 1.0, 4.0)
