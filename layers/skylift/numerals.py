"""Numbers as texts: as Python writes them, and as tables do, with other signs, groups of thousands, and units."""

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

UNITS = "%$€£¥"
"""Signs that may stand beside a number."""

WITH_UNIT = re.compile(rf"([+-]?)([{UNITS}]?)\s?((?:[.,' \u00a0\u202f\u2019+-]*+[0-9]++)++)\s?([{UNITS}]?)")
"""A number in any form: sign, unit in front, digits with their marks, unit behind."""

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
        Sign before or after each number; empty for none.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""

    def plain(self, text: str) -> str:
        """A cell as Python writes the number; a cell that is not such a number as it was.

        Examples
        --------
        >>> Numerals(",", ".").plain("1.234,5"), Numerals(",", ".").plain("12.5"), Numerals(unit="%").plain("61%")
        ('1234.5', '12.5', '61')
        """
        return number if (number := self._number(text)) is not None else text

    def fits(self, text: str) -> bool:
        """Whether a cell is such a number."""
        return self._number(text) is not None

    def _number(self, text: str) -> str | None:
        if self.unit:
            match = WITH_UNIT.fullmatch(text)
            if not match or (match[2] + match[4]) != self.unit:
                return None
            text = match[1] + match[3]
        whole, mark, fraction = text.partition(self.decimal)
        if self.thousands and self.thousands in whole:
            first, *groups = whole.split(self.thousands)
            if not UP_TO_THREE_DIGITS.fullmatch(first) or not all(
                len(group) == 3 and group.isdigit() for group in groups
            ):
                return None
            whole = first + "".join(groups)
        if self.decimal != "." and "." in whole + fraction:
            return None
        number = f"{whole}.{fraction}" if mark else whole
        return number if NUMBER.fullmatch(number) else None


def is_number(text: str) -> bool:
    """Whether a cell is a number as Python and JSON write it, leading zeros apart."""
    return bool(LIKE_NUMBER.fullmatch(text))
