"""Holds columns to what `features` of `model.yaml` declares: a kind, a range, categories, no missing values."""

from typing import Any, assert_never

import numpy as np
import pandas as pd

from skylift.cells import TRUTHS, may_be_missing
from skylift.dates import date_form
from skylift.errors import DataError
from skylift.feature import Kind
from skylift.figures import exact_text
from skylift.names import listed
from skylift.numerals import is_number
from training.config.table import FeatureSection
from training.data.columns import family_of, written
from training.data.dates import Texts, form_of_most, forms_of, which_form

_FIX = "fix the row, leave it out by data.exclude, or change the key in model.yaml"


def as_declared(column: "pd.Series[Any]", about: FeatureSection) -> "pd.Series[Any]":
    """The column with values of the declared kind.

    Raises
    ------
    DataError
        A row does not have such a value; with the row.
    """
    if (kind := about.declared_kind) is not None:
        column = _of_kind(column, kind)
        if kind == "datetime":
            _check_dates(column, about)
    _check_range(column, about)
    if about.categories:
        _refuse(column, ~column.isin(about.categories) & column.notna(), f"one of {listed(about.categories)}")
    if about.missing is False:
        _refuse(column, column.isna(), "a value in every row")
    return column


def _of_kind(column: "pd.Series[Any]", kind: Kind) -> "pd.Series[Any]":
    family = family_of(column.dtype)
    match kind:
        case "datetime":
            return column if family == "text" else _like(column, written(column.array))
        case "category" | "text":
            return column if family == "text" else _like(column, written(column.array))
        case "boolean":
            if family == "boolean":
                return column
            texts = column.astype("string[python]").str.lower()
            _refuse(column, column.notna() & ~texts.isin([*TRUTHS]), "a boolean: true, false, 1 or 0")
            return texts.map(TRUTHS, na_action="ignore").astype("boolean")
        case "number" | "integer":
            numbers = _numbers(column, kind)
            if kind == "number":
                return numbers
            _refuse(column, (numbers != numbers.round()).fillna(value=False), "an integer")
            return numbers.astype("Int64")
        case _:
            assert_never(kind)


def _numbers(column: "pd.Series[Any]", kind: Kind) -> "pd.Series[Any]":
    family = family_of(column.dtype)
    words = "a number" if kind == "number" else "an integer"
    if family == "boolean":
        _refuse(column, column.notna(), words)
    if family != "text":
        return column.astype("Float64")
    codes, distinct = pd.factorize(column.astype(object))
    numeric = np.array([*map(is_number, distinct), True], dtype=bool)[codes]
    _refuse(column, pd.Series(~numeric, index=column.index), words)
    values = np.array([*map(float, distinct), np.nan])[codes]
    return _like(column, pd.arrays.FloatingArray(values, np.isnan(values)))


def _check_dates(column: "pd.Series[Any]", about: FeatureSection) -> None:
    texts = Texts.of(column)
    found = [date_form(about.form)] if about.form is not None else forms_of(texts.known)
    if len(found) > 1:
        raise DataError(
            f"column {column.name} holds dates whose day and month cannot be told apart",
            which_form(str(column.name), found),
        )
    form = found[0] if found else form_of_most(texts.known)
    if form is None:
        raise DataError(
            f"column {column.name} holds no dates in a form that is recognised",
            f"name it: features.{column.name}.form, such as '%d.%m.%Y', or '%s' for seconds since 1970",
        )
    words = column.map(lambda text: not may_be_missing(text), na_action="ignore").fillna(value=False).astype(bool)
    unread = pd.Series(np.isnan(texts.read(form)), index=column.index)
    _refuse(column, unread & words, form.words)


def _check_range(column: "pd.Series[Any]", about: FeatureSection) -> None:
    if about.min is None and about.max is None:
        return
    if family_of(column.dtype) not in {"integer", "number"}:
        raise DataError(
            f"features.{column.name} has min or max, but the column holds no numbers",
            "remove them, or set kind: number",
        )
    if about.min is not None:
        _refuse(column, (column < about.min).fillna(value=False), f"a value from {exact_text(about.min)} on")
    if about.max is not None:
        _refuse(column, (column > about.max).fillna(value=False), f"a value up to {exact_text(about.max)}")


def _refuse(column: "pd.Series[Any]", wrong: "pd.Series[Any]", expected: str) -> None:
    """Refuse a column of which rows are wrong, with the first."""
    rows = column[wrong.to_numpy(dtype=bool)]
    if not len(rows):
        return
    first = rows.iloc[0]
    held = "is missing" if first is pd.NA else f"holds {first!r}" if isinstance(first, str) else f"holds {first}"
    more = f" ({len(rows) - 1:,} more rows)" if len(rows) > 1 else ""
    raise DataError(
        f"column {column.name} {held} in row {int(rows.index[0]) + 1}, "
        f"and features.{column.name} wants {expected}{more}",
        _FIX,
    )


def _like(column: "pd.Series[Any]", values: Any) -> "pd.Series[Any]":
    return pd.Series(values, index=column.index, name=column.name)
