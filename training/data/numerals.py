"""Tells numbers, booleans and texts apart, and what only looks like a number."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from skylift.cells import LONGEST_WORD, may_be_missing
from skylift.numerals import LIKE_NUMBER, ZERO_LED

type Family = Literal["boolean", "integer", "number", "text"]
"""What the cells of a column are, whatever their type in pandas."""

_DIGITS = re.compile(r"[+-]?[0-9]+")
_BOOLEAN = re.compile(r"true|false", re.IGNORECASE)
_EXACT_DIGITS = 15
_LARGEST_INTEGER = 2**63 - 1


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
    reasons = []
    if led := min(filter(ZERO_LED.fullmatch, texts), default=None):
        reasons.append(f"{led!r} has leading zeros")
    long = (text for text in texts if len(text) > _EXACT_DIGITS and _DIGITS.fullmatch(text))
    if inexact := min((text for text in long if not _is_exact(text)), default=None):
        reasons.append(f"{inexact!r} has more digits than a number holds exactly")
    return min(reasons, default=None)  # of the least text, so that the parts of a column do not matter


def _is_exact(digits: str) -> bool:
    """Whether a double holds an integer exactly."""
    number = float(digits)
    return math.isfinite(number) and int(number) == int(digits)
