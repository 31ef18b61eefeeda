"""Dates and times as texts: in ISO 8601, or in the form that the table has.

A form is written as `strptime` takes it, and tells three kinds of columns apart: days, times without an offset (the
clock of a place that the table does not name), and moments, which have an offset and are kept in UTC.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property, lru_cache
from typing import Literal, Self

from skylift.date_layouts import MILLISECONDS_PER_DAY, Layout, Moment, moment_of
from skylift.date_writing import OFFSET, Writing, pieces_of
from skylift.numerals import is_number

type Milliseconds = int
"""Since 1970-01-01T00:00, by the clock of the column; of moments, in UTC. Finer than these is dropped."""

DatePart = Literal[
    "year",
    "month",
    "day",
    "weekday",
    "day_of_year",
    "hour",
    "year_sin",
    "year_cos",
    "week_sin",
    "week_cos",
    "day_sin",
    "day_cos",
]
"""A part of the calendar: Monday is weekday 0, `hour` has its minutes as a fraction, and the last six are the places on
the circles of a year, a week and a day, where December is next to January.
"""

ISO_DAY = "%Y-%m-%d"
ISO_TIME = "%Y-%m-%dT%H:%M:%S"
ISO_MOMENT = "%Y-%m-%dT%H:%M:%S%z"
EPOCH = {"%s": 1000, "%Q": 1}
"""Forms of numbers since 1970, in UTC, and how many milliseconds each counts: seconds as `date` has them, and those of
JavaScript.
"""

LONGEST = 64
"""No date has so many signs: a longer text is not looked at."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (the clock of the column)
_EPOCH_DAY = _EPOCH.toordinal()
_SECOND = timedelta(seconds=1)
_MIDNIGHT = time(0)
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # of the years 1 and 9999
REMEMBERED = 1_024
"""Texts that are remembered: those of a request are read to be checked, and again to be encoded."""

_ISO_LIKE = re.compile(
    rf"(?P<day>\d{{4}}-\d\d-\d\d)(?:[T ](?P<clock>\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?P<offset>{OFFSET})?)?", re.ASCII
)
_BEFORE_A_CLOCK = ("T", " ")
_ISO = {ISO_DAY, ISO_TIME, ISO_MOMENT}
_WRITTEN_TIMES = (ISO_DAY, ISO_TIME, "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")
_WRITTEN_MOMENTS = tuple(f"{form}Z" for form in _WRITTEN_TIMES[1:])


class DateForm:
    """How a column writes dates.

    Parameters
    ----------
    text
        The form, of `%Y %y %m %b %d %a %H %I %M %S %f %p %z` and signs between them; `%s` alone for seconds since 1970,
        `%Q` for milliseconds. Without `%d` a date is the first day of its month. Months have English
        or German names; those of weekdays are not compared.

    Raises
    ------
    ValueError
        It is not of these, or lacks a year or a month, or a day where it has a time.

    Examples
    --------
    >>> german = DateForm("%d.%m.%Y")
    >>> german.write(german.read("31.12.2013")), german.read("2013-12-31") == german.read("31.12.2013")
    ('2013-12-31', True)
    >>> german.read("31.2.2013") is None
    True
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._counted = EPOCH.get(text)
        own = None if self._counted else Writing(text)
        names = own.names if own else ["H", "z"]
        self.has_clock = "H" in names or "I" in names
        self.has_offset = "z" in names
        self.is_digits = own is None or own.is_digits
        self.iso = ISO_MOMENT if self.has_offset else ISO_TIME if self.has_clock else ISO_DAY
        self._own = own if text not in _ISO else None
        self._layout = own.layout if own and self._own else None
        is_searched = self._own is not None and self._layout is None
        self._of_text = lru_cache(REMEMBERED)(self._read_text) if is_searched else self._read_text

    def __reduce__(self) -> tuple[Callable[[str], Self], tuple[str]]:
        return type(self), (self.text,)  # what it remembers stays here

    def read(self, value: object) -> Milliseconds | None:
        """The time that a text is, in the form or in ISO 8601; None for what is no such time, or no day of a calendar.

        Parameters
        ----------
        value
            A text; a whole number where the form is digits alone.
        """
        if (moment := self.moment(value)) is None:
            return None
        day, time = moment
        return (day - _EPOCH_DAY) * MILLISECONDS_PER_DAY + time

    def moment(self, value: object) -> Moment | None:
        """The same as a day and the time in it, by the clock of the column; of moments, in UTC."""
        if type(value) is not str:
            return self._of_number(value)
        return self._of_text(value) if len(value) <= LONGEST else None

    @cached_property
    def layouts(self) -> list[Layout]:
        """The ways of writing a time that have a width, those of ISO 8601 first."""
        written = _WRITTEN_MOMENTS if self.has_offset else _WRITTEN_TIMES if self.has_clock else (ISO_DAY,)
        layouts = [*(Layout.of(pieces_of(form)) for form in written), self._own.layout if self._own else None]
        return [layout for layout in layouts if layout]

    def _read_text(self, value: str) -> Moment | None:
        """The time of a text."""
        if value[4:5] == "-" == value[7:8] and (found := _read_or_none(self._of_iso, value)) is not None:
            return found
        if self._layout and (found := self._layout.moment(value)):
            return found
        if self._own:
            return _read_or_none(self._own.read, value)
        if self._counted and is_number(value):
            return _of_count(float(value), self._counted)
        return None

    def _of_number(self, value: object) -> Moment | None:
        if not self.is_digits or isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if self._counted:
            return _of_count(value, self._counted)
        return self.moment(str(int(value))) if value == value // 1 else None

    def _of_iso(self, value: str) -> Moment | None:
        """A text in ISO 8601 of the years 1 to 9999, whose day and minute are written out.

        Raises
        ------
        ValueError, OverflowError
        """
        if len(value) == 10:
            day = date.fromisoformat(value).toordinal()
            return None if self.has_offset else (day, 0)
        if value[10:11] not in _BEFORE_A_CLOCK or value[13:14] != ":" or value[11:13] == "24":
            return None
        moment = datetime.fromisoformat(value)
        if (offset := moment.utcoffset()) is not None:
            return moment_of(moment.replace(tzinfo=None) - offset) if self.has_offset else None
        if self.has_offset or not (self.has_clock or moment.time() == _MIDNIGHT):
            return None
        return moment_of(moment)

    def write(self, moment: Milliseconds) -> str:
        """A time in ISO 8601, a moment in UTC."""
        found = _EPOCH + timedelta(milliseconds=moment)
        if not self.has_clock:
            return found.date().isoformat()
        written = found.isoformat(timespec="milliseconds" if moment % 1000 else "seconds")
        return f"{written}Z" if self.has_offset else written

    def write_own(self, moment: Milliseconds) -> str:
        """A time as the table writes it."""
        if self._counted:
            return str(moment // self._counted)
        found = (_EPOCH + timedelta(milliseconds=moment)).replace(tzinfo=UTC if self.has_offset else None)
        return found.strftime(self.text.replace("%Y", f"{found.year:04d}"))

    def doubt(self, text: str) -> str:
        """Why a text is no such time, for people."""
        if len(text) > LONGEST:
            return "no date is so long"
        match = _ISO_LIKE.fullmatch(text)
        if match is None:
            return "there is no such day or time" if self._own and self._own.looks_like(text) else "not a date"
        try:
            datetime.fromisoformat(text)
        except ValueError:
            return "there is no such day or time"
        if match["offset"] and not self.has_offset:
            return "an offset is not known here" if self.has_clock else "a time is not known here"
        if self.has_offset and not match["offset"]:
            return "the offset is missing" if match["clock"] else "the time is missing"
        return "a time is not known here"

    @property
    def words(self) -> str:
        """What a request must hold, with an example."""
        example = 1_774_951_200_000 if self.has_clock else 1_774_915_200_000
        kind = "a date" if not self.has_clock else "a date and time"
        if self.has_clock:
            kind += " with its offset" if self.has_offset else " without an offset"
        written = f"{kind} such as '{self.write(example)}'"
        if self._counted:
            unit = "seconds" if self._counted > 1 else "milliseconds"
            return f"{written}, or {unit} since 1970 such as {example // self._counted}"
        return written if self._own is None else f"{written} or '{self.write_own(example)}'"


@cache
def date_form(text: str) -> DateForm:
    """The form that a text is; see `DateForm`."""
    return DateForm(text)


def _of_count(count: float, milliseconds: int) -> Moment | None:
    """The time after 1970 began by so many times some milliseconds; None outside of the years 1 to 9999."""
    if not _FIRST_SECOND * 1000 <= count * milliseconds <= _LAST_SECOND * 1000:  # before the size is too much to divide
        return None
    return moment_of(_EPOCH + count * milliseconds / 1000 * _SECOND)


def _read_or_none(read: Callable[[str], Moment | None], text: str) -> Moment | None:
    """What a text is read as; None for no such day, or one before the year 1 in UTC."""
    try:
        return read(text)
    except (ValueError, OverflowError):
        return None
