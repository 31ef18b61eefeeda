"""The form in which a table writes its dates, as an expression that finds the parts of one, and their places."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import itemgetter

from skylift.date_layouts import MONTHS, PIVOT, Layout, Moment, moment_of

type Piece = tuple[str, str]
"""A directive, or the text between two; of the other one, nothing."""

OFFSET = r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)"
"""Expression of an offset from UTC."""

_UTC = ("UTC", "GMT")
_SAME = {"A": "a", "B": "b"}
_GERMAN = {"mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12}
_MONTHS = {month: number for number, month in enumerate(MONTHS, start=1)} | _GERMAN
"""Numbers of months by the first three letters of their English and German names."""

_PARTS = {
    "a": r"(?P<a>mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?",
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d\d)",
    "m": r"(?P<m>\d\d?)",
    "b": rf"(?P<b>{'|'.join(_MONTHS)}|mÄr)[a-z]*\.?",
    "d": r"(?P<d>\d\d?)",
    "H": r"(?P<H>\d\d?)",
    "I": r"(?P<I>\d\d?)",
    "M": r"(?P<M>\d\d)",
    "S": r"(?P<S>\d\d)",
    "f": r"(?P<f>\d{1,9})",
    "p": r"(?P<p>[ap]\.?m\.?)",
    "z": rf"(?P<z>{OFFSET}|{'|'.join(_UTC)})",
}
_DIRECTIVE = re.compile(r"%(.)|([^%]+)|(%)", re.DOTALL)

_ORDER = ("Yy", "mb", "d", "HI", "M", "S")
"""Directives of the year, the month and so on to the second."""


class Writing:
    """How a table writes dates.

    Parameters
    ----------
    form
        The form; see `skylift.dates.DateForm`.

    Attributes
    ----------
    names
        Directives of the form, without percent signs.
    layout
        The places of its parts; None where they have none of their own.

    Raises
    ------
    ValueError
        It has other directives, or lacks a year or a month, or a day where it has a time.
    """

    def __init__(self, form: str) -> None:
        pieces = pieces_of(form)
        self.names = names = [name for name, _ in pieces if name]
        self.is_digits = len(names) == len(pieces) and set(names) <= set("YymdHMS")
        self._expression = re.compile(_pattern(pieces), re.ASCII | re.IGNORECASE)
        self.layout = Layout.of(pieces)
        absent = {"d": len(names) + 1}  # the first day of a month; the beginning of an hour
        places = [
            next((names.index(name) for name in part if name in names), absent.get(part, len(names))) for part in _ORDER
        ]
        self._in_order = itemgetter(*places)
        self._plain = set(names) <= set("YmdHMS")

    def read(self, text: str) -> Moment | None:
        """The time that a text is, without its offset; None for a text of another form.

        Its parts are searched for; where they have places, `layout` reads most texts faster.

        Raises
        ------
        ValueError, OverflowError
            There is no such day or time.
        """
        if (match := self._expression.fullmatch(text)) is None:
            return None
        parts = self._in_order((*match.groups(), "0", "1"))
        if self._plain:
            return moment_of(datetime(*map(int, parts)))  # type: ignore[arg-type]  # noqa: DTZ001 (it has no offset)
        year, month, day, hour, minute, second = parts
        names = self.names
        moment = datetime(  # noqa: DTZ001 (its offset is below)
            _of_two_digits(int(year)) if "y" in names else int(year),
            _MONTHS[month.lower()] if "b" in names else int(month),
            int(day),
            _of_half_a_day(int(hour), match["p"]) if "I" in names else int(hour),
            int(minute),
            int(second),
            int(match["f"][:6].ljust(6, "0")) if "f" in names else 0,
        )
        return moment_of(moment - _offset(match["z"]) if "z" in names else moment)

    def looks_like(self, text: str) -> bool:
        """Whether a text is written so, whatever day it names."""
        return self._expression.fullmatch(text) is not None


def pieces_of(form: str) -> list[Piece]:
    """The pieces of a form, names of months and weekdays as short ones, which read the long ones as well.

    A stray percent sign is a directive that nobody knows.
    """
    found = ((match[1] or match[3] or "", match[2] or "") for match in _DIRECTIVE.finditer(form))
    return [(_SAME.get(name, name), literal) for name, literal in found]


def _offset(text: str) -> timedelta:
    """The offset that a text is, in digits or by the name of UTC."""
    digits = "Z" if text.upper() in _UTC else text
    return datetime.fromisoformat(f"2000-01-01T00:00{digits}").utcoffset() or timedelta()


def _of_two_digits(year: int) -> int:
    return year + (1900 if year >= PIVOT else 2000)


def _of_half_a_day(hour: int, half: str) -> int:
    """The hour of a clock of twelve.

    Raises
    ------
    ValueError
    """
    if not 1 <= hour <= 12:
        raise ValueError("no such hour")
    return hour % 12 + (12 if half[0] in "pP" else 0)


def _pattern(pieces: Sequence[Piece]) -> str:
    """The regular expression of a form.

    Raises
    ------
    ValueError
    """
    names = [name for name, _ in pieces]
    directives = [name for name in names if name]
    if any(name not in _PARTS or directives.count(name) > 1 for name in directives):
        every = " ".join(f"%{name}" for name in _PARTS)
        raise ValueError(f"a form has each of {every} once at most, or %s or %Q alone")
    known = set(directives)
    if len(known & {"Y", "y"}) != 1 or len(known & {"m", "b"}) != 1 or ("d" not in known and known & set("aHI")):
        raise ValueError("a form has a year, a month and a day, such as %d.%m.%Y, or no time and no day, as %Y-%m")
    if ("I" in known) != ("p" in known) or {"H", "I"} <= known or ("z" in known and not {"H", "I"} & known):
        raise ValueError("a form has hours as %H, or as %I with %p; an offset belongs to a time")
    order = [name for name in directives if name in {"d", "b", "m"}]
    if order[0] == "d" and names[:2] == ["Y", ""]:
        raise ValueError("a form with the year first has the month before the day, as ISO 8601")
    written = []
    for place, (name, literal) in enumerate(pieces):
        if not name:
            written.append(re.escape(literal))
            continue
        beside = (names[place - 1] if place else None, names[place + 1] if place + 1 < len(names) else None)
        fixed = any(other in set("YymdHIMS") for other in beside if other)
        written.append(_PARTS[name].replace(r"\d\d?", r"\d\d") if fixed else _PARTS[name])
    return "".join(written)
