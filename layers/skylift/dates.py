"""Dates and times as texts: in ISO 8601, or in the form that the table has.

A form is written as `strptime` takes it, and tells three kinds of columns apart: days, times without an offset (the
clock of a place that the table does not name), and moments, which have an offset and are kept in UTC.
"""

import re
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any, Literal

type Milliseconds = int
"""Since 1970-01-01T00:00, by the clock of the column; of moments, in UTC. Finer than these is dropped."""

MILLISECONDS_PER_DAY = 86_400_000

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
EPOCH_SECONDS = "%s"

type _Piece = tuple[str | Any, ...]
"""A directive, a text between two, or a stray percent sign: one of three."""

LONGEST = 64
"""No date has so many signs: a longer text is not looked at."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (the clock of the column)
_SECOND = timedelta(seconds=1)
_MIDNIGHT = time(0)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # of the years 1 and 9999
_IN_ORDER = ("Y", "m", "d", "H", "M", "S")

_OFFSET = r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)"
_ISO_LIKE = re.compile(
    rf"(?P<day>\d{{4}}-\d\d-\d\d)(?:[T ](?P<clock>\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?P<offset>{_OFFSET})?)?", re.ASCII
)
_ISO = {ISO_DAY, ISO_TIME, ISO_MOMENT}
_PARTS = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d\d)",
    "m": r"(?P<m>\d\d?)",
    "b": rf"(?P<b>{'|'.join(_MONTHS)})[a-z]*\.?",
    "d": r"(?P<d>\d\d?)",
    "H": r"(?P<H>\d\d?)",
    "I": r"(?P<I>\d\d?)",
    "M": r"(?P<M>\d\d)",
    "S": r"(?P<S>\d\d)",
    "f": r"(?P<f>\d{1,9})",
    "p": r"(?P<p>[ap]\.?m\.?)",
    "z": rf"(?P<z>{_OFFSET})",
}
_DIRECTIVE = re.compile(r"%(.)|([^%]+)|(%)", re.DOTALL)
_PIVOT = 69  # as POSIX has it: 69 is 1969, 68 is 2068


class DateForm:
    """How a column writes dates.

    Parameters
    ----------
    text
        The form, of `%Y %y %m %b %d %H %I %M %S %f %p %z` and signs between them; `%s` alone for seconds since 1970.

    Raises
    ------
    ValueError
        It is not of these, or lacks a year, a month or a day.

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
        pieces: list[_Piece] = [match.groups() for match in _DIRECTIVE.finditer(text)]
        names = [name for name, _, _ in pieces if name is not None]
        self.is_epoch = text == EPOCH_SECONDS
        self.has_clock = self.is_epoch or "H" in names or "I" in names
        self.has_offset = self.is_epoch or "z" in names
        self.is_digits = self.is_epoch or (len(names) == len(pieces) and set(names) <= set("YymdHMS"))
        self.iso = ISO_MOMENT if self.has_offset else ISO_TIME if self.has_clock else ISO_DAY
        self._own = None if self.is_epoch or text in _ISO else re.compile(_pattern(pieces), re.ASCII | re.IGNORECASE)
        plain = self._own is not None and set(names) <= set(_IN_ORDER)
        self._places = [names.index(name) for name in _IN_ORDER if name in names] if plain else None

    def read(self, value: object) -> Milliseconds | None:
        """The time that a text is, in the form or in ISO 8601; None for what is no such time, or no day of a calendar.

        Parameters
        ----------
        value
            A text; a whole number where the form is digits alone.
        """
        if (moment := self.moment(value)) is None:
            return None
        since = moment - _EPOCH
        return since.days * MILLISECONDS_PER_DAY + since.seconds * 1000 + since.microseconds // 1000

    def moment(self, value: object) -> datetime | None:
        """The same without an offset, by the clock of the column."""
        if type(value) is not str:
            return self._of_number(value)
        if len(value) > LONGEST:
            return None
        try:
            if value[4:5] == "-" == value[7:8] and (found := self._of_iso(value)) is not None:
                return found
            return self._of_own(value)
        except (ValueError, OverflowError):  # no such day; before the year 1 in UTC
            return None

    def _of_own(self, value: str) -> datetime | None:
        """A text in the form.

        Raises
        ------
        ValueError, OverflowError
        """
        if self._own is None:
            return _of_seconds(float(value)) if self.is_epoch else None
        if (match := self._own.fullmatch(value)) is None:
            return None
        if self._places is None:
            return _of_match(match.groupdict())
        parts = match.groups()
        return datetime(*[int(parts[place]) for place in self._places])  # type: ignore[arg-type]  # noqa: DTZ001

    def _of_number(self, value: object) -> datetime | None:
        if not self.is_digits or isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if self.is_epoch:
            return _of_seconds(value)
        return self.moment(str(int(value))) if value == value // 1 else None

    def _of_iso(self, value: str) -> datetime | None:
        """A text in ISO 8601 of the years 1 to 9999, whose day and minute are written out.

        Raises
        ------
        ValueError, OverflowError
        """
        if len(value) != 10 and (value[10] not in "T " or value[13:14] != ":" or value[11:13] == "24"):
            return None
        moment = datetime.fromisoformat(value)
        if (offset := moment.utcoffset()) is not None:
            return moment.replace(tzinfo=None) - offset if self.has_offset else None
        if self.has_offset or not (self.has_clock or moment.time() == _MIDNIGHT):
            return None
        return moment

    def write(self, moment: Milliseconds) -> str:
        """A time in ISO 8601, a moment in UTC."""
        found = _EPOCH + timedelta(milliseconds=moment)
        if not self.has_clock:
            return found.date().isoformat()
        written = found.isoformat(timespec="milliseconds" if moment % 1000 else "seconds")
        return f"{written}Z" if self.has_offset else written

    def write_own(self, moment: Milliseconds) -> str:
        """A time as the table writes it."""
        if self.is_epoch:
            return str(moment // 1000)
        found = (_EPOCH + timedelta(milliseconds=moment)).replace(tzinfo=UTC if self.has_offset else None)
        return found.strftime(self.text.replace("%Y", f"{found.year:04d}"))

    def doubt(self, text: str) -> str:
        """Why a text is no such time, for people."""
        if len(text) > LONGEST:
            return "no date is so long"
        match = _ISO_LIKE.fullmatch(text)
        if match is None:
            return "not a date"
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
        if self.is_epoch:
            return f"{written}, or seconds since 1970 such as {example // 1000}"
        return written if self._own is None else f"{written} or '{self.write_own(example)}'"


@cache
def date_form(text: str) -> DateForm:
    """The form that a text is; see `DateForm`."""
    return DateForm(text)


def _of_seconds(seconds: float) -> datetime | None:
    """The time so many seconds after 1970 began."""
    return _EPOCH + seconds * _SECOND if _FIRST_SECOND <= seconds <= _LAST_SECOND else None


def _of_match(found: dict[str, str]) -> datetime:
    """The time of the parts of a text, by their names in a form.

    Raises
    ------
    ValueError, OverflowError
        There is no such day or time.
    """
    year = int(found["Y"]) if "Y" in found else _of_two_digits(int(found["y"]))
    month = _MONTHS.index(found["b"].lower()) + 1 if "b" in found else int(found["m"])
    if "I" in found:
        hour = int(found["I"])
        if not 1 <= hour <= 12:
            raise ValueError("no such hour")
        hour = hour % 12 + (12 if found["p"][0] in "pP" else 0)
    else:
        hour = int(found.get("H", 0))
    fraction = int(found.get("f", "0")[:6].ljust(6, "0"))
    minute, second = int(found.get("M", 0)), int(found.get("S", 0))
    moment = datetime(year, month, int(found["d"]), hour, minute, second, fraction)  # noqa: DTZ001 (its offset is below)
    if "z" in found and (offset := datetime.fromisoformat(f"2000-01-01T00:00{found['z']}").utcoffset()) is not None:
        moment -= offset
    return moment


def _of_two_digits(year: int) -> int:
    return year + (1900 if year >= _PIVOT else 2000)


def _pattern(pieces: list[_Piece]) -> str:
    """The regular expression of a form.

    Raises
    ------
    ValueError
    """
    names = [name for name, _, _ in pieces]
    directives = [name for name in names if name is not None]
    wrong = [name for name in directives if name not in _PARTS or directives.count(name) > 1]
    if wrong or any(sign for _, _, sign in pieces):
        raise ValueError(f"a form has each of {' '.join(f'%{name}' for name in _PARTS)} once at most, or %s alone")
    known = set(directives)
    if len(known & {"Y", "y"}) != 1 or len(known & {"m", "b"}) != 1 or "d" not in known:
        raise ValueError("a form has a year, a month and a day, such as %d.%m.%Y")
    if ("I" in known) != ("p" in known) or {"H", "I"} <= known or ("z" in known and not {"H", "I"} & known):
        raise ValueError("a form has hours as %H, or as %I with %p; an offset belongs to a time")
    if directives.index("d") < directives.index("b" if "b" in known else "m") and names[:2] == ["Y", None]:
        raise ValueError("a form with the year first has the month before the day, as ISO 8601")
    written = []
    for place, (name, literal, _) in enumerate(pieces):
        if name is None:
            written.append(re.escape(literal or ""))
            continue
        beside = (names[place - 1] if place else None, names[place + 1] if place + 1 < len(names) else None)
        fixed = any(other in set("YymdHIMS") for other in beside if other)
        written.append(_PARTS[name].replace(r"\d\d?", r"\d\d") if fixed else _PARTS[name])
    return "".join(written)
