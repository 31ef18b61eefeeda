"""Recognises columns of dates, and reads them."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from skylift.cells import may_be_missing
from skylift.date_arrays import Moments, times_of
from skylift.date_encoding import PARTS, part_of
from skylift.date_layouts import MILLISECONDS_PER_DAY
from skylift.dates import EPOCH, ISO_DAY, ISO_MOMENT, ISO_TIME, DateForm, DatePart, date_form
from skylift.feature import Feature

_ISO = (ISO_DAY, ISO_TIME, ISO_MOMENT)
_MONTHS = ("%Y-%m", "%m-%Y", "%m/%Y", "%Y/%m", "%m.%Y", "%b %Y", "%b-%Y")
_DAYS = (
    *("%d.%m.%Y", "%m.%d.%Y", "%Y.%m.%d", "%d.%m.%y", "%m.%d.%y", "%y.%m.%d"),
    *("%d-%m-%Y", "%m-%d-%Y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d"),
    *("%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d/%m/%y", "%m/%d/%y", "%y/%m/%d"),
    *("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d. %b %Y", "%b %d, %Y", "%b %d %Y", "%a, %d %b %Y", "%a, %b %d, %Y"),
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %H:%M %z", " %H:%M:%S %z")
_OF_UTC = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S.%f %z", "%Y-%m-%d %H:%M %z")  # ISO 8601 but for the blank
_OF_LOGS = ("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y", "%d/%b/%Y:%H:%M:%S %z")
FORMS = (*_ISO, *(f"{day}{clock}" for day, clock in product(_DAYS, _CLOCKS)), *_OF_UTC, *_OF_LOGS, *_MONTHS)
"""Forms that are recognised; others, and digits alone, are read where `model.yaml` names them."""

MOSTLY = 0.9
"""Share of the cells from which the others are odd ones."""

_LIKELY_YEARS = re.compile(r".*(1[89]|20|21)\d\d.*", re.ASCII)
_TWO_DIGITS = re.compile(r"\d\d\D\d\d\D\d\d", re.ASCII)
_GLANCE = 50
_FAR_AHEAD = date(2040, 1, 1)
"""A day that few tables know, but births of 1940 written with two digits: these are of 1969 to 2068."""

_TRACES = {"year_sin": "month", "year_cos": "month", "week_sin": "weekday", "week_cos": "weekday"}
_OF_HOURS = {"day_sin": "hour", "day_cos": "hour"}


@dataclass(frozen=True, slots=True)
class ColumnOfDates:
    """The dates of a column.

    Parameters
    ----------
    form
        How it writes them.
    times
        Milliseconds of the rows, `[n]`; NaN for a missing date.
    others
        Other forms that read all of them as well, with day and month exchanged.
    """

    form: DateForm
    times: Moments
    others: tuple[DateForm, ...] = ()


@dataclass(frozen=True, slots=True)
class Texts:
    """The distinct texts of a column, words for missing among them.

    Parameters
    ----------
    codes
        Place of each cell's text, `[n]`; -1 for a missing one.
    distinct
        The texts.
    """

    codes: "np.ndarray[Any, np.dtype[np.intp]]"
    distinct: tuple[str, ...]

    @classmethod
    def of(cls, column: "pd.Series[Any]") -> "Texts":
        """The texts of a column."""
        codes, distinct = pd.factorize(column.astype(object))
        return cls(codes, tuple(map(str, distinct)))

    @property
    def known(self) -> list[str]:
        """Texts that do not stand for a missing value."""
        return [text for text in self.distinct if not may_be_missing(text)]

    def read(self, form: DateForm) -> Moments:
        """The times of the cells; NaN for one that is missing, or no date of the form."""
        times = times_of(form, self.distinct)
        chosen: Moments = np.append(times, math.nan)[self.codes]
        return chosen


def forms_of(texts: Sequence[str]) -> list[DateForm]:
    """Recognised forms that read all of some texts: the first of ISO 8601, else all that do.

    With dots the day comes first where it can: no country writes the month before it (CLDR).
    """
    if not texts:
        return []
    glance = texts[:: max(1, len(texts) // _GLANCE)]
    near = [form for form in map(date_form, FORMS) if all(_looks(form, text) for text in glance)]
    found = [form for form in near if not np.isnan(times_of(form, texts)).any()]
    dotted = [form for form in found if form.text.startswith(("%d.%m.%Y", "%d.%m.%y"))]
    return [form for form in found if form.text in _ISO][:1] or [
        form for form in found if not (dotted and form.text.startswith("%m."))
    ]


def _looks(form: DateForm, text: str) -> bool:
    """Whether a text is a date of a form, and not rather a version such as 10.1.2, or a code such as 7-1200."""
    short = "%y" in form.text and "/" not in form.text and "%b" not in form.text
    expected = _TWO_DIGITS if short else _LIKELY_YEARS if form.text in _MONTHS else None
    return form.read(text) is not None and not (expected and not expected.match(text))


def which_form(column: str, forms: Sequence[DateForm]) -> str:
    """How to say which of several forms a column has."""
    return f"features.{column}.form says which: {' or '.join(repr(form.text) for form in forms)}"


def form_of_most(texts: Sequence[str], share: float = MOSTLY) -> DateForm | None:
    """The recognised form that reads most of some texts; None where that is less than a share of them."""
    glance = texts[:: max(1, len(texts) // _GLANCE)]

    def reads(form: DateForm) -> int:
        return sum(form.read(text) is not None for text in glance)

    best = max(map(date_form, FORMS), key=reads)
    return best if glance and reads(best) >= share * len(glance) else None


def odd_dates(column: "pd.Series[Any]", share: float = MOSTLY) -> list[str]:
    """The texts of a column whose others are dates in one form; none for any other column.

    Parameters
    ----------
    share
        Share of the others in the cells, at least.
    """
    counts = column.value_counts()
    texts = [str(text) for text in counts.index if not may_be_missing(str(text))]
    if (form := form_of_most(texts, share)) is None or not (odd := _not_read(form, texts)):
        return []
    if int(counts[odd].sum()) > (1 - share) * int(counts.sum()):
        return []
    return odd


def _not_read(form: DateForm, texts: Sequence[str]) -> list[str]:
    return [texts[place] for place in np.flatnonzero(np.isnan(times_of(form, texts))).tolist()]


def about_dates(feature: Feature, days: Moments, *, split_by: bool) -> str:
    """How a column of dates was read, for people.

    Parameters
    ----------
    days
        Days of the rows since its first one, `[n]`.
    split_by
        Whether rows are split by it.
    """
    form, _ = feature.dates
    words = "moments with an offset" if form.has_offset else "times without an offset" if form.has_clock else "days"
    parts = f"days since {feature.origin}" + "".join(f", {part}" for part in feature.parts or ())
    note = f"column {feature.name} is read as {words} in the form {form.text}: the model sees {parts}"
    late = int((days >= (_FAR_AHEAD - (feature.origin or _FAR_AHEAD)).days).sum()) if "%y" in form.text else 0
    if late:
        rows = "1 row is" if late == 1 else f"{late} rows are"
        note += f"; {rows} of {_FAR_AHEAD.year} or later; if they are of the century before, write years of four digits"
    if split_by:
        note += "; rows are split by it as well, and later ones lie outside its range: data.drop leaves it out"
    return note


def first_day(times: Moments) -> date:
    """The first day of some times."""
    return date(1970, 1, 1) + timedelta(days=int(np.nanmin(times) // MILLISECONDS_PER_DAY))


def varying_parts(times: Moments, form: DateForm) -> tuple[DatePart, ...]:
    """Parts of the calendar that are not always the same; no circle without that which goes round it.

    Parameters
    ----------
    times
        Times of the training rows.
    form
        Form, which may have no time of day, and no day of the month.
    """
    known = times[~np.isnan(times)].astype(np.int64)
    circles = _TRACES | _OF_HOURS

    def varies(part: DatePart) -> bool:
        values = part_of(part, known)
        return len(values) > 0 and bool(values.min() != values.max())

    unknown = set() if form.has_clock else {"hour"}
    if "%d" not in form.text and form.text not in EPOCH:
        unknown |= {"weekday", "day_of_year"}
    plain = {part for part in PARTS if part not in {*circles, *unknown} and varies(part)}
    if "month" not in plain:  # then the day of the year says what the day does
        plain.discard("day_of_year")
    return tuple(part for part in PARTS if circles.get(part, part) in plain)
