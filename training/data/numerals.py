"""How numbers are written in a table: decimal signs, groups of thousands, units, and what only looks like a number."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from skylift.cells import LONGEST_WORD, may_be_missing
from skylift.errors import DataError
from skylift.numerals import LIKE_NUMBER, UP_TO_THREE_DIGITS, WITH_UNIT, ZERO_LED, Numerals

type Family = Literal["boolean", "integer", "number", "text"]
"""What the cells of a column are, whatever their type in pandas."""

_DIGITS = re.compile(r"[+-]?[0-9]+")
_BOOLEAN = re.compile(r"true|false", re.IGNORECASE)
_EXACT_DIGITS = 15
_LARGEST_INTEGER = 2**63 - 1

_BLANKS = "'\u2019 \u00a0\u202f"
_GROUPED = {mark: re.compile(rf"[+-]?[1-9][0-9]{{0,2}}(?:\{mark}[0-9]{{3}})+") for mark in ".,"}
_MANY = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """What the distinct cells of a column, or of a part of it, are.

    Parameters
    ----------
    family
        Family of the cells other than words for missing; None if all are words.
    words
        Words for missing among them.
    reason
        Why cells that look like numbers are texts; None if they do not, or are numbers.
    """

    family: Family | None
    words: frozenset[str]
    reason: str | None = None


def read_texts(texts: Sequence[str], *, lenient: bool = False) -> Reading:
    """Tell numbers, booleans and texts apart.

    Parameters
    ----------
    texts
        Distinct cleaned cells without missing ones.
    lenient
        Whether leading zeros and any number of digits are numbers: a kind was declared.

    Examples
    --------
    >>> read_texts(["1", "?"]).family, read_texts(["01", "1"]).reason
    ('integer', "'01' has leading zeros")
    """
    words = frozenset(text for text in texts if len(text) <= LONGEST_WORD and may_be_missing(text))
    rest = [text for text in texts if text not in words] if words else texts
    if not rest:
        return Reading(None, words)
    if not lenient and all(map(_BOOLEAN.fullmatch, rest)):
        return Reading("boolean", words)
    numbers = all(map(LIKE_NUMBER.fullmatch, rest))
    reason = _not_a_number(rest) if numbers and not lenient else None
    if numbers and reason is None:
        return Reading("integer" if _are_integers(rest) else "number", words)
    return Reading("text", words, reason)


def _are_integers(texts: Sequence[str]) -> bool:
    return all(map(_DIGITS.fullmatch, texts)) and all(
        len(text) <= _EXACT_DIGITS or abs(int(text)) <= _LARGEST_INTEGER for text in texts
    )


def _not_a_number(texts: Sequence[str]) -> str | None:
    """Why texts that all look like numbers are none; None for numbers."""
    if led := next(filter(ZERO_LED.fullmatch, texts), None):
        return f"{led!r} has leading zeros"
    long = (text for text in texts if len(text) > _EXACT_DIGITS and _DIGITS.fullmatch(text))
    if inexact := next((text for text in long if int(float(text)) != int(text)), None):
        return f"{inexact!r} has more digits than a number holds exactly"
    return None


@dataclass(slots=True)
class Dots:
    """Whether dots of a column of plain numbers may group thousands, as `1.015` beside `171`.

    Parameters
    ----------
    certain
        Whether a number rules thousands out.
    grouped, ungrouped
        Numbers with a dot and without one, at most 20 of each.
    """

    certain: bool = False
    grouped: set[str] = field(default_factory=set)
    ungrouped: set[str] = field(default_factory=set)

    def add(self, texts: Sequence[str]) -> None:
        """Take the distinct cells of a part."""
        for text in texts:
            grouped = bool(_GROUPED["."].fullmatch(text))
            self.certain |= "." in text and not grouped
            if self.certain:
                return
            side = self.grouped if grouped else self.ungrouped
            if len(side) < _MANY or not UP_TO_THREE_DIGITS.fullmatch(text):
                side.add(text)

    @property
    def verdict(self) -> Literal["decimal", "thousands", "either", "none"]:
        """What the dots are; `none` if the column has none."""
        if self.certain:
            return "decimal"
        if self.grouped and not all(map(UP_TO_THREE_DIGITS.fullmatch, self.ungrouped)):
            return "decimal"  # 1500 beside 1.015
        return _verdict(self.grouped, self.ungrouped)


def _verdict(grouped: Collection[str], ungrouped: Collection[str]) -> Literal["thousands", "either", "none"]:
    """Groups of three digits behind a sign: a fraction of three digits each, or thousands.

    Where other numbers have no sign, the digits are not of a fixed number; then a last digit of 0, or very many
    numbers with exactly three, rule fractions out.
    """
    if not grouped:
        return "none"
    mixed = bool(ungrouped) and (len(grouped) >= _MANY or any(text.endswith("0") for text in grouped))
    several = any(text.count(".") + text.count(",") > 1 for text in grouped)
    return "thousands" if mixed or several else "either"


def guess_numerals(texts: Collection[str], *, delimiter: str, decimal: str | None) -> Numerals | None:
    """How a column of texts writes numbers; None where it does not.

    Parameters
    ----------
    texts
        Distinct cells of the column, words for missing left out.
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
    >>> guess_numerals({"$1,119", "$80"}, delimiter=",", decimal=None)
    Numerals(decimal='.', thousands=',', unit='$')
    """
    matches = [WITH_UNIT.fullmatch(text) for text in texts]
    units = {match[2] + match[4] if match else "x" for match in matches}
    if len(units) != 1 or (unit := units.pop()) == "x" or len(unit) > 1:
        return None
    cores = {match[1] + match[3] for match in matches if match}
    marks = {mark for core in cores for mark in core if mark in f".,{_BLANKS}"}
    blank = next((mark for mark in _BLANKS if mark in marks), "")
    if not marks:
        return Numerals(unit=unit) if unit and Numerals().fits(cores) else None
    readings = [
        Numerals(point, thousands)
        for point, thousands in ((".", ","), (",", "."), (".", blank), (",", blank))
        if marks <= {point, thousands} and (point in marks or thousands in marks)
    ]
    readings = [reading for reading in readings if reading.fits(cores)]
    if not readings:
        return None
    chosen = readings[0] if len(readings) == 1 else _chosen(readings, cores, delimiter, decimal)
    return Numerals(chosen.decimal, chosen.thousands if chosen.thousands in marks else "", unit)


def _chosen(readings: list[Numerals], cores: set[str], delimiter: str, decimal: str | None) -> Numerals:
    """One of several readings that fit: groups of three behind one and the same sign."""
    by_point = {reading.decimal: reading for reading in reversed(readings)}
    if len(by_point) == 1:
        return readings[0]
    mark = "," if any("," in core for core in cores) else "."
    other = "." if mark == "," else ","
    if decimal in by_point:
        return by_point[decimal]
    grouped = {core for core in cores if mark in core}
    if _verdict(grouped, cores - grouped) == "thousands" or (mark == "," and delimiter == ","):
        return by_point[other]
    if mark == "." and delimiter != ";":
        return by_point["."]
    first = min(grouped)
    raise DataError(
        f"{first!r} may have a fraction or be {first.replace(mark, '')}",
        f"write data.decimal: '{mark}' or data.thousands: '{mark}' in model.yaml",
    )
