"""What is doubtful about a column of texts: numbers with a fault, and dates."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import pandas as pd

from training.data.dates import odd_date

_DATE = r"\d{4}-\d\d-\d\d.*|\d\d?[./-]\d\d?[./-]\d{2,4}.*"
_CODE_NAME = re.compile(
    r"(^|[\W_])(zip|zipcode|plz|postcode|postal|postal_code|code|store|shop|branch|sku|route)([\W_]?(id|no|nr|number|code))?$",
    re.IGNORECASE,
)
_MANY_CODES = 20
_MOSTLY = 0.9
_SHOWN = 5


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


def doubt_about_texts(column: "pd.Series[Any]") -> str | None:
    """Why a text column probably should not be one; None for no doubt."""
    if first := first_odd_text(column):
        row, value = first
        return f"row {row + 1} holds {value!r}, most others numbers; clean it, or leave it as it is"
    if odd := odd_date(column):
        return f"row {odd[0] + 1} holds {odd[1]!r}, most others dates; fix it, or list it in data.missing"
    return None


def first_odd_text(column: "pd.Series[Any]") -> tuple[int, str] | None:
    """The first text of a column whose others are numbers, with its place in the index; None for any other column."""
    present = column.dropna()
    counts = present.value_counts()
    number = pd.to_numeric(counts.index.to_series().str.replace(",", "."), errors="coerce").notna()
    if not _MOSTLY <= counts[number].sum() / max(len(present), 1) < 1:
        return None
    odd = present[present.isin(counts.index[~number])]
    return int(odd.index[0]), str(odd.iloc[0])


def mostly_dates(column: "pd.Series[Any]") -> bool:
    """Whether the texts of a column look like dates."""
    counts = column.value_counts()
    dates = counts.index.to_series().str.fullmatch(_DATE)
    return bool(counts[dates].sum() >= _MOSTLY * max(int(counts.sum()), 1))


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
