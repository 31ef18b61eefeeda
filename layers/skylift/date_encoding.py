"""The columns that a date fills in an encoded row: days since an origin first, then parts of the calendar.

One date is encoded without arrays, which cost more than they save, and many with them; both give the same numbers to
the last bit, on every machine: whole numbers, one division, and cycles from a table.
"""

import math
from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from typing import assert_never, get_args

import numpy as np
from numpy.typing import NDArray

from skylift.date_arrays import Moments, times_of
from skylift.date_layouts import DAYS_REMEMBERED, MILLISECONDS_PER_DAY
from skylift.dates import REMEMBERED, DateForm, DatePart

PARTS: tuple[DatePart, ...] = get_args(DatePart)

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MILLISECONDS_PER_HOUR, _MILLISECONDS_PER_MINUTE = 3_600_000, 60_000
_MINUTES_PER_DAY = 1440
_DAYS_PER_YEAR = 365.25
_OF_MINUTE: tuple[DatePart, ...] = ("day_sin", "day_cos")
_DIGITS = 12  # sines of other libraries differ in the last ones


def _circle(steps: int, length: float, function: Callable[[float], float]) -> tuple[float, ...]:
    return tuple(round(function(2 * math.pi * step / length), _DIGITS) for step in range(steps))


_YEAR_SIN, _YEAR_COS = (_circle(366, _DAYS_PER_YEAR, function) for function in (math.sin, math.cos))
_WEEK_SIN, _WEEK_COS = (_circle(7, 7, function) for function in (math.sin, math.cos))
_DAY_SIN, _DAY_COS = (_circle(_MINUTES_PER_DAY, _MINUTES_PER_DAY, function) for function in (math.sin, math.cos))
_CIRCLES: dict[DatePart, tuple[float, ...]] = {
    "year_sin": _YEAR_SIN,
    "year_cos": _YEAR_COS,
    "week_sin": _WEEK_SIN,
    "week_cos": _WEEK_COS,
    "day_sin": _DAY_SIN,
    "day_cos": _DAY_COS,
}


class DateEncoder:
    """Encodes the dates of one feature.

    Parameters
    ----------
    form
        How its column writes dates.
    origin
        Day that is the number 0.
    parts
        Parts of the calendar, in the order of their columns.

    Attributes
    ----------
    row
        Function from one value to its columns, the days since the origin first; it remembers the last ones, because
        those of a request are read to be checked, and again to be encoded.
    missing
        What it returns for a value that is not a date: NaN in each column.
    """

    def __init__(self, form: DateForm, origin: date, parts: Sequence[DatePart]) -> None:
        self._moment = form.moment
        self._form = form
        self._first = (origin.toordinal() - _EPOCH_DAY) * MILLISECONDS_PER_DAY
        self._origin = origin.toordinal()
        self._parts = tuple(parts)
        self._places = [PARTS.index(part) for part in parts]
        self.missing = [math.nan] * (1 + len(self._parts))
        self.row = lru_cache(REMEMBERED)(self._row)
        self._of_day = lru_cache(DAYS_REMEMBERED)(self._parts_of_day)
        places = {part: place for place, part in enumerate(self._parts, start=1)}
        self._hour = places.get("hour")
        self._on_day = [(places[part], _CIRCLES[part]) for part in _OF_MINUTE if part in places]

    def _row(self, value: object) -> Sequence[float]:
        if (moment := self._moment(value)) is None:
            return self.missing
        day, time = moment
        row = [((day - self._origin) * MILLISECONDS_PER_DAY + time) / MILLISECONDS_PER_DAY, *self._of_day(day)]
        if self._hour is not None:
            row[self._hour] = time / _MILLISECONDS_PER_HOUR
        for place, circle in self._on_day:
            row[place] = circle[time // _MILLISECONDS_PER_MINUTE]
        return row

    def _parts_of_day(self, ordinal: int) -> list[float]:
        """The parts of a day, which many requests share; those of its time are 0."""
        day = date.fromordinal(ordinal)
        year, month, of_month = day.year, day.month, day.day
        in_year, weekday = ordinal - date(year, 1, 1).toordinal(), (ordinal + 6) % 7
        every = (
            *(year, month, of_month, weekday, in_year + 1, 0.0),
            *(_YEAR_SIN[in_year], _YEAR_COS[in_year], _WEEK_SIN[weekday], _WEEK_COS[weekday], 0.0, 0.0),
        )
        return [every[place] for place in self._places]

    def rows(self, values: Sequence[object]) -> NDArray[np.float64]:
        """The columns of many values, float64 `[n, 1 + parts]`; NaN in the rows of anything else."""
        return self.columns(times_of(self._form, values))

    def columns(self, times: Moments) -> NDArray[np.float64]:
        """The columns of dates that were read, float64 `[n, 1 + parts]`."""
        known = ~np.isnan(times)
        filled = np.where(known, times, 0.0).astype(np.int64)
        columns = [(filled - self._first) / MILLISECONDS_PER_DAY, *(part_of(part, filled) for part in self._parts)]
        block = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])
        block[~known] = np.nan
        return block

    def of_days(self, days: NDArray[np.float64]) -> NDArray[np.float64]:
        """The columns of numbers of days since the origin, float64 `[n, 1 + parts]`."""
        return self.columns(np.round(days * MILLISECONDS_PER_DAY) + self._first)

    def moment(self, days: float) -> int:
        """The milliseconds of a number of days since the origin."""
        return round(days * MILLISECONDS_PER_DAY) + self._first


def part_of(part: DatePart, times: NDArray[np.int64]) -> NDArray[np.float64]:
    """A part of the calendar of many times.

    Parameters
    ----------
    times
        Milliseconds, int64 `[n]`.
    """
    days, time = np.divmod(times, MILLISECONDS_PER_DAY)
    calendar = days.astype("datetime64[D]")
    year, month = calendar.astype("datetime64[Y]"), calendar.astype("datetime64[M]")
    values: NDArray[np.int64] | NDArray[np.float64]
    match part:
        case "year":
            values = year.astype(np.int64) + 1970
        case "month":
            values = (month - year.astype("datetime64[M]")).astype(np.int64) + 1
        case "day":
            values = (calendar - month.astype("datetime64[D]")).astype(np.int64) + 1
        case "weekday" | "week_sin" | "week_cos":
            values = (days + 3) % 7
        case "day_of_year":
            values = (calendar - year.astype("datetime64[D]")).astype(np.int64) + 1
        case "year_sin" | "year_cos":
            values = (calendar - year.astype("datetime64[D]")).astype(np.int64)
        case "hour":
            values = time / _MILLISECONDS_PER_HOUR
        case "day_sin" | "day_cos":
            values = time // _MILLISECONDS_PER_MINUTE
        case _:
            assert_never(part)
    circle = _CIRCLES.get(part)
    return np.asarray(values if circle is None else np.array(circle)[values.astype(np.intp)], dtype=np.float64)
