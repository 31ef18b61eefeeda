"""Leaves rows out: by values that model.yaml names, without a target, or of a class with a single row."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from skylift.cells import clean_text
from training.config.table import TableSpec
from training.data.columns import family_of, retyped
from training.data.encoding import check_known
from training.data.options import ReadOptions
from training.data.reader import Progress, read_rows
from training.data.target import guess_task

_MOST_RARE = 0.1


def without_values(frame: pd.DataFrame, exclude: Mapping[str, tuple[str, ...]]) -> tuple[pd.DataFrame, list[str]]:
    """The rows that hold none of the named values, and a note for each value.

    Raises
    ------
    ConfigError
        The table does not have the column.
    """
    check_known(exclude, list(frame.columns), "data.exclude")
    wrong, notes = np.zeros(len(frame), dtype=bool), []
    for name, values in exclude.items():
        for value in values:
            rows = _equal(frame[name], value)
            notes.append(f"{int(rows.sum())} rows with {name} {value} were left out by data.exclude")
            wrong |= rows
    return (frame[~wrong], notes) if wrong.any() else (frame, notes)


def without_single_classes(
    frame: pd.DataFrame, target: str, *, classifies: bool | None
) -> tuple[pd.DataFrame, list[str]]:
    """The rows of classes that have another row, and a note for what was left out.

    Parameters
    ----------
    classifies
        Whether the task is a classification; None if it is to be guessed.
    """
    column = frame[target]
    counts = column.value_counts()
    single = counts.index[counts == 1]
    if classifies is None:
        classifies = guess_task(column) == "classification"
    if not classifies or not len(single) or len(single) > _MOST_RARE * len(frame) or len(counts) - len(single) < 2:
        return frame, []
    notes = [
        f"the only row with {target} {label} was left out: it cannot be both learned and tested" for label in single
    ]
    return frame[~column.isin(single)], notes


def with_types_of_rows_left(
    frame: pd.DataFrame, spec: TableSpec, *, texts: frozenset[str], options: ReadOptions | None, progress: Progress
) -> pd.DataFrame:
    """The table, with texts as numbers or booleans where all rows that are left of the file hold nothing else.

    Where a sample alone would make such a column, the file is read once more: an odd cell may be in any of its rows.

    Parameters
    ----------
    texts
        Names of columns that stay texts.
    options
        Options that a sample was read with; None for a whole table.
    """
    typed = _with_types(frame, texts)
    changed = [str(name) for name in frame if typed[name].dtype != frame[name].dtype]
    if options is None or not changed:
        return typed
    target, task, data = spec.target.column, spec.target.declared_task, spec.data
    before = {new: old for old, new in data.rename.items()}
    only = {before.get(name, name) for name in (*changed, *data.exclude, target)}
    raw = read_rows(data.path, only=only, progress=progress, options=options)
    every = raw.frame.rename(columns=lambda name: clean_text(str(name)) or "").rename(columns=data.rename)
    every, _ = without_values(every, data.exclude)
    every = every[every[target].notna()]
    every, _ = without_single_classes(every, target, classifies=task and task == "classification")
    if len(every) < raw.rows:
        every = _with_types(every[changed], frozenset())
    numbers = {name: every[name].dtype for name in changed if family_of(every[name].dtype) != "text"}
    return frame.assign(**{name: typed[name].astype(dtype) for name, dtype in numbers.items()})


def _with_types(frame: pd.DataFrame, texts: frozenset[str]) -> pd.DataFrame:
    columns = {name: frame[name] if name in texts else retyped(frame[name]) for name in frame.columns}
    return pd.DataFrame(columns, index=frame.index)


def _equal(column: "pd.Series[Any]", value: str) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Which cells are a value as model.yaml writes it."""
    if family_of(column.dtype) in {"integer", "number"}:
        try:
            equal = column == float(value)
        except ValueError:
            return np.zeros(len(column), dtype=bool)
    else:
        texts = column.astype("string[python]")
        equal = texts.str.lower() == value.lower() if family_of(column.dtype) == "boolean" else texts == value
    return equal.fillna(value=False).to_numpy(dtype=bool)
