"""Leaves rows out: by values that model.yaml names, without a target, or of a class with a single row."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from training.data.columns import family_of, retyped
from training.data.encoding import check_known, guess_task

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


def with_types_of(frame: pd.DataFrame, *, texts: frozenset[str]) -> pd.DataFrame:
    """The table, with texts as numbers or booleans where the rows that are left hold nothing else.

    Parameters
    ----------
    texts
        Names of columns that stay texts.
    """
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
