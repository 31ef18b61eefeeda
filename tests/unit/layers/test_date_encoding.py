"""The columns of a date: the same of one as of many, and the same as the calendar of Python."""

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.date_encoding import PARTS, DateEncoder
from skylift.dates import DateForm
from tests.support.contracts import modest

MOMENTS = DateForm("%Y-%m-%dT%H:%M:%S%z")
EVERY = DateEncoder(MOMENTS, date(2000, 1, 1), PARTS)
ANY_TIME = st.integers(-62_135_596_800_000, 253_402_300_799_999)


@modest
@given(st.lists(ANY_TIME, max_size=5))
def test_one_date_and_many_are_encoded_to_the_same_last_bit(times: list[int]) -> None:
    texts = [*map(MOMENTS.write, times)]

    assert EVERY.rows(texts).tolist() == [EVERY.row(text) for text in texts]


@modest
@given(ANY_TIME)
def test_the_columns_are_those_of_the_calendar(time: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time)
    row = dict(zip(("days", *PARTS), EVERY.row(MOMENTS.write(time)), strict=True))

    assert row["days"] == (moment - datetime(2000, 1, 1, tzinfo=UTC)) / timedelta(days=1)
    assert [row[name] for name in PARTS[:5]] == [
        moment.year,
        moment.month,
        moment.day,
        moment.weekday(),
        moment.timetuple().tm_yday,
    ]
    clock = moment.hour + moment.minute / 60 + (moment.second + moment.microsecond / 1e6) / 3600
    assert row["hour"] == pytest.approx(clock)
    for name, turn in (
        ("year", (moment.timetuple().tm_yday - 1) / 365.25),
        ("week", moment.weekday() / 7),
        ("day", (60 * moment.hour + moment.minute) / 1440),
    ):
        assert row[f"{name}_sin"] == pytest.approx(math.sin(2 * math.pi * turn), abs=1e-9)
        assert row[f"{name}_cos"] == pytest.approx(math.cos(2 * math.pi * turn), abs=1e-9)


@modest
@given(ANY_TIME)
def test_the_days_tell_the_date_again(time: int) -> None:
    days = EVERY.row(MOMENTS.write(time))[0]

    assert EVERY.moment(days) == time
    assert EVERY.of_days(np.array([days])).tolist() == [EVERY.row(MOMENTS.write(time))]


def test_a_missing_date_is_missing_in_all_of_its_columns() -> None:
    assert np.isnan(EVERY.rows([None, "2020-01-01T00:00Z"])).all(axis=1).tolist() == [True, False]
    assert all(map(math.isnan, EVERY.row(None)))
    assert np.isnan(EVERY.of_days(np.array([math.nan]))).all()


@pytest.mark.parametrize(
    ("parts", "row"), [((), [366.0]), (("month",), [366.0, 1.0]), (("day", "year"), [366, 1, 2001])]
)
def test_only_the_parts_that_are_asked_for_are_made(parts: tuple[str, ...], row: list[float]) -> None:
    encoder = DateEncoder(DateForm("%Y-%m-%d"), date(2000, 1, 1), parts)  # type: ignore[arg-type]

    assert encoder.row("2001-01-01") == row
    assert encoder.rows(["2001-01-01"]).tolist() == [row]
