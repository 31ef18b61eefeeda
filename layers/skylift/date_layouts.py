"""Dates whose parts each have their place: a text is cut at these places, where another one is searched for them."""

from collections.abc import Sequence
from operator import itemgetter

MILLISECONDS_PER_DAY = 86_400_000

PIVOT = 69
"""Two digits of a year from here on are of the 20th century, as POSIX has it: 69 is 1969, 68 is 2068."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_WIDTHS = {"Y": 4, "y": 2, "m": 2, "b": 3, "d": 2, "H": 2, "M": 2, "S": 2}
_NUMBERS = {month: f"{number:02d}" for number, month in enumerate(MONTHS, start=1)}
_SAME = {"y": "Y", "b": "m"}
_ISO_8601 = ("%s-%s-%s", "%s-%s-%sT%s", "%s-%s-%sT%s:%s", "%s-%s-%sT%s:%s:%s")
_MIDNIGHT_AFTER = "24"


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
    >>> german.iso("31.12.2013"), german.iso("31/12/2013"), german.iso("1.2.2013")
    ('2013-12-31', None, None)
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
        self._cut = itemgetter(*self.parts)
        self._hour = places.get("H")
        self._iso = _ISO_8601[len(self.parts) - 3]
        self._marks = itemgetter(*signs) if signs else None
        self._wanted = "".join(signs.values()) if len(signs) == 1 else tuple(signs.values())

    @classmethod
    def of(cls, pieces: Sequence[tuple[str, str]]) -> "Layout | None":
        """The layout of a form; None where its parts have no places of their own."""
        names = [name for name, _ in pieces if name]
        clock = "".join(name for name in "HMS" if name in names)
        if not set(names) <= _WIDTHS.keys() or "d" not in names or not "HMS".startswith(clock):
            return None
        return cls(pieces)

    def iso(self, text: str) -> str | None:
        """The same date in ISO 8601, its digits unchecked; None for a text with other signs, or of another length."""
        if len(text) != self.width or (self._marks is not None and self._marks(text) != self._wanted):
            return None
        parts: tuple[str, ...] = self._cut(text)
        if self._hour is not None and parts[3] == _MIDNIGHT_AFTER:
            return None
        if self.short_year:
            parts = (f"{'19' if parts[0] >= str(PIVOT) else '20'}{parts[0]}", *parts[1:])
        if self.named_month:
            parts = (parts[0], _NUMBERS.get(parts[1].lower(), parts[1]), *parts[2:])
        return self._iso % parts
