"""How a column becomes the target: the guess of the task, the names of classes, and codes or values."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skylift.contract import ClassName, Target, Task, class_key
from skylift.errors import ConfigError, DataError
from skylift.feature import LARGEST_EXACT_INTEGER
from skylift.figures import exact_text
from skylift.names import listed
from training.config.table import TargetSection
from training.data.columns import text_array
from training.data.dates import Texts, forms_of
from training.data.doubts import first_of, odd_texts
from training.data.encoding import check_known

MAX_CLASSES = 100
_MAX_GUESSED_CLASSES = 20
_MAX_RATINGS = 10
_MIN_ROWS_PER_GUESSED_CLASS = 5
RARE = "target.rare: {below: 10, into: other}"
"""The key of `model.yaml` that makes rare classes one."""


def guess_task(column: "pd.Series[Any]") -> Task:
    """Classification for texts, booleans and few whole numbers; regression for other numbers.

    More than ten numbers of which some are in a single row are counts, whose large ones are rare.
    """
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return "classification"
    values = column.astype(float)
    counts = values.value_counts()
    few = len(counts) <= min(_MAX_GUESSED_CLASSES, len(values) / _MIN_ROWS_PER_GUESSED_CLASS)
    few = few and (len(counts) <= _MAX_RATINGS or counts.min() > 1)
    return "classification" if few and bool((values == values.round()).all()) else "regression"


def check_guessed(column: "pd.Series[Any]") -> None:
    """Refuse a target whose task nobody would guess so: many different texts that are rather numbers, or dates.

    Raises
    ------
    DataError
    """
    if pd.api.types.is_numeric_dtype(column) or column.nunique() <= _MAX_GUESSED_CLASSES:
        return
    if odd := odd_texts(column):
        row, text = first_of(column, odd)
        raise DataError(
            f"target {column.name} holds {text!r} in row {row + 1}, most others numbers",
            f"leave the row out by data.exclude: {{{column.name}: [{text!r}]}}, or set target.task: classification",
        )
    if forms_of(Texts.of(column).known):
        raise DataError(
            f"target {column.name} holds dates, which are neither classes nor amounts",
            "predict a number that follows from them: add a column of the days since another date, and name it",
        )


def why_guessed(column: "pd.Series[Any]", task: Task) -> str:
    """A note of why a task was guessed, with the key that says otherwise."""
    reason, advice = _reason(column, task)
    return f"target.task was guessed: {task}, because {column.name} {reason}{advice}"


def _reason(column: "pd.Series[Any]", task: Task) -> tuple[str, str]:
    if pd.api.types.is_bool_dtype(column):
        return "holds true and false", ""
    if not pd.api.types.is_numeric_dtype(column):
        return "holds texts", ""
    values = column.astype(float)
    distinct, low, high = values.nunique(), exact_text(values.min()), exact_text(values.max())
    if task == "regression":
        whole = bool((values == values.round()).all())
        advice = "; if they are names of classes, set target.task: classification" if whole else ""
        return f"has {distinct} different numbers", advice
    if distinct <= 2:
        return f"has no numbers but {low} and {high}", ""
    advice = "; if a larger one means more, as of ratings and counts, set target.task: regression to predict the number"
    return f"has {distinct} different whole numbers from {low} to {high}", advice


def positive_class(target: Target, section: TargetSection) -> list[str]:
    """A note of which of two texts is the positive class, where `model.yaml` does not say: `ja` comes before `nein`."""
    if section.positive is not None or len(target.classes) != 2 or not isinstance(target.classes[1], str):
        return []
    in_table = {shown: label for label, shown in section.labels.items()}
    other, positive = target.classes
    key = f"target.positive: {in_table.get(other, other)}"
    return [f"precision, recall and f1 are about {positive}, the second of the classes; {key} makes {other} the second"]


def with_rare_classes(frame: pd.DataFrame, section: TargetSection) -> tuple[pd.DataFrame, tuple[str, ...], list[str]]:
    """The rows with their rare classes as one, or without them.

    Returns
    -------
    tuple
        The rows, the names of the classes that became one, and a note of what was done.
    """
    if section.rare is None:
        return frame, (), []
    column, into = frame[section.column], section.rare.into
    codes, distinct = pd.factorize(column)
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
    rare = np.append(counts < section.rare.below, False)  # a missing value has code -1
    names = [class_key(_plain(value)) for value in distinct]
    merged = tuple(sorted(name for name, is_rare in zip(names, rare, strict=False) if is_rare and name != into))
    if not merged:
        return frame, (), []
    rows = counts[[name in merged for name in names]].sum()
    what = f"{rows} rows of classes of {column.name} with fewer than {section.rare.below} rows ({listed(merged)})"
    if into is None:
        return frame[~rare[codes]], (), [f"{what} were left out by target.rare"]
    texts = np.array([*(into if name in merged else name for name in names), None], dtype=object)[codes]
    return (
        frame.assign(**{str(column.name): text_array(texts)}),
        merged,
        [f"{what} are the class {into} by target.rare"],
    )


def encode_target(
    column: "pd.Series[Any]", task: Task, section: TargetSection, merged: tuple[str, ...] = ()
) -> tuple[Target, NDArray[np.float64] | NDArray[np.int64]]:
    """The target of a column without missing values, and its class codes or values, `[n]`.

    Parameters
    ----------
    merged
        Classes that are `section.rare.into` in the column.

    Raises
    ------
    DataError
        There is nothing to learn, or not in this task.
    ConfigError
        `target.labels` or `target.positive` does not fit the classes.
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
    _check_number(classes, name)
    counts = column.value_counts()
    if rare := [str(label) for label, count in counts.items() if count < 2]:
        raise DataError(
            f"only one row has {name} {', '.join(rare[:5])}",
            f"add rows; or leave rare classes out by target.rare: {{below: 2}}, or make them one: {RARE}",
        )
    if section.positive is not None:
        classes = _with_positive(classes, section.positive, name)
    check_known([str(label) for label in section.labels], [str(label) for label in classes], "target.labels")
    by_text = {str(label): code for code, label in enumerate(classes)}
    codes, distinct = pd.factorize(column)
    targets = np.array([by_text[str(_plain(value))] for value in distinct])[codes]
    labels = {str(label): shown for label, shown in section.labels.items()}
    renamed = _of_one_type([labels.get(str(label), label) for label in classes])
    if len({class_key(label) for label in renamed}) < len(renamed):
        raise ConfigError("target.labels gives two classes the same name", "give each its own")
    rest = section.rare.into if section.rare and merged else None
    shown = None if rest is None else renamed[[str(label) for label in classes].index(rest)]
    return Target(name=name, classes=renamed, rest=shown, merged=merged or None), targets


def _check_number(classes: list[ClassName], name: str) -> None:
    if len(classes) == 1:
        raise DataError(
            f"target {name} is always {class_key(classes[0])}", "there is nothing to learn: name another column"
        )
    if len(classes) > MAX_CLASSES:
        raise DataError(
            f"target {name} has {len(classes)} classes",
            "make rare ones one class by target.rare: {below: 20, into: other}, or set task: regression",
        )


def _with_positive(classes: list[ClassName], positive: ClassName, name: str) -> list[ClassName]:
    """Two classes, the positive one last."""
    if len(classes) != 2:
        raise ConfigError(
            f"target.positive is one of two classes, and {name} has {len(classes)}",
            "leave it out, or make rare classes one by target.rare",
        )
    check_known([class_key(positive)], [class_key(label) for label in classes], "target.positive")
    return sorted(classes, key=lambda label: class_key(label) == class_key(positive))


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
