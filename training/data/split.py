"""The target of a table, and which rows are learned from: rows are split before they are encoded."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from skylift.contract import Target, Task
from skylift.errors import DataError
from training.config.table import FeatureSection, TableSpec
from training.data.clean import CleanTable
from training.data.split_keys import SplitKeys, hold_out, read_keys, split_advice
from training.data.table import Split, Table, Targets
from training.data.target import RARE, check_guessed, encode_target, guess_task, why_guessed


@dataclass(frozen=True, slots=True)
class Labels:
    """The target of a clean table, and what its rows are split by.

    Parameters
    ----------
    target, task
        Target, and whether it is classes or values.
    targets
        Class codes or values of the rows, `[n]`.
    keys
        Keys that `split.time` or `split.group` cut by; None for a random split.
    notes
        Notes for people.
    """

    target: Target
    task: Task
    targets: Targets
    keys: SplitKeys | None
    notes: tuple[str, ...]


def read_labels(clean: CleanTable, spec: TableSpec) -> Labels:
    """Read what a table is split by.

    Raises
    ------
    DataError
        The target never changes, or the split's column has no order or groups.
    ConfigError
        `target` does not fit its column.
    """
    column = clean.frame[clean.target]
    if spec.target.declared_task is None:
        check_guessed(column)
    task = spec.target.declared_task or guess_task(column)
    notes = [] if spec.target.declared_task else [why_guessed(column, task)]
    target, targets = encode_target(column, task, spec.target, clean.merged)
    keys = None
    if clean.split_column is not None and spec.split.kind != "random":
        about = spec.features.get(str(clean.split_column.name), FeatureSection())
        keys = read_keys(clean.split_column, spec.split.kind, about)
    else:
        notes += split_advice(clean.frame, clean.target, targets)
    return Labels(target, task, targets, keys, tuple(notes))


def split_rows(table: Table, *, holdout: float, seed: int) -> Split:
    """Split a table; see `split_labels`."""
    contract = table.contract
    labels = Labels(contract.target, contract.task, table.targets, table.keys, table.notes)
    return split_labels(labels, holdout=holdout, seed=seed)


def split_labels(labels: Labels, *, holdout: float, seed: int) -> Split:
    """Split by the keys of the rows, or by a seed with classes in the same proportions on both sides.

    Raises
    ------
    DataError
        A class has too few rows to be learned and measured.
    """
    classifies, targets, target = labels.task == "classification", labels.targets, labels.target
    try:
        if labels.keys is not None:
            train, held_out = hold_out(labels.keys, holdout, seed)
        else:
            train, held_out = train_test_split(
                np.arange(len(targets)),
                test_size=holdout,
                random_state=seed,
                stratify=targets if classifies else None,
            )
    except ValueError as error:
        raise DataError(f"the table cannot be split: {error}", "add rows, or change split.holdout") from error
    if classifies:  # each class is learned in one half of the rows, and tested in another
        counts = np.bincount(targets[train].astype(np.int64), minlength=len(target.classes))
        if rare := [str(target.classes[code]) for code in np.flatnonzero(counts < 2)]:
            raise DataError(
                f"too few rows have {target.name} {', '.join(rare[:5])}",
                f"add rows, make split.holdout smaller, or make rare classes one: {RARE}",
            )
    return Split(train, held_out)
