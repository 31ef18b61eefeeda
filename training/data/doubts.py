"""What is doubtful about a column of texts: numbers with a fault, and dates."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skylift.cells import may_be_missing
from skylift.dates import EPOCH, date_form
from skylift.feature import Feature
from skylift.figures import exact_text
from skylift.numerals import is_number_in_any_form
from training.data.dates import MOSTLY, odd_dates
from training.data.number_signs import Signs

_DATE = r"\d{4}-\d\d-\d\d.*|\d\d?[./-]\d\d?[./-]\d{2,4}.*"
_CODE_NAME = re.compile(
    r"(^|[\W_])(zip|zipcode|plz|postcode|postal|postal_code|code|store|shop|branch|sku|route)([\W_]?(id|no|nr|number|code))?$",
    re.IGNORECASE,
)
_MANY_CODES = 20
_SHOWN = 5
_SHOWN_ODD = 10
_HALF = 0.5
_DIGITS_OF_A_DAY = "%Y%m%d"
_MOMENT_NAME = re.compile(
    r"date|time|stamp|epoch|unix|created|updated|(^|[\W_])(ts|at|dt|ms)$|[a-z](At|On)$", re.IGNORECASE
)
_LIKELY_DAYS = (631_152_000_000, 4_102_444_800_000)  # of the years 1990 to 2099, in milliseconds
_LEAST_STAND_INS = 3
_LEAST_OTHERS = 5
_NINES = re.compile(r"-?99+(\.9*0*)?|-?9+\.90*")
_TOTALS = frozenset(("total", "totals", "grand total", "sum", "summe", "gesamt", "gesamtsumme", "totale"))


def variants(texts: Iterable[str]) -> str | None:
    """Texts that differ only by case, blanks or form, for a note; None if there are no such texts.

    Examples
    --------
    >>> variants(["Yes", "no", "yes", "YES"])
    "'YES', 'Yes', 'yes'"
    """
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(" ".join(unicodedata.normalize("NFKC", text).casefold().split()), []).append(text)
    same = [", ".join(map(repr, sorted(group))) for group in groups.values() if len(group) > 1]
    return "; ".join(same[:_SHOWN]) if same else None


def doubt_about_texts(column: "pd.Series[Any]", share: float = MOSTLY) -> str | None:
    """Why a text column probably should not be one; None for no doubt.

    Parameters
    ----------
    share
        Share of the cells that look like something else, at least.
    """
    for kind, odd in (
        ("numbers", odd_texts(column, share) or _odd_beside_signs(column, share)),
        ("dates", odd_dates(column, share)),
    ):
        if odd:
            row, first = first_of(column, odd)
            cells = "it" if len(odd) == 1 else f"such cells, which hold {len(odd)} different texts"
            listing = "list it in data.missing" if len(odd) == 1 else f"list them: data.missing: {odd[:_SHOWN_ODD]}"
            more = f" and {len(odd) - _SHOWN_ODD} more" if len(odd) > _SHOWN_ODD else ""
            return f"row {row + 1} holds {first!r}, most others {kind}; fix {cells}, or {listing}{more}"
    return None


def first_of(column: "pd.Series[Any]", texts: Sequence[str]) -> tuple[int, str]:
    """The first cell that holds one of some texts, with its place in the index."""
    cells = column[column.isin(texts)]
    return int(cells.index[0]), str(cells.iloc[0])


def odd_texts(column: "pd.Series[Any]", share: float = MOSTLY) -> list[str]:
    """The texts of a column whose others are plain numbers; none for any other column."""
    counts = column.value_counts()
    number = pd.to_numeric(counts.index.to_series().str.replace(",", "."), errors="coerce").notna()
    return _odd(counts, number.to_numpy(), share)


def _odd_beside_signs(column: "pd.Series[Any]", share: float) -> list[str]:
    """The texts of a column whose others are numbers in one form, with a unit or marks; none for any other column."""
    counts = column.value_counts()
    texts = [str(text) for text in counts.index]
    is_number = np.array([is_number_in_any_form(text) for text in texts], dtype=bool)
    signs = Signs()
    signs.add(text for text, number in zip(texts, is_number, strict=True) if number)
    if signs.numerals(delimiter=",", decimal=".") is None:
        return []
    return _odd(counts, is_number, _HALF if len(texts) - is_number.sum() == 1 else share)


def _odd(counts: "pd.Series[int]", usual: NDArray[np.bool_], share: float) -> list[str]:
    """The unusual ones of the texts that are counted, where they are fewer than a share leaves."""
    if not share <= counts[usual].sum() / max(int(counts.sum()), 1) < 1:
        return []
    return [str(text) for text in counts.index[~usual] if not may_be_missing(str(text))]


def mostly_dates(column: "pd.Series[Any]") -> bool:
    """Whether the texts of a column look like dates."""
    counts = column.value_counts()
    dates = counts.index.to_series().str.fullmatch(_DATE)
    return bool(counts[dates].sum() >= MOSTLY * max(int(counts.sum()), 1))


def doubt_about_integers(column: "pd.Series[Any]") -> str | None:
    """Why whole numbers may be names rather than amounts; None for no doubt.

    Examples
    --------
    >>> doubt_about_integers(pd.Series([*range(80000, 80030)] * 2, name="zip_code"))
    'it has 30 different whole numbers, which may be names'
    >>> doubt_about_integers(pd.Series([*range(30)] * 2, name="age"))
    """
    if not _CODE_NAME.search(str(column.name)) or (distinct := column.nunique()) <= _MANY_CODES:
        return None
    return f"it has {distinct} different whole numbers, which may be names" if distinct < len(column) else None


def dates_as_digits(column: "pd.Series[Any]") -> str | None:
    """The form in which whole numbers may be dates; None for no doubt.

    Examples
    --------
    >>> dates_as_digits(pd.Series([20130101, 20131231], name="day"))
    '%Y%m%d'
    >>> dates_as_digits(pd.Series([1356998400, 1388448000], name="created_at"))
    '%s'
    >>> dates_as_digits(pd.Series([1356998400, 1388448000], name="income"))
    """
    low, high = int(column.min()), int(column.max())
    days = date_form(_DIGITS_OF_A_DAY)
    if all(_is_likely(days.read(number)) for number in (low, high)):
        if all(days.read(number) is not None for number in column.dropna().unique().tolist()):
            return _DIGITS_OF_A_DAY
        return None
    if not _MOMENT_NAME.search(str(column.name)):
        return None
    return next((form for form, each in EPOCH.items() if _is_likely(low * each) and _is_likely(high * each)), None)


def _is_likely(moment: int | None) -> bool:
    return moment is not None and _LIKELY_DAYS[0] <= moment <= _LIKELY_DAYS[1]


def stand_ins(feature: Feature, column: "pd.Series[Any]", numbers: NDArray[np.float64]) -> list[tuple[str, int]]:
    """Values at the ends of a column that may stand for a missing one, as its cells write them, and their rows.

    They repeat, and are farther from all others than these are from each other: a date, or a number of nines.

    Parameters
    ----------
    numbers
        Numbers that stand for the cells, float64 `[n]`.
    """
    if feature.kind not in {"number", "integer", "datetime"}:
        return []
    distinct, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    ends = [place for place in (0, len(distinct) - 1) if len(distinct) and counts[place] >= _LEAST_STAND_INS]
    others = np.delete(distinct, ends)
    if len(others) < _LEAST_OTHERS:
        return []
    low, high = others[[0, -1]]
    found = []
    for number, count in ((distinct[place], int(counts[place])) for place in ends):
        written = str(column.iloc[int(np.flatnonzero(numbers == number)[0])])
        far = max(low - number, number - high) > high - low
        if far and (feature.kind == "datetime" or _NINES.fullmatch(exact_text(float(number)))):
            found.append((written if feature.kind == "datetime" else exact_text(float(number)), count))
    return found


def total_row(frame: pd.DataFrame) -> tuple[str, str] | None:
    """The column whose last cell names a total, and that cell; None where the last row is one like others."""
    for name in frame.columns:
        column = frame[name]
        last = column.iloc[-1]
        if isinstance(last, str) and last.casefold() in _TOTALS and int((column == last).sum()) == 1:
            return str(name), last
    return None
