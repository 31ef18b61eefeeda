"""Numbers as texts: as Python writes them, and as tables do, with other signs, thousands, units, or as clocks."""

import re
from dataclasses import dataclass

NUMBER = re.compile(
    r"[+-]?(?:(?:0|[1-9][0-9]*+)(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
    r"|[+-]?[iI][nN][fF](?:[iI][nN][iI][tT][yY])?"
)
"""A number without leading zeros, which could be part of a name.

Here and below, digits are never given back (`++`): a text of a request may hold millions of them before the sign that
makes it none.
"""

ZERO_LED = re.compile(r"[+-]?0[0-9]++(?:\.[0-9]*+)?")
"""Digits with leading zeros."""

LIKE_NUMBER = re.compile(f"(?:{NUMBER.pattern})|(?:{ZERO_LED.pattern})")
"""What Python reads as a number."""

_SIGNS = "%$€£¥₹₽₩₺₫₪₴₦₱฿"
_CURRENCIES = (
    *("EUR", "USD", "GBP", "CHF", "JPY", "CNY", "INR", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF"),
    *("RUB", "TRY", "BRL", "MXN", "ZAR", "SGD", "HKD", "KRW", "THB", "IDR", "MYR", "PHP", "VND", "ILS", "AED", "SAR"),
    *(r"US\$", r"Rs\.?"),
)
_WORD = r"[A-Za-zµμΩ°][A-Za-z0-9µμΩ°²³/.*^-]{0,11}"  # kg, m2, km/h, µg/m³

_DIGITS = r"(?:[.,' \u00a0\u202f\u2019+-]*+[0-9]++)++"

_MONEY = rf"[{_SIGNS}]|{'|'.join(_CURRENCIES)}"

WITH_UNIT = re.compile(rf"([+-]?)({_MONEY})?\s?({_DIGITS})\s?([{_SIGNS}]|{_WORD})?")
"""A number in any form: sign, unit in front, digits with their marks, unit behind."""

_TIMES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:(-?[0-9]{1,6}) days?,? \+?)?([0-9]{1,4}):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]{1,9})?))?",
        r"P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6}(?:\.[0-9]{1,9})?)S)?)?",
        (
            r"(?:([0-9]{1,6})\s?d(?:ays?)?,?\s?)?(?:([0-9]{1,6})\s?h(?:rs?|ours?)?,?\s?)?"
            r"(?:([0-9]{1,6})\s?m(?:ins?|inutes?)?,?\s?)?(?:([0-9]{1,6})\s?s(?:ecs?|econds?)?)?"
        ),
    )
)
_HALF_A_DAY = re.compile(r"([0-9]{1,2}):([0-5][0-9])(?::([0-5][0-9]))?\s?([ap])\.?m\.?", re.IGNORECASE)
_LONGEST_TIME = 40
_HOURS = (24.0, 1.0, 1 / 60, 1 / 3600)

_MINUSES = ("\u2212", "\u2013")
_ZEROS = {"k": 3, "K": 3, "M": 6, "B": 9}

UP_TO_THREE_DIGITS = re.compile(r"[+-]?[0-9]{1,3}")
"""Digits in front of the first group of thousands."""


@dataclass(frozen=True, slots=True)
class Numerals:
    """A way to write numbers.

    Parameters
    ----------
    decimal
        Sign before the fraction.
    thousands
        Sign between groups of thousands; empty for none.
    unit
        Sign or word before or after each number; empty for none. A word may have an `s` behind it.
    clock
        Whether numbers are hours, written as times of day or durations: `14:30`, `1 days 02:00:00`, `2h 30m`, `PT90M`.
    minuses
        Whether negative numbers may have another sign than a hyphen in front; see `minus_in_front`.
    scaled
        Whether letters behind digits count thousands, millions and billions; see `without_scale`.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    clock: bool = False
    minuses: bool = False
    scaled: bool = False

    @property
    def words(self) -> str:
        """The unit of the numbers; empty for none."""
        return "hours" if self.clock else self.unit

    def plain(self, text: str) -> str:
        """A cell as Python writes the number; a cell that is not such a number as it was.

        Examples
        --------
        >>> Numerals(",", ".").plain("1.234,5"), Numerals(",", ".").plain("12.5"), Numerals(unit="%").plain("61%")
        ('1234.5', '12.5', '61')
        >>> Numerals(unit="year").plain("2 years"), Numerals(clock=True).plain("14:30")
        ('2', '14.5')
        >>> Numerals(minuses=True).plain("(5.1)"), Numerals(unit="$", scaled=True).plain("$8.7M")
        ('-5.1', '8.7e6')
        """
        return number if (number := self._number(text)) is not None else text

    def fits(self, text: str) -> bool:
        """Whether a cell is such a number."""
        return self._number(text) is not None

    def _number(self, text: str) -> str | None:
        if self.clock:
            return None if (hours := hours_of(text)) is None else repr(hours)
        if self.minuses:
            text = minus_in_front(text)
        zeros = 0
        if self.scaled:
            text, zeros = without_scale(text)
        if self.unit:
            number, unit = number_and_unit(text) or ("", "")
            if unit not in {self.unit, plural(self.unit)}:
                return None
            text = number
        whole, mark, fraction = text.partition(self.decimal)
        if self.thousands and self.thousands in whole:
            first, *groups, last = whole.split(self.thousands)
            sizes = {len(group) for group in groups}
            grouped = sizes <= {3} or (sizes == {2} and len(first.lstrip("+-")) <= 2)  # 12,34,567 in India
            if not UP_TO_THREE_DIGITS.fullmatch(first) or not grouped or len(last) != 3:
                return None
            whole = first + "".join([*groups, last])
        if self.decimal != "." and "." in whole + fraction:
            return None
        number = f"{whole}.{fraction}" if mark else whole
        if not NUMBER.fullmatch(number):
            return None
        return f"{number}e{zeros}" if zeros else number


def minus_in_front(text: str) -> str:
    """A negative number with a hyphen in front, as Python writes it; any other text as it was.

    In tables of accounts it is in brackets, or has its sign behind a fraction; elsewhere a true minus, or a dash.

    Examples
    --------
    >>> minus_in_front("(4,168)"), minus_in_front("4.50-"), minus_in_front("\u22127"), minus_in_front("2-")
    ('-4,168', '-4.50', '-7', '2-')
    """
    if text.startswith(_MINUSES):
        return f"-{text[1:].lstrip()}"
    if text.startswith("(") and text.endswith(")"):
        return f"-{text[1:-1]}"
    if text.endswith("-") and ("." in text or "," in text):
        return f"-{text[:-1]}"
    return text


def without_scale(text: str) -> tuple[str, int]:
    """A number without the letter of its thousands, millions or billions, and how many zeros that stands for.

    Examples
    --------
    >>> without_scale("201k"), without_scale("$8.7M"), without_scale("12 K")
    (('201', 3), ('$8.7', 6), ('12 K', 0))
    """
    zeros = _ZEROS.get(text[-1:], 0)
    return (text[:-1], zeros) if zeros and text[-2:-1].isdigit() else (text, 0)


def number_and_unit(text: str) -> tuple[str, str] | None:
    """The digits of a number with their signs, and the one unit beside them; None for anything else.

    Examples
    --------
    >>> number_and_unit("-$1,119"), number_and_unit("12 kg"), number_and_unit("7"), number_and_unit("$7%")
    (('-1,119', '$'), ('12', 'kg'), ('7', ''), None)
    """
    match = WITH_UNIT.fullmatch(text)
    if match is None or (match[2] and match[4]):
        return None
    if match[4] and match[4].isalpha() and len(match[4]) == 1 and not text[match.start(4) - 1].isspace():
        return None  # 12a is a house or a class
    return match[1] + match[3], match[2] or match[4] or ""


def is_number_in_any_form(text: str) -> bool:
    """Whether a cell can be a number, a time of day or a duration, whatever the others of its column are."""
    unscaled, _ = without_scale(minus_in_front(text))
    return number_and_unit(unscaled) is not None or hours_of(text) is not None


def is_word(unit: str) -> bool:
    """Whether a unit is a word, which names may have behind a digit as well: 4WD."""
    return bool(unit) and not re.fullmatch(_MONEY, unit)


def plural(unit: str) -> str:
    """A unit as it is written beside another number than 1."""
    return f"{unit}s" if unit[-1:].isalpha() else unit


def hours_of(text: str) -> float | None:
    """The hours of a time of day or a duration; None for anything else.

    Examples
    --------
    >>> hours_of("14:30"), hours_of("1 days 02:00:00"), hours_of("2h 30m"), hours_of("PT90M"), hours_of("14:70")
    (14.5, 26.0, 2.5, 1.5, None)
    """
    if len(text) > _LONGEST_TIME:
        return None
    if match := _HALF_A_DAY.fullmatch(text):
        hour, minute, second = (int(part or 0) for part in match.groups()[:3])
        later = 12 if match[4] in "pP" else 0
        return hour % 12 + later + minute / 60 + second / 3600 if 1 <= hour <= 12 else None
    for pattern in _TIMES:
        if (match := pattern.fullmatch(text)) and any(match.groups()):
            return sum(float(part or 0) * hours for part, hours in zip(match.groups(), _HOURS, strict=True))
    return None


def is_number(text: str) -> bool:
    """Whether a cell is a number as Python and JSON write it, leading zeros apart."""
    return bool(LIKE_NUMBER.fullmatch(text))
