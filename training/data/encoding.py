"""How columns become features and a target: their kinds, their descriptions, and their values as numbers.

Everything here works on the distinct values of a column where it can, so that millions of rows cost few Python objects.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skylift.contract import ClassName, Target, Task, class_key
from skylift.errors import ConfigError, DataError
from skylift.feature import LARGEST_EXACT_INTEGER, LARGEST_NUMBER, Feature, Kind
from skylift.figures import exact_text
from skylift.names import did_you_mean
from skylift.scoring import Matrix
from training.config.table import FeatureSection, TargetSection
from training.data.columns import family_of
from training.data.declared import as_declared
from training.data.doubts import mostly_dates

MAX_CATEGORIES = 100
MAX_CLASSES = 100
_MAX_GUESSED_CLASSES = 20
_MIN_ROWS_PER_GUESSED_CLASS = 5


def guess_task(column: "pd.Series[Any]") -> Task:
    """Classification for texts, booleans and few whole numbers; regression for other numbers."""
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return "classification"
    values = column.astype(float)
    few = values.nunique() <= min(_MAX_GUESSED_CLASSES, len(values) / _MIN_ROWS_PER_GUESSED_CLASS)
    return "classification" if few and bool((values == values.round()).all()) else "regression"


def encode_target(
    column: "pd.Series[Any]", task: Task, section: TargetSection
) -> tuple[Target, NDArray[np.float64] | NDArray[np.int64]]:
    """The target of a column without missing values, and its class codes or values, `[n]`.

    Raises
    ------
    DataError
        There is nothing to learn, or not in this task.
    ConfigError
        `target.labels` does not fit the classes.
    """
    name = section.column
    if task == "regression":
        if section.labels:
            raise ConfigError("target.labels names classes, but the task is regression", "set task: classification")
        values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
        if not np.isfinite(values).all():
            row = int(column.index[np.flatnonzero(~np.isfinite(values))[0]]) + 1
            raise DataError(
                f"target {name} is not a finite number in row {row}", "clean it, or set task: classification"
            )
        if values.min() == values.max():
            raise DataError(
                f"target {name} is always {exact_text(values[0])}", "there is nothing to learn: name another column"
            )
        return Target(name=name, unit=section.unit), values
    if section.unit is not None:
        raise ConfigError("target.unit is of a regression, but the task is classification", "set task: regression")
    classes = _class_names(column)
    if not 2 <= len(classes) <= MAX_CLASSES:
        hint = "a classification needs two or more" if len(classes) < 2 else "group them, or set task: regression"
        raise DataError(f"target {name} has {len(classes)} classes", hint)
    counts = column.value_counts()
    if rare := [str(label) for label, count in counts.items() if count < 2]:
        raise DataError(
            f"only one row has {name} {', '.join(rare[:5])}",
            f"add rows, or leave these out: data.exclude: {{{name}: [{', '.join(rare[:5])}]}}",
        )
    check_known([str(label) for label in section.labels], [str(label) for label in classes], "target.labels")
    by_text = {str(label): code for code, label in enumerate(classes)}
    codes, distinct = pd.factorize(column)
    targets = np.array([by_text[str(_plain(value))] for value in distinct])[codes]
    labels = {str(label): shown for label, shown in section.labels.items()}
    renamed = _of_one_type([labels.get(str(label), label) for label in classes])
    if len({class_key(label) for label in renamed}) < len(renamed):
        raise ConfigError("target.labels gives two classes the same name", "give each its own")
    return Target(name=name, classes=renamed), targets


def _of_one_type(names: list[ClassName]) -> tuple[ClassName, ...]:
    """The names as they are where they have one type, else as texts."""
    return tuple(names) if len({type(name) for name in names}) == 1 else tuple(class_key(name) for name in names)


def _class_names(column: "pd.Series[Any]") -> list[ClassName]:
    """Distinct values in their natural order: of numbers integers where all are whole, else texts."""
    names = sorted((_plain(value) for value in column.unique()), key=lambda name: (isinstance(name, str), name))
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return names
    names = sorted(names, key=float)
    return names if all(_is_exact(name) for name in names) else [str(name) for name in names]


def _is_exact(name: ClassName) -> bool:
    """Whether a class is a number that every client of JSON reads as written."""
    return isinstance(name, int) and abs(name) <= LARGEST_EXACT_INTEGER


def _plain(value: object) -> ClassName:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | float | np.integer | np.floating) and float(value).is_integer():
        return int(value)
    return str(value)


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


def encode_feature(column: "pd.Series[Any]", about: FeatureSection) -> tuple[Feature, Matrix]:
    """The feature of a column, and its encoded values.

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
    return feature.model_copy(update=described(feature, encoded[~np.isnan(encoded)], about)), encoded


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
