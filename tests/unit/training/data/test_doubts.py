"""Files as people save them: numbers that were written as texts, and texts that were meant otherwise."""

from pathlib import Path

import pytest

from tests.support.tables import learned, noted
from training.config import ModelConfig
from training.data.encoded import read_table
from training.data.table import Table


def table_of(path: Path, header: str, rows: list[str]) -> Table:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    config = {"model": "table", "data": {"path": path}, "target": {"column": "y"}}
    return read_table(ModelConfig.model_validate(config).table)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def test_decimal_commas_are_numbers(path: Path) -> None:
    table = table_of(path, "area;y", [f"{20 + row},{row % 10};{row % 2}" for row in range(20)])

    assert table.contract.features[0].kind == "number"
    assert table.rows[3, 0] == 23.3


def test_a_target_with_decimal_commas_is_a_regression(path: Path) -> None:
    table = table_of(path, "area;y", [f"{row * 3 % 7};{row},{row % 10}" for row in range(20)])

    assert table.contract.task == "regression"


def test_texts_with_commas_stay_texts(path: Path) -> None:
    table = table_of(path, "place;y", [f"{'Rome, IT' if row % 3 else '1,5'};{row % 2}" for row in range(20)])

    assert table.contract.features[0].kind == "category"


def test_a_column_of_numbers_with_one_bad_cell_names_the_row(path: Path) -> None:
    rows = [f"{'n/a?' if row == 7 else row * 1.5},{row % 2}" for row in range(20)]

    table = table_of(path, "a,y", rows)

    assert any("row 8 holds 'n/a?'" in note for note in table.notes)


@pytest.mark.parametrize("date", ["2026-03-{:02d}", "{:02d}.03.2026", "2026-03-{:02d}T10:00:00"])
def test_dates_are_read_and_noted(path: Path, date: str) -> None:
    table = table_of(path, "day,y", [f"{date.format(1 + row)},{row % 2}" for row in range(20)])

    assert any("column day is read as" in note for note in table.notes)


def test_plain_categories_raise_no_doubt(path: Path) -> None:
    table = table_of(path, "city,y", [f"{'Rome' if row % 3 else 'Oslo'},{row % 2}" for row in range(20)])

    assert not any("taken as texts" in note for note in table.notes)


def test_a_column_beyond_what_the_service_accepts_is_left_out(path: Path) -> None:
    rows = "\n".join(f"{row % 7},{row}e300,{row % 2 if row > 9 else row % 3 // 2}" for row in range(1, 41))

    trained = learned(path.parent, f"a,huge,y\n{rows}\n")

    assert [feature.name for feature in trained.table.contract.features] == ["a"]
    assert any("column huge was left out: it holds values beyond 3.4e+38" in note for note in trained.notes)


@pytest.mark.parametrize(("name", "asked"), [("zip", True), ("store_id", True), ("rooms", False), ("decode", False)])
def test_whole_numbers_that_are_named_as_codes_are_asked_about(tmp_path: Path, name: str, asked: bool) -> None:
    rows = [f"{10_000 + number * 7 % 60},{'ab'[number % 2]}" for number in range(300)]

    table = table_of(tmp_path / "table.csv", f"{name},y", rows)

    assert noted(table.notes, f"column {name} is taken as amounts", f"set features.{name}.kind: category") == asked
