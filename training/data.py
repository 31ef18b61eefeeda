"""Reads and cleans the table, makes the contract from it, and splits it.

Estimators see one float64 matrix, encoded by the contract exactly as the service encodes requests
(see `skylift.scoring`): booleans as 0 and 1, categories as codes, missing values as NaN.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from skylift.contract import (
    LARGEST_NUMBER,
    ClassName,
    Contract,
    Feature,
    Instance,
    Kind,
    Scalar,
    Target,
    Task,
    class_key,
)
from skylift.errors import ConfigError, DataError
from skylift.references import sha256
from skylift.scoring import Matrix
from training.config import FeatureSection, ModelConfig
from training.csv_file import doubt_about_texts, parse_csv, read_bytes

MAX_CATEGORIES = 100
MAX_CLASSES = 100
_MAX_GUESSED_CLASSES = 20
_MIN_ROWS_PER_GUESSED_CLASS = 5
_MIN_ROWS = 10
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Table:
    """A cleaned table, encoded.

    Parameters
    ----------
    contract
        Made from it.
    rows
        float64 `[n, features]`.
    targets
        Class codes, or values: `[n]`.
    digest
        SHA-256 of the file.
    notes
        What cleaning did that a reader should know.
    """

    contract: Contract
    rows: Matrix
    targets: NDArray[np.float64] | NDArray[np.int64]
    digest: str
    notes: tuple[str, ...]

    def instance(self, index: int) -> Instance:
        """A row as a caller would send it, missing values left out."""
        values = zip(self.contract.features, self.rows[index].tolist(), strict=True)
        return {feature.name: decode(feature, value) for feature, value in values if not math.isnan(value)}


@dataclass(frozen=True, slots=True)
class Split:
    """Indices of the rows to learn from and of those kept for the final measurement."""

    train: NDArray[np.int64]
    holdout: NDArray[np.int64]


def decode(feature: Feature, value: float) -> Scalar:
    """Undo the encoding of one value."""
    match feature.kind:
        case "number":
            return value
        case "integer":
            return int(value)
        case "boolean":
            return bool(value)
        case "category":
            return feature.categories[int(value)]


def read_table(config: ModelConfig) -> Table:
    """Read the table of a configuration and make its contract.

    Raises
    ------
    DataError
        The file cannot be read, has too few rows, or nothing to learn from.
    ConfigError
        `model.yaml` names a column that the table does not have.
    """
    content = read_bytes(config.data.path)
    frame = _cleaned(parse_csv(content, config.data.path), config)
    notes: list[str] = []
    target_column = frame.pop(config.target.column)
    if missing := int(target_column.isna().sum()):
        notes.append(f"{missing} rows without {config.target.column} were left out")
        frame, target_column = frame[target_column.notna()], target_column[target_column.notna()]
    if len(frame) < _MIN_ROWS:
        raise DataError(f"{config.data.path.name} has {len(frame)} usable rows", f"at least {_MIN_ROWS} are needed")
    task = config.target.task or _guess_task(target_column)
    if config.target.task is None:
        notes.append(f"target.task was guessed: {task}")
    target, targets = _target(target_column, task, config)
    _check_known(config.features, list(frame.columns), "features")
    features: list[Feature] = []
    columns: list[Matrix] = []
    for name in frame.columns:
        if reason := _unusable(frame[name]):
            notes.append(f"column {name} was left out: {reason}")
            continue
        feature, column = _feature(frame[name], config.features.get(name, FeatureSection()))
        features.append(feature)
        columns.append(column)
        if feature.kind == "category" and (doubt := doubt_about_texts(frame[name])):
            notes.append(f"column {name} is taken as texts: {doubt}")
    if not features:
        raise DataError("the table has no usable feature column", "see: " + "; ".join(notes))
    contract = Contract(task=task, features=tuple(features), target=target)
    return Table(contract, np.column_stack(columns), targets, sha256(content), tuple(notes))


def split_rows(table: Table, *, holdout: float, seed: int) -> Split:
    """Split by a seed, classes in the same proportions on both sides.

    Raises
    ------
    DataError
        A class has too few rows to be learned and measured.
    """
    stratify = table.targets if table.contract.task == "classification" else None
    try:
        train, kept = train_test_split(
            np.arange(len(table.targets)), test_size=holdout, random_state=seed, stratify=stratify
        )
    except ValueError as error:
        raise DataError(f"the table cannot be split: {error}", "add rows, or change split.holdout") from error
    if table.contract.task == "classification":  # each class is learned in one half of the rows, and tested in another
        counts = np.bincount(table.targets[train], minlength=len(table.contract.target.classes))
        if rare := [str(table.contract.target.classes[code]) for code in np.flatnonzero(counts < 2)]:
            raise DataError(
                f"too few rows have {table.contract.target.name} {', '.join(rare[:5])}",
                "add rows, leave these out, or make split.holdout smaller",
            )
    return Split(train, kept)


def _cleaned(frame: pd.DataFrame, config: ModelConfig) -> pd.DataFrame:
    frame.columns = pd.Index([str(name).strip() for name in frame.columns])
    columns = list(frame.columns)
    _check_known(config.data.drop, columns, "data.drop")
    _check_known(config.data.rename, columns, "data.rename")
    unnamed = [name for name in columns if name.startswith("Unnamed:")]  # an index that a data frame was saved with
    frame = frame.drop(columns=[*config.data.drop, *unnamed]).rename(columns=config.data.rename)
    _check_known([config.target.column], list(frame.columns), "target.column")
    if frame.columns.duplicated().any():
        raise ConfigError("data.rename gives two columns the same name", "give each its own")
    for name in frame.columns[[pd.api.types.is_string_dtype(dtype) for dtype in frame.dtypes]]:
        stripped = frame[name].str.strip()
        frame[name] = stripped.mask(stripped == "")
    return frame


def _check_known(names: Iterable[str], known: list[str], key: str) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            todo = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known[:30])}"
            raise ConfigError(f"{key} names {name!r}, which the table does not have", todo)


def _guess_task(column: "pd.Series[Any]") -> Task:
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return "classification"
    values = column.astype(float)
    few = values.nunique() <= min(_MAX_GUESSED_CLASSES, len(values) / _MIN_ROWS_PER_GUESSED_CLASS)
    return "classification" if few and bool((values == values.round()).all()) else "regression"


def _target(
    column: "pd.Series[Any]", task: Task, config: ModelConfig
) -> tuple[Target, NDArray[np.float64] | NDArray[np.int64]]:
    name = config.target.column
    if task == "regression":
        values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0]) + 1
            raise DataError(
                f"target {name} is not a finite number in row {row}", "clean it, or set task: classification"
            )
        if values.min() == values.max():
            raise DataError(f"target {name} is always {values[0]:g}", "there is nothing to learn: name another column")
        return Target(name=name, unit=config.target.unit), values
    classes = _class_names(column)
    if not 2 <= len(classes) <= MAX_CLASSES:
        todo = "a classification needs two or more" if len(classes) < 2 else "group them, or set task: regression"
        raise DataError(f"target {name} has {len(classes)} classes", todo)
    counts = column.value_counts()
    if rare := [str(label) for label, count in counts.items() if count < 2]:
        raise DataError(f"only one row has {name} {', '.join(rare[:5])}", "add rows, or leave these out")
    _check_known([str(label) for label in config.target.labels], [str(label) for label in classes], "target.labels")
    by_text = {str(label): code for code, label in enumerate(classes)}
    targets = np.array([by_text[str(_plain(value))] for value in column])
    labels = {str(label): shown for label, shown in config.target.labels.items()}
    shown = tuple(labels.get(str(label), label) for label in classes)
    if len({class_key(label) for label in shown}) < len(shown):
        raise ConfigError("target.labels gives two classes the same name", "give each its own")
    return Target(name=name, classes=shown), targets


def _class_names(column: "pd.Series[Any]") -> list[ClassName]:
    """Distinct values in their natural order, integers where the column holds whole floats."""
    return sorted((_plain(value) for value in column.unique()), key=lambda value: (isinstance(value, str), value))


def _plain(value: object) -> ClassName:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | float | np.integer | np.floating) and float(value).is_integer():
        return int(value)
    return str(value)


def _unusable(column: "pd.Series[Any]") -> str | None:
    """Why a column cannot be a feature; None where it can."""
    distinct = column.nunique()
    if distinct == 0:
        return "it is empty"
    if distinct == 1 and not column.hasnans:
        return f"it is always {column.iloc[0]}"
    if _kind(column) == "category" and distinct > MAX_CATEGORIES:
        return f"it has {distinct} different texts, more than {MAX_CATEGORIES}"
    if _kind(column) in {"number", "integer"} and np.nanmax(np.abs(_as_floats(column))) > LARGEST_NUMBER:
        return f"it holds values beyond {LARGEST_NUMBER:.1e}"
    return None


def _feature(column: "pd.Series[Any]", about: FeatureSection) -> tuple[Feature, Matrix]:
    """The feature of a column, and its encoded values."""
    kind = _kind(column)
    texts = column.dropna().astype(str) if kind == "category" else None
    feature = Feature(
        name=str(column.name),
        kind=kind,
        required=not column.hasnans,
        categories=() if texts is None else tuple(sorted(texts.unique())),
        unit=about.unit,
        description=about.description,
    )
    if texts is not None:
        codes = {name: float(code) for code, name in enumerate(feature.categories)}
        encoded = np.array([np.nan if pd.isna(value) else codes[str(value)] for value in column])
        return feature.model_copy(update={"example": str(texts.mode().iloc[0])}), encoded
    encoded = _as_floats(column)
    values = encoded[~np.isnan(encoded)]
    found: dict[str, Any] = {"example": decode(feature, float(np.quantile(values, 0.5, method="nearest")))}
    if kind != "boolean":
        found |= {"min": float(values.min()), "max": float(values.max()), "mean": float(values.mean())}
    return feature.model_copy(update=found), encoded


def _as_floats(column: "pd.Series[Any]") -> Matrix:
    return np.asarray(column.astype("Float64").to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)


def _kind(column: "pd.Series[Any]") -> Kind:
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_integer_dtype(column):
        return "integer"
    if pd.api.types.is_numeric_dtype(column):
        return "number"
    return "category"
