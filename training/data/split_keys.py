"""What `split.time` and `split.group` cut by: the rows' order in time, or the groups that stay together."""

import math
import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skylift.errors import DataError
from training.config.table import FeatureSection
from training.data.dates import which_form
from training.data.encoding import dates_of
from training.data.identifiers import named_as_identifier
from training.metrics.resamples import Clusters

_TIME_NAME = re.compile(r"(^|[\W_])(date|datetime|time|timestamp|year|month|week|day)$", re.IGNORECASE)
_ENOUGH = 20
_FEW_GROUPS = 5
_AUTOCORRELATED = 4.0
_ROUNDING = 1e-9  # of a cube root

type Order = NDArray[np.float64]
"""Time as a number, or code of the group, of each row."""


@dataclass(frozen=True, slots=True, eq=False)
class SplitKeys:
    """Keys of the rows that a split may not cut anywhere else.

    Parameters
    ----------
    kind
        `time`: training rows are earlier than those measured on. `group`: rows of a group are on one side.
    values
        Time or code of the group, `[n]`.
    """

    kind: Literal["time", "group"]
    values: Order

    def take(self, rows: NDArray[Any]) -> "SplitKeys":
        """Keys of the rows at some places."""
        return SplitKeys(self.kind, self.values[rows])

    def clusters(self) -> Clusters:
        """Rows that chance draws together: those of a group, or of as many steps of time as their cube root.

        So long a block is of the best order for the variance of a mean of dependent rows (Hall, Horowitz and Jing,
        1995).
        """
        distinct, places = np.unique(self.values, return_inverse=True)
        length = math.ceil(len(distinct) ** (1 / 3) - _ROUNDING) if self.kind == "time" else 1
        return np.asarray(places // length, dtype=np.int64)


def read_keys(
    column: "pd.Series[Any]",
    kind: Literal["time", "group"],
    about: FeatureSection = FeatureSection(),  # noqa: B008 (it is frozen)
) -> SplitKeys:
    """Read the keys of a column.

    Parameters
    ----------
    about
        Section of the column in `model.yaml`, whose form says how it writes dates.

    Raises
    ------
    DataError
        A value is missing, or neither a number nor a date in one form.
    """
    if column.hasnans:
        row = int(column.index[np.flatnonzero(column.isna())[0]]) + 1
        raise DataError(f"split.{kind}: {column.name} is missing in row {row}", "fill it, or leave the row out")
    if kind == "group":
        return SplitKeys(kind, pd.factorize(column)[0].astype(np.float64))
    if pd.api.types.is_numeric_dtype(column):  # digits of dates have their order
        return SplitKeys(kind, column.to_numpy(dtype=np.float64))
    dates = dates_of(column, FeatureSection(form=about.form))
    if dates is None or (unread := np.isnan(dates.times)).any():
        first = column.iloc[0 if dates is None else int(np.flatnonzero(unread)[0])]
        raise DataError(
            f"split.time: {column.name} holds neither numbers nor dates in one form, such as {first!r}",
            f"write dates as 2026-03-31, or name their form: features.{column.name}.form",
        )
    if dates.others:
        raise DataError(
            f"split.time: {column.name} holds dates of which day and month cannot be told apart",
            which_form(str(column.name), [dates.form, *dates.others]),
        )
    return SplitKeys(kind, dates.times)


def hold_out(keys: SplitKeys, share: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows for training, and rows to hold out: the last ones in time, or some groups.

    Raises
    ------
    DataError
        All rows are of one time or of one group.
    """
    values, rows = keys.values, len(keys.values)
    if keys.kind == "time":
        order = np.argsort(values, kind="stable")
        first = values[order[min(rows - 1, rows - round(share * rows))]]
        held = values >= first
        return order[~held[order]], _some(order[held[order]], rows)
    codes, sizes = np.unique(values, return_counts=True)
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    total = np.cumsum(sizes[shuffled])
    count = 1 + int(np.argmin(np.abs(total - share * rows)))
    held = np.isin(values, codes[shuffled[:count]])
    return np.flatnonzero(~held), _some(np.flatnonzero(held), rows)


def _some(held: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    if len(held) == rows:
        raise DataError("the table cannot be split: all rows are of one time or group", "name another column in split")
    return held


def cut_by(keys: SplitKeys, folds: int, seed: int, classes: NDArray[Any] | None) -> list[tuple[Any, Any]]:
    """Cut rows into folds that the keys allow.

    Of time, each fold is measured on the rows that follow its training rows; equal times stay together.

    Parameters
    ----------
    classes
        Class codes of the rows; None for regression. A fold whose training rows lack a class is left out.

    Raises
    ------
    DataError
        No fold can be learned.
    """
    values, places = keys.values, np.arange(len(keys.values))
    pairs: list[tuple[Any, Any]]
    if keys.kind == "time":
        ordered = np.sort(values)
        edges = [ordered[len(ordered) * part // (folds + 1)] for part in range(1, folds + 1)]
        ends = [*edges[1:], np.inf]
        pairs = [
            (places[values < low], places[(values >= low) & (values < high)])
            for low, high in zip(edges, ends, strict=True)
        ]
    else:
        pairs = _by_group(values, min(folds, len(np.unique(values))), seed, classes)
    known = [pair for pair in pairs if _can_be_learned(*pair, classes)]
    if not known:
        raise DataError(
            f"the table cannot be cut into folds by {keys.kind}: no part has every class, or enough rows",
            "name another column in split, or add rows",
        )
    return known


def _by_group(values: Order, folds: int, seed: int, classes: NDArray[Any] | None) -> list[tuple[Any, Any]]:
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    if folds < 2:
        return []
    splitter = (GroupKFold if classes is None else StratifiedGroupKFold)(folds, shuffle=True, random_state=seed)
    return list(splitter.split(values, values if classes is None else classes, groups=values))


def _can_be_learned(train: NDArray[Any], test: NDArray[Any], classes: NDArray[Any] | None) -> bool:
    if len(train) < 2 or len(test) < 2:
        return False
    if classes is None:
        return True
    codes, counts = np.unique(classes[train], return_counts=True)
    return len(codes) == len(np.unique(classes)) and bool((counts >= 2).all())


def split_advice(frame: pd.DataFrame, target: str, targets: NDArray[Any]) -> list[str]:
    """Notes of columns that a random split may not be honest for, with the key to set."""
    notes = []
    for name in frame.columns:
        column = frame[name]
        if name == target or column.hasnans or (distinct := column.nunique()) < _FEW_GROUPS:
            continue
        if _ordered_in_time(str(name), column) and (_is_time(str(name), column) or _follows(targets)):
            notes.append(
                f"the rows are ordered by {name}: a random holdout lies between training rows; "
                f"if later rows are to be predicted, set split: {{time: {name}}}"
            )
        elif named_as_identifier(str(name)) and distinct < len(column):
            notes.append(
                f"column {name} looks like a group of rows: if rows of new groups are to be predicted, "
                f"set split: {{group: {name}}}"
            )
    return notes


def _ordered_in_time(name: str, column: "pd.Series[Any]") -> bool:
    if len(column) < _ENOUGH or pd.api.types.is_bool_dtype(column):
        return False
    try:
        steps = np.diff(read_keys(column, "time").values)
    except DataError:
        return False
    strictly = bool((steps > 0).all() or (steps < 0).all())
    return strictly or (_is_time(name, column) and bool((steps >= 0).all() or (steps <= 0).all()))


def _is_time(name: str, column: "pd.Series[Any]") -> bool:
    """Whether a column that has an order is one of times: by its name, or because its texts are dates."""
    return not pd.api.types.is_numeric_dtype(column) or bool(_TIME_NAME.search(name))


def _follows(targets: NDArray[Any]) -> bool:
    """Whether the target of a row tells that of the next: beyond what chance gives in any order."""
    centred = targets - targets.mean()
    variance = float(centred @ centred)
    if not variance:
        return False
    return bool(float(centred[1:] @ centred[:-1]) / variance > _AUTOCORRELATED / math.sqrt(len(targets)))
