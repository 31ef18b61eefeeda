"""Files as people save them: numbers that were written as texts, and texts that were meant otherwise."""

from collections.abc import Callable
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


@pytest.mark.parametrize(
    ("name", "first", "step", "form"),
    [
        ("day", 20240101, 1, "%Y%m%d"),
        ("created_at", 1_700_000_000, 977, "%s"),
        ("createdAt", 1_700_000_000_000, 977, "%Q"),
        ("income", 1_700_000_000, 977, None),
        ("parcel", 20240191, 1, None),
    ],
)
def test_digits_that_may_be_dates_are_asked_about_with_their_form(
    tmp_path: Path, name: str, first: int, step: int, form: str | None
) -> None:
    rows = [f"{first + number % 28 * step},{'ab'[number % 2]}" for number in range(60)]

    table = table_of(tmp_path / "table.csv", f"{name},y", rows)

    asked = f"features.{name}.form: {form!r} reads its digits as dates"
    assert noted(table.notes, asked) == (form is not None)
    assert not noted(table.notes, "reads its digits") or form


@pytest.mark.parametrize(
    ("usual", "stands_in", "asked"),
    [
        ("{0}.5", "-999", True),
        ("{0}", "99999999", True),
        ("2024-03-{0:02}", "1900-01-01", True),
        ("{0:02}.03.2024", "31.12.9999", True),
        ("{0}", "-1", False),
        ("{0}.5", "1000", False),
        ("{0}", "99", False),
    ],
)
def test_values_that_may_stand_for_a_missing_one_are_asked_about_as_the_table_has_them(
    tmp_path: Path, usual: str, stands_in: str, asked: bool
) -> None:
    usual_days = range(10, 29) if stands_in != "99" else range(10, 98)
    rows = [
        f"{stands_in if number % 9 == 0 else usual.format(usual_days[number % len(usual_days)])},{'ab'[number % 2]}"
        for number in range(180)
    ]

    table = table_of(tmp_path / "table.csv", "x,y", rows)

    assert noted(table.notes, f"column x holds {stands_in} in 20 rows", f"data.missing: ['{stands_in}']") == asked


def test_a_row_of_totals_is_asked_about(tmp_path: Path) -> None:
    rows = [f"shop {number % 4},{number},{number * 1.5}" for number in range(30)]

    table = table_of(tmp_path / "table.csv", "shop,sold,y", [*rows, "Total,435,652.5"])

    assert noted(table.notes, "data.exclude: {shop: [Total]}")


def test_a_word_for_missing_among_dates_is_told_as_what_it_is(tmp_path: Path) -> None:
    rows = [
        f"{'n/a' if number % 9 == 0 else f'2024-03-{number % 28 + 1:02}'},{'ab'[number % 2]}" for number in range(90)
    ]

    notes = table_of(tmp_path / "table.csv", "day,y", rows).notes

    assert noted(notes, "'n/a' counts as missing in day (10)")
    assert not noted(notes, "a text like others")


@pytest.mark.parametrize("odd", ["<0.5", "134.50 (?)"])
def test_a_column_that_is_left_out_says_what_is_odd_in_it(tmp_path: Path, odd: str) -> None:
    rows = [f"{odd if number % 5 == 3 else number * 1.25},{'ab'[number % 2]}" for number in range(200)]

    notes = table_of(
        tmp_path / "table.csv",
        "lab,n,y",
        [f"{row.split(',')[0]},{place % 7},{row.split(',')[1]}" for place, row in enumerate(rows)],
    ).notes

    assert noted(notes, f"column lab was left out: row 4 holds {odd!r}, most others numbers")


@pytest.mark.parametrize(
    ("number", "odd", "said"),
    [
        (
            lambda row: f'"$1,{200 + row}"',
            ["call us"],
            "'call us', most others numbers; fix it, or list it in data.missing",
        ),
        (lambda row: f"{row}.5M", ["varies"] * 90, "'varies', most others numbers; fix it, or list it in data.missing"),
        (lambda row: f"{row} kg", ["heavy", "light"], "list them: data.missing: ['heavy', 'light']"),
        (lambda row: f"{row % 24:02}:30", ["noon"], "'noon', most others numbers"),
    ],
)
def test_what_is_odd_among_numbers_with_signs_is_told(
    path: Path, number: Callable[[int], str], odd: list[str], said: str
) -> None:
    cells = [*odd, *map(number, range(120))]
    rows = [f"{cell},{place % 7},{'ab'[place % 2]}" for place, cell in enumerate(cells)]

    assert any(said in note for note in table_of(path, "cell,n,y", rows).notes)
