"""How columns become features: their kinds, their descriptions, and their values as numbers.

Everything here works on the distinct values of a column where it can, so that millions of rows cost few Python objects.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skylift.dates import date_form
from skylift.encoding import date_encoder
from skylift.errors import ConfigError
from skylift.feature import LARGEST_NUMBER, Feature, Kind
from skylift.names import did_you_mean
from skylift.scoring import Matrix
from training.config.table import FeatureSection
from training.data.columns import family_of
from training.data.dates import ColumnOfDates, Texts, first_day, forms_of, varying_parts, which_form
from training.data.declared import as_declared
from training.data.doubts import doubt_about_texts, mostly_dates
from training.data.texts import is_free_text

_MANY = 100
"""Categories beyond which they are in the order of their rows, and those of a single row share a code."""

_MOST_CATEGORIES = 100_000
_MOSTLY_SINGLE = 0.75
_HALF = 0.5
_LEAST_ROWS = 2
"""Training rows from which a category has a code of its own: a single row tells nothing of the next."""


def unusable(column: "pd.Series[Any]", *, wanted: bool, dates: ColumnOfDates | None = None) -> str | None:
    """Why a column cannot be a feature; None where it can.

    Parameters
    ----------
    wanted
        Whether `model.yaml` asks for it: then it may have any texts.
    dates
        Dates of the column; None for a column of something else.
    """
    distinct = column.nunique()
    if distinct == 0 or (distinct == 1 and not column.hasnans):
        return f"it is always {column.iloc[0]}" if distinct else "it is empty"
    if dates is not None:
        return _unclear(str(column.name), dates)
    if kind_of(column) == "category" and not wanted and distinct > _MANY:
        return _unusable_texts(column, distinct)
    if pd.api.types.is_numeric_dtype(column) and (largest := np.nanmax(np.abs(as_floats(column)))) > LARGEST_NUMBER:
        return "it holds infinity" if np.isinf(largest) else f"it holds values beyond {LARGEST_NUMBER:.1e}"
    return None


def _unclear(name: str, dates: ColumnOfDates) -> str | None:
    """Why dates cannot be read in one way; None where they can."""
    if not dates.others:
        return None
    return f"day and month of its dates cannot be told apart: {which_form(name, [dates.form, *dates.others])}"


def _unusable_texts(column: "pd.Series[Any]", distinct: int) -> str | None:
    """Why many texts cannot be a category: most rows have one of their own."""
    keep = f"features.{column.name}.kind: category keeps it, text reads its words"
    if doubt := doubt_about_texts(column, _HALF):
        return f"{doubt}; {keep}"
    if mostly_dates(column):
        key = f"features.{column.name}.form"
        return f"its dates, such as {column.dropna().iloc[0]!r}, are in no form that is known: {key}; {keep}"
    if distinct > _MOST_CATEGORIES:
        return f"it has {distinct} different texts, more than {_MOST_CATEGORIES}: {keep}"
    counts = column.value_counts().to_numpy()
    if (single := int((counts == 1).sum())) <= _MOSTLY_SINGLE * counts.sum():
        return None
    which = "each row" if single == len(column) else f"{single} of {len(column)} rows"
    return f"it has another text in {which}: {keep}"


def encode_feature(
    column: "pd.Series[Any]",
    about: FeatureSection,
    *,
    dates: ColumnOfDates | None = None,
    learned: NDArray[Any] | None = None,
) -> tuple[Feature, Matrix]:
    """The feature of a column, and its encoded values, float64 `[n, width]`.

    Parameters
    ----------
    dates
        Dates of the column; None for a column of something else.
    learned
        Places of the rows that encoding learns from; all rows if absent.

    Raises
    ------
    ConfigError
        `unknown` is set for a column that is not a category.
    DataError
        A row does not have what the section declares.
    """
    column = as_declared(column, about)
    kind = "datetime" if dates is not None else kind_of(column)
    if about.unknown is not None and kind != "category":
        raise ConfigError(f"features.{column.name}.unknown is only for a category", f"{column.name} is of kind {kind}")
    if dates is not None:
        return _encode_dates(column, about, dates, slice(None) if learned is None else learned)
    categories, rare = about.categories, None
    if kind == "category" and not categories:
        categories, rare = _categories(column, learned)
    feature = Feature(
        name=str(column.name),
        kind=kind,
        required=not (column.hasnans or about.missing),
        categories=categories,
        rare=rare,
        unknown=(about.unknown or "missing") if kind == "category" else None,
        unit=about.unit,
        description=about.description,
    )
    encoded = _encoded(feature, column)
    return feature.model_copy(update=described(feature, encoded[~np.isnan(encoded)], about)), encoded[:, None]


def _categories(
    column: "pd.Series[Any]", learned: NDArray[Any] | None
) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """The categories of a column, in the order of their codes, and those that are too rare for a code of their own.

    Few are in the order of the alphabet; of many, the most frequent in the training rows come first.
    """
    codes, distinct = pd.factorize(column.astype(object))
    if len(distinct) <= _MANY:
        return tuple(sorted(distinct)), None
    known = codes if learned is None else codes[learned]
    counts = np.bincount(known[known >= 0], minlength=len(distinct)).tolist()
    ordered = sorted(zip(distinct, counts, strict=True), key=lambda category: (-category[1], category[0]))
    frequent = tuple(name for name, count in ordered if count >= _LEAST_ROWS)
    rare = tuple(sorted(name for name, count in ordered if count < _LEAST_ROWS))
    return (frequent, rare or None) if frequent else (rare, None)


def dates_of(column: "pd.Series[Any]", about: FeatureSection) -> ColumnOfDates | None:
    """The dates of a column, by its form in `model.yaml` or by a form that all cells have; None for anything else."""
    if about.declared_kind not in {None, "datetime"} or kind_of(column) != "category":
        return None
    texts = Texts.of(column)
    if about.form is not None:
        form = date_form(about.form)
    elif not (forms := forms_of(texts.known)):
        return None
    else:
        return ColumnOfDates(forms[0], texts.read(forms[0]), tuple(forms[1:]))
    return ColumnOfDates(form, texts.read(form))


def _encode_dates(
    column: "pd.Series[Any]", about: FeatureSection, dates: ColumnOfDates, learned: "NDArray[Any] | slice"
) -> tuple[Feature, Matrix]:
    """The feature of a column of dates, and its encoded values, whose origin and parts are those of training rows."""
    form, times = dates.form, dates.times
    known = times if np.isnan(times[learned]).all() else times[learned]
    feature = Feature(
        name=str(column.name),
        kind="datetime",
        required=not (bool(np.isnan(times).any()) or about.missing),
        form=form.text,
        origin=first_day(known),
        parts=varying_parts(known, form) or None,
        unit=about.unit,
        description=about.description,
    )
    encoded = date_encoder(feature).columns(times)
    days = encoded[:, 0]
    return feature.model_copy(update=described(feature, days[~np.isnan(days)], about)), encoded


def described(feature: Feature, known: Matrix, about: FeatureSection) -> dict[str, Any]:
    """The fields of a feature that follow from its values.

    Parameters
    ----------
    known
        Encoded values that are not missing, at least one.
    about
        Section of the feature; its bounds are the range.
    """
    fields: dict[str, Any] = {} if feature.kind == "text" else {"example": feature.decode(_typical(feature, known))}
    if not feature.levels:
        fields["min"] = float(known.min()) if about.min is None else about.min
        fields["max"] = float(known.max()) if about.max is None else about.max
        fields["mean"] = float(known.mean())
    return fields


def _typical(feature: Feature, known: Matrix) -> float:
    """The middle value; of names, which have no middle, the most frequent one that is not the name of all rare ones."""
    if not feature.is_nominal:
        return float(np.quantile(known, 0.5, method="nearest"))
    names = len(feature.categories)
    return float(np.bincount(known.astype(int), minlength=names)[:names].argmax())


def _encoded(feature: Feature, column: "pd.Series[Any]") -> Matrix:
    if feature.encoder is None:
        return as_floats(column)
    codes, distinct = pd.factorize(column.astype(object))
    return np.array([*map(feature.encoder, distinct), np.nan])[codes]  # a missing value has code -1


def as_floats(column: "pd.Series[Any]") -> Matrix:
    """The values of a column of numbers or booleans, NaN for a missing one."""
    return np.asarray(column.astype("Float64").to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)


def kind_of(column: "pd.Series[Any]") -> Kind:
    """The kind of a column, by its type."""
    cells = family_of(column.dtype)
    return "category" if cells == "text" else cells


def kind_for(column: "pd.Series[Any]", about: FeatureSection) -> Kind:
    """The kind of a column: as declared, else by its type, and of texts by what they look like."""
    if about.declared_kind is not None:
        return about.declared_kind
    kind = kind_of(column)
    if about.unknown is not None:  # which only a category has
        return kind
    return "text" if kind == "category" and not mostly_dates(column) and is_free_text(column) else kind


def check_known(names: Iterable[str], known: list[str], key: str) -> None:
    """Refuse a name that is not known, with the nearest one.

    Raises
    ------
    ConfigError
        A name is unknown; the message has its key in `model.yaml`.
    """
    for name in names:
        if name not in known:
            raise ConfigError(f"{key} names {name!r}, which the table does not have", did_you_mean(name, known))
