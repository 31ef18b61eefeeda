"""Dates whose parts each have their place: a text is cut at these places, where another one is searched for them."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from operator import itemgetter

type Moment = tuple[int, int]
"""The ordinal of a day, 1 for the first of January in the year 1, and the milliseconds of its time."""

MILLISECONDS_PER_DAY = 86_400_000

PIVOT = 69
"""Two digits of a year from here on are of the 20th century, as POSIX has it: 69 is 1969, 68 is 2068."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

DAYS_REMEMBERED = 16_384
"""Days that a form and an encoder remember: those of 45 years."""

_WIDTHS = {"Y": 4, "y": 2, "m": 2, "b": 3, "d": 2, "H": 2, "M": 2, "S": 2}
_NUMBERS = {month: f"{number:02d}" for number, month in enumerate(MONTHS, start=1)}
_SAME = {"y": "Y", "b": "m"}
_CLOCK = {
    name: {f"{number:02d}": number * milliseconds for number in range(end)}
    for name, end, milliseconds in (("H", 24, 3_600_000), ("M", 60, 60_000), ("S", 60, 1_000))
}
"""Milliseconds by the two digits of an hour, a minute and a second."""


class Layout:
    """The places of the parts of a form, in the texts that have a zero before each single digit.

    Parameters
    ----------
    pieces
        Directives, each without its percent sign, and the texts between them.

    Attributes
    ----------
    width
        Length of such a text.
    parts
        Places of the year, the month, the day and so on to the second, as far as it has them.
    signs
        Signs between them, by their place.
    short_year, named_month
        Whether the year has two digits, and the month three letters.

    Examples
    --------
    >>> german = Layout([("d", ""), ("", "."), ("m", ""), ("", "."), ("Y", "")])
    >>> german.moment("31.12.2013"), german.moment("31/12/2013"), german.moment("1.2.2013")
    ((735233, 0), None, None)
    """

    def __init__(self, pieces: Sequence[tuple[str, str]]) -> None:
        places: dict[str, slice] = {}
        signs: dict[int, str] = {}
        end = 0
        for name, literal in pieces:
            start, end = end, end + (_WIDTHS[name] if name else len(literal))
            if name:
                places[_SAME.get(name, name)] = slice(start, end)
            else:
                signs |= zip(range(start, end), literal, strict=True)
        self.width = end
        names = [name for name, _ in pieces]
        self.short_year, self.named_month = "y" in names, "b" in names
        self.parts = [places[name] for name in "YmdHMS" if name in places]
        self.signs = signs
        of_day = self.parts[:3]
        self._day = slice(min(place.start for place in of_day), max(place.stop for place in of_day))
        self._cut = [slice(place.start - self._day.start, place.stop - self._day.start) for place in of_day]
        self._within = {place - self._day.start: sign for place, sign in signs.items() if self._is_of_day(place)}
        beside = {place: sign for place, sign in signs.items() if not self._is_of_day(place)}
        self._beside = itemgetter(*beside) if beside else None
        self._wanted = "".join(beside.values()) if len(beside) == 1 else tuple(beside.values())
        self._clock = [(places[name], table) for name, table in _CLOCK.items() if name in places]
        self._ordinal = lru_cache(DAYS_REMEMBERED)(self._ordinal_of)

    @classmethod
    def of(cls, pieces: Sequence[tuple[str, str]]) -> "Layout | None":
        """The layout of a form; None where its parts have no places of their own."""
        names = [name for name, _ in pieces if name]
        clock = "".join(name for name in "HMS" if name in names)
        if not set(names) <= _WIDTHS.keys() or "d" not in names or not "HMS".startswith(clock):
            return None
        return cls(pieces)

    def moment(self, text: str) -> Moment | None:
        """The time that a text is; None for one with other signs, of another length, or of no such day or time.

        Days repeat, and are remembered; times of day are added up.
        """
        if len(text) != self.width or (self._beside is not None and self._beside(text) != self._wanted):
            return None
        time = 0
        try:
            for place, milliseconds in self._clock:
                time += milliseconds[text[place]]
            return self._ordinal(text[self._day]), time
        except (KeyError, ValueError):
            return None

    def _is_of_day(self, place: int) -> bool:
        return bool(self._day.start <= place < self._day.stop)

    def _ordinal_of(self, text: str) -> int:
        """The ordinal of a day.

        Raises
        ------
        ValueError
            There is no such day, or it is written with other signs.
        """
        if any(text[place] != sign for place, sign in self._within.items()):
            raise ValueError("other signs")
        year, month, day = [text[place] for place in self._cut]
        if self.short_year:
            year = f"{'19' if year >= str(PIVOT) else '20'}{year}"
        if self.named_month:
            month = _NUMBERS.get(month.lower(), month)
        return date.fromisoformat(f"{year}-{month}-{day}").toordinal()


def moment_of(found: datetime) -> Moment:
    """A time without its offset."""
    seconds = (found.hour * 60 + found.minute) * 60 + found.second
    return found.toordinal(), seconds * 1000 + found.microsecond // 1000
