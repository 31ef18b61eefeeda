"""Many dates at once: as each alone, whatever they are."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from skylift.date_arrays import times_of
from skylift.dates import ISO_DAY, ISO_MOMENT, ISO_TIME, DateForm

FORMS = (
    *(ISO_DAY, ISO_TIME, ISO_MOMENT, "%d.%m.%Y", "%m/%d/%y", "%Y%m%d", "%d-%b-%Y", "%b %d, %Y", "%d%b%Y", "%s"),
    *("%d.%m.%Y %H:%M", "%d/%m/%y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%d.%m.%Y %H", "%d.%m.%Y %H:%M %z", "%y%m%d%H%M"),
)
ODD = (
    *("2013-02-30", "2012-02-29", "2013-02-29", "0000-01-01", "0001-01-01", "9999-12-31", "2013-12-3\uff11"),
    *("2013-12-31 24:00", "2013-12-31T23:60:00", "2013-12-31T23:59:60Z", "2013-12-31T12:00+02:00", "2013-12-31T12"),
    *("31.02.2013", "29.02.2012", "1.2.2013", "31,12,2013", " 1.12.2013", "+1.12.2013", "31.12.-201", "31.13.2013"),
    *("31-DEC-2013", "31-Dek-2013", "1-Sept-2013", "31-\u0130ec-2013", "Sept 1, 2013", "May 01, 2013", "1Sept2013"),
    *("12/31/69", "12/31/68", "12/31/6a", "31/12/13 24:00:00", "31.12.2013 24", "31.12.2013\0", "2013-12-31\0", ""),
    *(
        "20131231",
        "2013-W01-1",
        "2013-W1-01",
        "131231T1:3",
        "1312312359",
        "9" * 100,
        None,
        20131231,
        True,
        1.5,
        float("nan"),
    ),
)


@pytest.mark.parametrize("text", FORMS)
def test_many_dates_are_read_as_each_alone(text: str) -> None:
    form = DateForm(text)
    days = np.random.default_rng(0).uniform(-20_000, 30_000, 100).tolist()
    written = [form.write_own(round(day * 86_400) * 1000) for day in days]
    iso = [form.write(round(day * 86_400) * 1000) for day in days]
    values = [*written, *ODD, *iso]

    found = times_of(form, values)

    alone = [form.read(value) for value in values]
    assert alone[0] is not None
    assert np.array_equal(found, np.array([np.nan if time is None else time for time in alone]), equal_nan=True)


def test_the_last_day_of_each_month_is_one_and_the_next_is_none() -> None:
    firsts = [datetime(year, month, 1, tzinfo=UTC) for year in (1900, 2000, 2023, 2024) for month in range(1, 13)]
    last = [first - timedelta(days=1) for first in firsts]
    after = [f"{day.year}-{day.month:02d}-{day.day + 1:02d}" for day in last]

    assert not np.isnan(times_of(DateForm(ISO_DAY), [f"{day:%Y-%m-%d}" for day in last])).any()
    assert np.isnan(times_of(DateForm(ISO_DAY), after)).all()


def test_no_value_has_no_time() -> None:
    assert times_of(DateForm(ISO_DAY), []).shape == (0,)
