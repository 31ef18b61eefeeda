"""`skylift data profile`: what is in each column of a table, and its association with the target."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from skylift.contract import Task, class_key
from skylift.feature import Feature, Kind
from skylift.scoring import Matrix
from training.data.table import Table

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_TOP = 5

type Measure = Literal["pearson", "correlation ratio", "cramers v"]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class Value(_Document):
    """A frequent value, and the number of rows with it."""

    value: str
    rows: int


class ColumnProfile(_Document):
    """A column.

    Parameters
    ----------
    name, kind
        Name and kind in the contract; a target of classes is a category.
    missing, distinct
        Number of rows without a value, and of different values in the others.
    min, mean, max, std
        Statistics of a column without levels; of free text, of its characters.
    quantiles
        Quantiles of a column without levels, by their share: `0.05`, `0.25`, `0.5`, `0.75` and `0.95`.
    top
        Most frequent values of a column with levels; of free text, words of three letters or more that most texts have,
        counted in a sample of a large table.
    origin
        Day that the numbers are counted from, if they are dates.
    correlation
        Association with the target, over rows that have a value: from 0 to 1, for `pearson` from -1. None for the
        target itself, or if one of the two never changes.
    measure
        `pearson` for two numbers, `correlation ratio` for a number and a category, `cramers v` for two categories; the
        last two corrected for chance, which gives more the more categories there are.
    """

    name: str
    kind: Kind
    missing: int
    distinct: int
    min: float | None = None
    mean: float | None = None
    max: float | None = None
    std: float | None = None
    quantiles: dict[str, float] = {}
    top: tuple[Value, ...] = ()
    origin: date | None = None
    correlation: float | None = None
    measure: Measure | None = None


class Profile(_Document):
    """A table.

    Parameters
    ----------
    rows
        Number of rows with a target.
    data_sha256
        SHA-256 of the file.
    task
        Task of the model.
    target
        Profile of the column that is predicted.
    columns
        Profiles of the features, in their order.
    notes
        Notes of cleaning: which columns were left out, and why.
    """

    rows: int
    data_sha256: str
    task: Task
    target: ColumnProfile
    columns: tuple[ColumnProfile, ...]
    notes: tuple[str, ...]

    def to_bytes(self) -> bytes:
        """The profile as JSON."""
        return to_json(self, indent=2) + b"\n"


def profile(table: Table) -> Profile:
    """Describe a table column by column."""
    contract = table.contract
    if contract.target.classes:
        names = [class_key(name) for name in contract.target.classes]
        target = _counted(contract.target.name, "category", table.targets.astype(np.float64), names)
    else:
        target = _measured(contract.target.name, "number", table.targets.astype(np.float64))
    columns = (
        _with_words(_described(feature, column, table), table)
        for feature, column in zip(contract.features, table.leads().T, strict=True)
    )
    return Profile(
        rows=len(table.rows),
        data_sha256=table.digest,
        task=contract.task,
        target=target,
        columns=tuple(columns),
        notes=table.notes,
    )


def _with_words(column: ColumnProfile, table: Table) -> ColumnProfile:
    """The profile of free text with its own number of different values, and its most frequent words for values."""
    if column.name not in table.texts:
        return column
    texts = {text for text in table.texts[column.name].tolist() if text is not None}
    present = len(table.rows) - column.missing
    words = table.vocabularies[column.name].frequent(_TOP)
    top = tuple(Value(value=word, rows=round(share * present)) for word, share in words)
    return column.model_copy(update={"distinct": len(texts), "top": top})


def _described(feature: Feature, column: Matrix, table: Table) -> ColumnProfile:
    if feature.levels:
        described = _counted(feature.name, feature.kind, column, feature.levels)
    else:
        described = _measured(feature.name, feature.kind, column).model_copy(update={"origin": feature.origin})
    correlation, measure = _association(feature, column, table)
    if correlation is None:
        return described
    return described.model_copy(update={"correlation": correlation, "measure": measure})


def _measured(name: str, kind: Kind, column: Matrix) -> ColumnProfile:
    missing = np.isnan(column)
    known = np.sort(column[~missing])
    if not len(known):
        return ColumnProfile(name=name, kind=kind, missing=len(column), distinct=0)
    return ColumnProfile(
        name=name,
        kind=kind,
        missing=int(missing.sum()),
        distinct=1 + int(np.count_nonzero(np.diff(known))),
        min=float(known[0]),
        mean=float(known.mean()),
        max=float(known[-1]),
        std=float(known.std()),
        quantiles={str(share): float(np.quantile(known, share)) for share in _QUANTILES},
    )


def _counted(name: str, kind: Kind, column: Matrix, names: Sequence[str]) -> ColumnProfile:
    missing = np.isnan(column)
    counts = np.bincount(column[~missing].astype(np.int64), minlength=len(names))
    most = np.argsort(-counts, kind="stable")[:_TOP]
    return ColumnProfile(
        name=name,
        kind=kind,
        missing=int(missing.sum()),
        distinct=int(np.count_nonzero(counts)),
        top=tuple(Value(value=names[code], rows=int(counts[code])) for code in most if counts[code]),
    )


def _association(feature: Feature, column: Matrix, table: Table) -> tuple[float | None, Measure]:
    known = ~np.isnan(column)
    values, targets = column[known], table.targets[known].astype(np.float64)
    if table.contract.task == "classification":
        if feature.levels:
            return _cramers_v(values.astype(np.int64), targets.astype(np.int64)), "cramers v"
        return _correlation_ratio(targets.astype(np.int64), values), "correlation ratio"
    if feature.is_nominal:
        return _correlation_ratio(values.astype(np.int64), targets), "correlation ratio"
    return _pearson(values, targets), "pearson"


def _pearson(first: Matrix, second: Matrix) -> float | None:
    if not _varies(first) or not _varies(second):
        return None
    first, second = first - first.mean(), second - second.mean()
    return float(np.clip(first @ second / np.sqrt((first @ first) * (second @ second)), -1, 1))


def _correlation_ratio(groups: NDArray[np.int64], values: Matrix) -> float | None:
    """Square root of the share of a number's variance that groups explain: from 0 to 1.

    The share is Kelley's epsilon squared (1935), about 0 by chance whatever the number of groups. None if each row is
    a group of its own.
    """
    if not _varies(groups) or not _varies(values):
        return None
    values = values - values.mean()
    counts, sums = np.bincount(groups), np.bincount(groups, values)
    present = counts > 0
    rows, number = len(values), int(present.sum())
    if rows == number:
        return None
    within = 1 - float((sums[present] ** 2 / counts[present]).sum()) / float(values @ values)
    return float(np.sqrt(np.clip(1 - within * (rows - 1) / (rows - number), 0, 1)))


def _cramers_v(first: NDArray[np.int64], second: NDArray[np.int64]) -> float | None:
    """Cramer's V with Bergsma's correction (2013), about 0 by chance whatever the number of categories.

    None if each row is a category of its own.
    """
    if not _varies(first) or not _varies(second):
        return None
    width = int(second.max()) + 1
    table = np.bincount(first * width + second, minlength=(int(first.max()) + 1) * width).reshape(-1, width)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0].astype(np.float64)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    rows, sides = len(first), np.array(table.shape) - 1.0
    chance = sides / (rows - 1)
    squares = float(((table - expected) ** 2 / expected).sum()) / rows
    most = float((sides * (1 - chance)).min())
    if most <= 0:
        return None
    return float(np.sqrt(np.clip((squares - float(sides.prod()) / (rows - 1)) / most, 0, 1)))


def _varies(values: NDArray[Any]) -> bool:
    return len(values) > 0 and bool(values.min() != values.max())
