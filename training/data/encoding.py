"""How columns become features: their kinds, their descriptions, and their values as numbers.

Everything here works on the distinct values of a column where it can, so that millions of rows cost few Python objects.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skylift.errors import ConfigError
from skylift.feature import LARGEST_NUMBER, Feature, Kind
from skylift.names import did_you_mean
from skylift.scoring import Matrix
from training.config.table import FeatureSection
from training.data.columns import family_of
from training.data.declared import as_declared
from training.data.doubts import mostly_dates

MAX_CATEGORIES = 100


def unusable(column: "pd.Series[Any]", about: FeatureSection) -> str | None:
    """Why a column cannot be a feature; None where it can. A declared category may have any number of texts."""
    distinct = column.nunique()
    if distinct == 0:
        return "it is empty"
    if distinct == 1 and not column.hasnans:
        return f"it is always {column.iloc[0]}"
    if kind_of(column) == "category" and about.declared_kind is None and distinct > MAX_CATEGORIES:
        keep = f"features.{column.name}.kind: category keeps it"
        if mostly_dates(column):
            return f"it has {distinct} different dates: add columns of its year, month or weekday as numbers; {keep}"
        return (
            f"it has {distinct} different texts, more than {MAX_CATEGORIES}: {keep}; "
            "of long texts, add columns of numbers, such as a length or whether a word occurs"
        )
    if pd.api.types.is_numeric_dtype(column) and (largest := np.nanmax(np.abs(as_floats(column)))) > LARGEST_NUMBER:
        return "it holds infinity" if np.isinf(largest) else f"it holds values beyond {LARGEST_NUMBER:.1e}"
    return None


def encode_feature(
    column: "pd.Series[Any]",
    about: FeatureSection,
    *,
    learned: NDArray[Any] | None = None,  # noqa: ARG001 (of kinds that learn)
) -> tuple[Feature, Matrix]:
    """The feature of a column, and its encoded values, float64 `[n, width]`.

    Parameters
    ----------
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
    kind = kind_of(column)
    if about.unknown is not None and kind != "category":
        raise ConfigError(f"features.{column.name}.unknown is only for a category", f"{column.name} is of kind {kind}")
    categories = about.categories or tuple(sorted(column.dropna().unique())) if kind == "category" else ()
    feature = Feature(
        name=str(column.name),
        kind=kind,
        required=not (column.hasnans or about.missing),
        categories=categories,
        unknown=(about.unknown or "missing") if kind == "category" else None,
        unit=about.unit,
        description=about.description,
    )
    encoded = _encoded(feature, column)
    return feature.model_copy(update=described(feature, encoded[~np.isnan(encoded)], about)), encoded[:, None]


def described(feature: Feature, known: Matrix, about: FeatureSection) -> dict[str, Any]:
    """The fields of a feature that follow from its values.

    Parameters
    ----------
    known
        Encoded values that are not missing, at least one.
    about
        Section of the feature; its bounds are the range.
    """
    most_frequent = feature.is_nominal  # names have no middle
    typical = np.bincount(known.astype(int)).argmax() if most_frequent else np.quantile(known, 0.5, method="nearest")
    fields: dict[str, Any] = {"example": feature.decode(float(typical))}
    if not feature.levels:
        fields["min"] = float(known.min()) if about.min is None else about.min
        fields["max"] = float(known.max()) if about.max is None else about.max
        fields["mean"] = float(known.mean())
    return fields


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
