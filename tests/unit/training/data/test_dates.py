"""Columns of dates: recognised in one form, never guessed, and encoded by the training rows."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skylift.contract import Contract
from skylift.feature import Feature
from tests.support.tables import config_of, lines, refusal, table_of
from training.data.encoded import read_table
from training.data.prepare import prepare, read_prepared, table_and_split
from training.data.table import Table


def day(number: int) -> date:
    return date(2019, 12, 25) + timedelta(days=3 * number)


def dated(form: str, count: int = 60) -> str:
    """A table whose first column has dates in a form, at ten o'clock where it has a time."""
    times = [datetime(2019, 12, 25, 10) + timedelta(days=3 * number) for number in range(count)]  # noqa: DTZ001
    return lines("when,n,y", lambda number: f'"{times[number]:{form}}",{number % 7},{number * 1.5}', count=count)


def when(table: Table) -> Feature:
    (feature,) = (feature for feature in table.contract.features if feature.name == "when")
    return feature


def noted(table: Table) -> str:
    return next(note for note in table.notes if note.startswith("column when "))


@pytest.mark.parametrize(
    "form",
    [
        *("%Y-%m-%d", "%d-%m-%Y", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%b-%Y"),
        *("%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%a, %d %b %Y"),
    ],
)
def test_a_form_that_all_cells_have_is_recognised(tmp_path: Path, form: str) -> None:
    feature = when(table_of(tmp_path, dated(form)))

    assert (feature.kind, feature.form, feature.origin) == ("datetime", form, date(2019, 12, 25))
    assert str(feature.example).startswith(str(day(30)))
    assert (feature.min or 0) % 1 == (10 / 24 if feature.dates[0].has_clock else 0)
    assert (feature.max or 0) - (feature.min or 0) == pytest.approx(177)


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"),
        ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"),
        ("%Y-%m-%dT%H:%M:%S+02:00", "%Y-%m-%dT%H:%M:%S%z"),
        ("%Y-%m-%d %H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z"),
    ],
)
def test_times_in_iso_8601_have_an_offset_or_none(tmp_path: Path, cells: str, form: str) -> None:
    assert when(table_of(tmp_path, dated(cells))).form == form


@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.timestamp("ns", "Europe/Berlin"), pa.date32()])
def test_timestamps_and_dates_of_parquet_are_dates(tmp_path: Path, kind: Any) -> None:
    days = [datetime.combine(day(number), datetime.min.time()) for number in range(60)]
    columns = {"when": pa.array(days).cast(kind) if kind == pa.date32() else pa.array(days, kind), "y": [*range(60)]}
    pq.write_table(pa.table(columns), tmp_path / "table.parquet")

    feature = when(read_table(config_of(tmp_path / "table.parquet", target_keys={"task": "regression"}).table))

    assert feature.kind == "datetime"
    assert feature.dates[0].has_offset is (getattr(kind, "tz", None) is not None)


def test_day_and_month_that_cannot_be_told_apart_are_never_guessed(tmp_path: Path) -> None:
    cells = lines("when,n,y", lambda row: f"0{row % 9 + 1}/0{row % 7 + 1}/2020,{row % 7},{row * 1.5}", count=60)

    table = table_of(tmp_path, cells)

    assert noted(table) == (
        "column when was left out: day and month of its dates cannot be told apart: "
        "features.when.form says which: '%d/%m/%Y' or '%m/%d/%Y'"
    )
    told = table_of(tmp_path, cells, features={"when": {"form": "%m/%d/%Y"}})
    assert when(told).form == "%m/%d/%Y"


@pytest.mark.parametrize("form", ["%Y-%m", "%m/%Y", "%b %Y"])
def test_months_are_dates_so_that_the_next_one_is_served(tmp_path: Path, form: str) -> None:
    feature = when(table_of(tmp_path, dated(form)))

    assert (feature.kind, feature.form, feature.origin) == ("datetime", form, date(2019, 12, 1))
    assert feature.parts == ("year", "month", "year_sin", "year_cos")


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        ("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S %z"),
        ("%a, %d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S %z"),
        ("%a %b %d %H:%M:%S +0000 %Y", "%a %b %d %H:%M:%S %z %Y"),
        ("%d/%b/%Y:%H:%M:%S +0000", "%d/%b/%Y:%H:%M:%S %z"),
    ],
)
def test_moments_are_read_as_programs_write_them(tmp_path: Path, cells: str, form: str) -> None:
    assert when(table_of(tmp_path, dated(cells))).form == form


def test_months_may_have_german_names(tmp_path: Path) -> None:
    months = ("Januar", "Mai", "März", "Okt.", "Dez.")
    cells = lines("when,n,y", lambda row: f"{row % 28 + 1}. {months[row % 5]} 2023,{row % 7},{row}", count=60)

    table = table_of(tmp_path, cells)

    assert when(table).form == "%d. %b %Y"
    assert when(table).decode(table.rows[2, 0]) == "2023-03-03"


def test_codes_that_a_month_and_four_digits_would_be_are_not_dates(tmp_path: Path) -> None:
    cells = lines("when,n,y", lambda row: f"{row % 12 + 1}-{1000 + row % 4 * 1000},{row % 7},{row * 1.5}", count=60)

    assert when(table_of(tmp_path, cells)).kind == "category"


def test_a_declared_form_reads_digits_and_seconds(tmp_path: Path) -> None:
    seconds = lines("when,n,y", lambda number: f"{1_577_836_800 + number * 3600},{number % 7},{number * 1.5}", count=60)

    digits = when(table_of(tmp_path, dated("%Y%m%d"), features={"when": {"form": "%Y%m%d"}}))
    epoch = when(table_of(tmp_path, seconds, features={"when": {"kind": "datetime", "form": "%s"}}))

    assert (digits.form, digits.example) == ("%Y%m%d", str(day(30)))
    assert (epoch.form, epoch.example) == ("%s", "2020-01-02T06:00:00Z")


@pytest.mark.parametrize(
    ("features", "problem"),
    [
        ({"kind": "datetime"}, "holds 'soon' in row 8, and features.when wants a date such as '2026-03-31'"),
        ({"form": "%d.%m.%Y"}, "holds 'soon' in row 8, and features.when wants a date such as '2026-03-31' or '31.03"),
        ({"kind": "datetime", "unknown": "refuse"}, "features.when"),
    ],
)
def test_a_cell_that_breaks_what_is_declared_is_named(tmp_path: Path, features: dict[str, Any], problem: str) -> None:
    cells = dated("%Y-%m-%d").replace(f'"{day(7)}"', "soon")

    assert problem in refusal(tmp_path, cells, features={"when": features})


def test_one_odd_cell_among_dates_is_named_in_a_note(tmp_path: Path) -> None:
    cells = dated("%Y-%m-%d").replace(f'"{day(7)}"', "2023-02-30")

    assert noted(table_of(tmp_path, cells)) == (
        "column when is taken as texts: row 8 holds '2023-02-30', most others dates; fix it, or list it in data.missing"
    )


def test_odd_cells_among_dates_are_dates_once_they_are_listed_as_the_note_says(tmp_path: Path) -> None:
    odd = ["unknown date", "n.v.", "2019-02-30"]
    cells = dated("%Y-%m-%d", count=200)
    for place, text in enumerate(odd):
        cells = cells.replace(f'"{day(20 * place + 3)}"', text)

    note = noted(table_of(tmp_path, cells))
    read = table_of(tmp_path, cells, data_keys={"missing": odd})

    assert f"which hold 3 different texts, or list them: data.missing: {odd}; " in note
    assert when(read).kind == "datetime"
    assert np.isnan(read.rows[:, 0]).sum() == len(odd)


def test_years_of_two_digits_that_are_far_ahead_are_told(tmp_path: Path) -> None:
    def births(first: int) -> str:
        return lines(
            "when,n,y", lambda row: f"{row % 28 + 1:02}/{row % 12 + 1:02}/{(first + row) % 100:02},{row % 7},{row}"
        )

    assert "11 rows are of 2040 or later; if they are of the century before, write years" in noted(
        table_of(tmp_path, births(11))
    )
    assert "century" not in noted(table_of(tmp_path, births(0)))


def test_dates_in_a_form_that_is_not_known_are_left_out_with_the_key(tmp_path: Path) -> None:
    table = table_of(tmp_path, dated("%Y-%m-%d %H:%M CET", count=120))

    assert "such as '2019-12-25 10:00 CET', are in no form that is known: features.when.form" in noted(table)


def test_words_and_blanks_among_dates_are_missing(tmp_path: Path) -> None:
    cells = dated("%Y-%m-%d")
    for row, word in ((7, "n/a"), (9, ""), (11, "0000-00-00"), (12, "NaT")):
        cells = cells.replace(f'"{day(row)}"', word)

    table = table_of(tmp_path, cells)

    assert not when(table).required
    assert np.flatnonzero(np.isnan(table.rows[:, 0])).tolist() == [7, 9, 11, 12]


def test_only_parts_that_vary_in_the_training_rows_are_made(tmp_path: Path) -> None:
    cells = lines("when,n,y", lambda number: f"2020-01-{number % 28 + 1:02},{number % 7},{number * 1.5}", count=60)

    table = table_of(tmp_path, cells)

    assert when(table).parts == ("day", "weekday", "week_sin", "week_cos")
    assert "the model sees days since 2020-01-01, day, weekday, week_sin, week_cos" in noted(table)


def test_days_are_counted_and_parts_chosen_by_training_rows_alone(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(dated("%Y-%m-%d"), encoding="utf-8")
    table, split = table_and_split(config_of(path, split={"time": "when", "holdout": 0.5}).table)

    assert when(table).max == 3.0 * (len(split.train) - 1)
    assert table.rows[split.holdout, 0].min() > table.rows[split.train, 0].max()
    assert "rows are split by it as well" in noted(table)


def test_prepared_files_give_the_same_table(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(dated("%d-%m-%Y").replace(f'"{day(9):%d-%m-%Y}"', ""), encoding="utf-8")
    config = config_of(path)
    prepare(config.table, tmp_path / "processed")

    table, split = table_and_split(config.table)
    prepared, halves = read_prepared(tmp_path / "processed", config.table)

    assert prepared.contract == table.contract
    for mine, theirs in ((halves.train, split.train), (halves.holdout, split.holdout)):
        np.testing.assert_array_equal(prepared.rows[mine], table.rows[theirs])
    assert pd.read_csv(tmp_path / "processed" / "train.csv")["when"].dropna().str.fullmatch(r"\d{4}-\d\d-\d\d").all()


def test_rows_of_the_table_are_encoded_as_requests(tmp_path: Path) -> None:
    table = table_of(tmp_path, dated("%d.%m.%Y %H:%M"))

    instances = [table.instance(index) for index in range(len(table.rows))]

    np.testing.assert_array_equal(table.encoder.encode(instances), table.rows)
    assert Contract.model_validate_json(table.contract.model_dump_json()) == table.contract
