"""Tells by a whole column what its signs are: dots and commas, units. Its parts, and a sample of it, do not matter."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from skylift.errors import DataError
from skylift.figures import exact_text
from skylift.numerals import (
    UP_TO_THREE_DIGITS,
    Numerals,
    hours_of,
    is_word,
    minus_in_front,
    number_and_unit,
    plural,
    without_scale,
)
from training.data.numerals import Family

_BLANKS = "'\u2019 \u00a0\u202f"
_CLOCK, _MINUS, _SCALE = "clock", "minus", "scale"
_WITHOUT_HOURS = re.compile(r"[0-9]++\s?[ms]", re.IGNORECASE)
_MARKS = frozenset(f".,{_BLANKS}")
_GROUPED = {mark: re.compile(rf"[+-]?[1-9][0-9]{{0,2}}(?:\{mark}[0-9]{{3}})+") for mark in ".,"}
_MANY = 20
_LONGEST_INTEGER = 18
_LEAST_WITH_A_WORD = 5
"""Distinct numbers from which a word behind each is a unit: 2WD and 4WD are names."""


@dataclass(slots=True)
class Dots:
    """Whether dots of a column of plain numbers may group thousands, as `1.015` beside `171`.

    Parameters
    ----------
    certain
        Whether a number rules thousands out.
    grouped, ungrouped
        Numbers with a dot and without one, those that decide and few others.
    """

    certain: bool = False
    grouped: set[str] = field(default_factory=set)
    ungrouped: set[str] = field(default_factory=set)

    def add(self, texts: Iterable[str]) -> None:
        """Take the distinct cells of a part."""
        for text in texts:
            grouped = bool(_GROUPED["."].fullmatch(text))
            self.certain |= "." in text and not grouped
            if self.certain:
                return
            if grouped:
                _keep(self.grouped, text)
            elif len(self.ungrouped) < _MANY or not UP_TO_THREE_DIGITS.fullmatch(text):
                self.ungrouped.add(text)

    @property
    def verdict(self) -> Literal["decimal", "thousands", "either", "none"]:
        """What the dots are; `none` if the column has none."""
        if self.certain:
            return "decimal"
        if self.grouped and not all(map(UP_TO_THREE_DIGITS.fullmatch, self.ungrouped)):
            return "decimal"  # 1500 beside 1.015
        return _verdict(self.grouped, ungrouped=bool(self.ungrouped))


def _keep(grouped: set[str], text: str) -> None:
    """Keep a number among a few that stand for all: what `_verdict` looks for is among them."""
    zero = text.endswith("0") and not any(kept.endswith("0") for kept in grouped)
    several = _is_several(text) and not any(map(_is_several, grouped))
    if len(grouped) < _MANY or zero or several:
        grouped.add(text)


def _is_several(text: str) -> bool:
    return text.count(".") + text.count(",") > 1


def _verdict(grouped: set[str], *, ungrouped: bool) -> Literal["thousands", "either", "none"]:
    """Groups of three digits behind a sign: a fraction of three digits each, or thousands.

    Where other numbers have no sign, the digits are not of a fixed number; then a last digit of 0, or very many
    numbers with exactly three, rule fractions out.
    """
    if not grouped:
        return "none"
    mixed = ungrouped and (len(grouped) >= _MANY or any(text.endswith("0") for text in grouped))
    return "thousands" if mixed or any(map(_is_several, grouped)) else "either"


@dataclass(slots=True)
class Signs:
    """How a column of texts may write numbers.

    Parameters
    ----------
    decimals
        Decimal signs that all texts fit; none if they are texts.
    units
        Units beside the numbers, empty for none.
    first
        The least text with each mark, and with a unit.
    grouped
        Numbers with a comma, and with a dot: those that decide and few others.
    ungrouped
        Commas and dots that some number does without.
    longest
        Number of characters of the longest number.
    distinct
        Some of the numbers.
    clock, has_hours
        Whether all texts are times of day or durations, and one is more than minutes or seconds: 5m may be a length.
    unbracketed
        Whether a text is not in brackets: those of others are negative numbers, and of all of them nothing.
    certainly_scaled
        Whether a letter of thousands is behind a fraction, or a number with a unit: 12B may be a house.
    """

    decimals: frozenset[str] = frozenset(".,")
    units: set[str] = field(default_factory=set)
    first: dict[str, str] = field(default_factory=dict)
    grouped: dict[str, set[str]] = field(default_factory=lambda: {",": set(), ".": set()})
    ungrouped: set[str] = field(default_factory=set)
    longest: int = 0
    distinct: set[str] = field(default_factory=set)
    clock: bool = True
    has_hours: bool = False
    unbracketed: bool = False
    certainly_scaled: bool = False

    def add(self, texts: Iterable[str]) -> None:
        """Take distinct cells, words for missing left out."""
        for text in texts:
            if not self.decimals and not self.clock:
                return
            self.clock = self.clock and hours_of(text) is not None
            self.has_hours |= not _WITHOUT_HOURS.fullmatch(text)
            if self.clock:
                self.first[_CLOCK] = min(text, self.first.get(_CLOCK, text))
            if not self.decimals:
                continue
            negative = minus_in_front(text)
            unscaled, zeros = without_scale(negative)
            number, unit = number_and_unit(unscaled) or ("", "")
            self.units.add(unit)
            self.unbracketed |= not text.startswith("(")
            self.certainly_scaled |= bool(zeros and (unit or "." in number or "," in number))
            marks = _MARKS.intersection(number)
            fitting = (sign for sign in self.decimals if _fits(number, sign, marks))
            self.decimals = frozenset(fitting) if self.unit is not None else frozenset()
            if len(self.distinct) < _LEAST_WITH_A_WORD:
                self.distinct.add(number)
            special = {_MINUS if negative != text else "", _SCALE if zeros else ""}
            for key in (marks | {unit} | special) - {""}:
                self.first[key] = min(text, self.first.get(key, text))
            for mark, grouped in self.grouped.items():
                if mark in marks:
                    _keep(grouped, number)
                else:
                    self.ungrouped.add(mark)
            self.longest = max(self.longest, len(number))

    @property
    def unit(self) -> str | None:
        """The unit beside all numbers, empty for none; None for several."""
        first = min(self.units, key=len, default="")
        return first if self.units <= {first, plural(first)} else None

    def numerals(self, *, delimiter: str, decimal: str | None) -> Numerals | None:
        """The way that the column writes numbers; None where it does not, or writes them plainly.

        Parameters
        ----------
        delimiter
            Delimiter of the file.
        decimal
            Decimal sign that other columns of the file certainly use; None if unknown.

        Raises
        ------
        DataError
            A sign may be either of two.

        Examples
        --------
        >>> signs = Signs()
        >>> signs.add({"$1,119", "$80"})
        >>> found = signs.numerals(delimiter=",", decimal=None)
        >>> found.decimal, found.thousands, found.unit
        ('.', ',', '$')
        """
        if self.clock and self.has_hours and not self.decimals and _CLOCK in self.first:
            return Numerals(clock=True)
        if is_word(self.unit or "") and len(self.distinct) < _LEAST_WITH_A_WORD:
            return None
        minuses, scaled = _MINUS in self.first, _SCALE in self.first
        if (minuses and not self.unbracketed) or (scaled and not self._is_scaled):
            return None
        marks = _MARKS.intersection(self.first)
        decimals = {sign for sign in self.decimals if len(marks - {sign}) < 2}
        if not decimals:
            return None
        sign = next(iter(decimals)) if len(decimals) == 1 else self._decimal(marks, delimiter, decimal)
        found = Numerals(sign, "".join(marks - {sign}), self.unit or "", minuses=minuses, scaled=scaled)
        return None if found == Numerals() else found

    @property
    def _is_scaled(self) -> bool:
        """Whether letters behind numbers can only be their thousands and millions."""
        return self.certainly_scaled and len(self.distinct) >= _LEAST_WITH_A_WORD

    def _decimal(self, marks: frozenset[str], delimiter: str, decimal: str | None) -> str:
        """One of two decimal signs that fit: groups of three behind one and the same sign, or none."""
        mark = "," if "," in marks else "."
        grouped = self.grouped[mark]
        if not grouped:
            return "."
        if decimal is not None:
            return decimal
        if _verdict(grouped, ungrouped=mark in self.ungrouped) == "thousands" or mark == delimiter == ",":
            return "." if mark == "," else ","
        if mark == "." and delimiter != ";":
            return "."
        first = self.first[mark]
        raise DataError(
            f"{first!r} may have a fraction or be {first.replace(mark, '')}",
            f"write data.decimal: '{mark}' or data.thousands: '{mark}' in model.yaml",
        )

    def family(self, numerals: Numerals) -> Family:
        """Whether the numbers are whole."""
        if numerals.clock or numerals.scaled:
            return "number"
        return "number" if numerals.decimal in self.first or self.longest > _LONGEST_INTEGER else "integer"

    def described(self, numerals: Numerals) -> str:
        """What the texts are, with an example, for a note."""
        if numerals.clock:
            return f"times, which are read as hours: {self.first[_CLOCK]!r} is {numerals.plain(self.first[_CLOCK])}"
        special = {
            "," if numerals.decimal == "," else "": "',' before the fraction",
            numerals.thousands: f"{numerals.thousands!r} between thousands",
            numerals.unit: f"{numerals.unit!r} beside each",
            _MINUS if numerals.minuses else "": "another minus than '-' in front",
            _SCALE if numerals.scaled else "": "letters for thousands and millions",
        }
        named = {key: words for key, words in special.items() if key in self.first}
        first = min(self.first[key] for key in named.keys() & {_MINUS, _SCALE} or named)
        plain = exact_text(float(numerals.plain(first))) if numerals.scaled else numerals.plain(first)
        return f"numbers with {' and '.join(named.values())}: {first!r} is {plain}"


def _fits(number: str, sign: str, marks: frozenset[str]) -> bool:
    """Whether a decimal sign fits a number, whatever groups its thousands."""
    others = marks - {sign}
    return len(others) < 2 and Numerals(sign, "".join(others)).fits(number)
