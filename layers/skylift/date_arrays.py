"""Many dates at once: where the parts of a form have places of their own, by arrays of signs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skylift.date_layouts import MILLISECONDS_PER_DAY, MONTHS, PIVOT, Layout
from skylift.dates import DateForm

type Moments = NDArray[np.float64]
"""Milliseconds as `DateForm.read` gives them, float64 `[n]`; NaN for a missing date."""

_MANY = 32
"""Values that are worth arrays."""
_AT_ONCE = 65_536
_LOWER = ord("a") - ord("A")
_MONTHS = np.array(MONTHS).view(np.uint32).reshape(len(MONTHS), -1)
_RANGES = ((1, 9999), (1, 12), (1, 31), (0, 23), (0, 59), (0, 59))


def times_of(form: DateForm, values: Sequence[object]) -> Moments:
    """The times of many values; NaN for what `DateForm.read` does not read.

    Those in ISO 8601, or with zeros before single digits, take a third of a microsecond, others one or two.
    """
    found = np.full(len(values), np.nan)
    lengths = np.array([len(value) if type(value) is str else -1 for value in values])
    for layout in form.layouts if len(values) >= _MANY else ():
        places = np.flatnonzero((lengths == layout.width) & np.isnan(found))
        for first in range(0, len(places), _AT_ONCE):
            part = places[first : first + _AT_ONCE]
            found[part] = _times(layout, [str(values[place]) for place in part.tolist()])
    for place in np.flatnonzero(np.isnan(found)).tolist():
        if (time := form.read(values[place])) is not None:
            found[place] = time
    return found


def _times(layout: Layout, texts: Sequence[str]) -> Moments:
    """The times of texts of the width of a layout."""
    signs = np.array(texts, dtype=f"U{layout.width}").view(np.uint32).reshape(len(texts), layout.width)
    numbers = _numbers(layout, signs)
    literals = np.array([ord(sign) for sign in layout.signs.values()], dtype=np.uint32)
    valid = (signs[:, [*layout.signs]] == literals).all(axis=1)
    for number, (least, most) in zip(numbers, _RANGES, strict=True):
        valid &= (number >= least) & (number <= most)
    year, month, day, hour, minute, second = numbers
    months = np.where(valid, (year - 1970) * 12 + month - 1, 0)
    starts, ends = (_days(months + more) for more in (0, 1))
    valid &= day <= ends - starts
    seconds = (hour * 60 + minute) * 60 + second
    return np.where(valid, (starts + day - 1) * MILLISECONDS_PER_DAY + seconds * 1000.0, np.nan)


def _days(months: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first days of months since 1970 began."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _numbers(layout: Layout, signs: NDArray[np.uint32]) -> list[NDArray[np.int64]]:
    """Year, month, day, hour, minute and second; -1 for what is not of digits."""
    numbers = [_of_digits(signs[:, place]) for place in layout.parts]
    if layout.short_year:
        year = numbers[0]
        numbers[0] = np.where(year < 0, -1, year + np.where(year >= PIVOT, 1900, 2000))
    if layout.named_month:
        letters = signs[:, layout.parts[1]] | _LOWER
        same = (letters[:, None] == _MONTHS).all(axis=2)
        numbers[1] = np.where(same.any(axis=1), same @ np.arange(1, len(_MONTHS) + 1), -1)
    return numbers + [np.zeros(len(signs), dtype=np.int64)] * (len(_RANGES) - len(numbers))


def _of_digits(signs: NDArray[np.uint32]) -> NDArray[np.int64]:
    digits = signs.astype(np.int64) - ord("0")
    powers = 10 ** np.arange(digits.shape[1])[::-1]
    number: NDArray[np.int64] = np.where(((digits >= 0) & (digits <= 9)).all(axis=1), digits @ powers, -1)
    return number
