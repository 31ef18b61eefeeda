"""Reads and cleans the table: the columns, names and rows that `model.yaml` leaves it, not yet encoded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from skylift.cells import clean_text
from skylift.errors import ConfigError, DataError
from skylift.numerals import Numerals
from training.config.table import DataSection, SplitSection, TableSpec
from training.data.encoding import check_known
from training.data.options import ReadOptions
from training.data.reader import Progress, read_rows
from training.data.rows import with_types_of_rows_left, without_single_classes, without_values
from training.data.target import with_rare_classes

_MIN_ROWS = 10


@dataclass(frozen=True, slots=True)
class CleanTable:
    """A table with the columns and names that `model.yaml` gives it, not yet encoded.

    Parameters
    ----------
    frame
        Nullable columns of the features and the target; the index counts the file's rows from 0.
    target
        Name of the target column, which every row has a value in.
    digest
        SHA-256 of the file.
    notes
        Notes about cleaning, for people.
    left_out
        Columns of the file that the frame does not have, by their names in the file, and the target's name there.
    numerals
        How columns of numbers or booleans are written that have texts among them.
    split_column
        Column that `split` names, which need not be a feature; None for a random split.
    merged
        Rare classes that are one in the frame.
    """

    frame: pd.DataFrame
    target: str
    digest: str
    notes: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    numerals: Mapping[str, Numerals] = field(default_factory=dict)
    split_column: "pd.Series[Any] | None" = None
    merged: tuple[str, ...] = ()


def read_clean(spec: TableSpec, *, progress: Progress = lambda _: None) -> CleanTable:
    """Read and clean a table.

    Raises
    ------
    DataError, ConfigError
        See `read_table`, apart from what is wrong within a column.
    """
    options = _read_options(spec)
    raw = read_rows(
        spec.data.path,
        sample=spec.data.sample,
        seed=spec.split.seed,
        progress=progress,
        options=options,
    )
    digest, rows, notes, sampled = raw.digest, raw.rows, [*raw.notes], len(raw.frame)
    texts = frozenset(spec.data.rename.get(name, name) for name in raw.texts)
    numerals = {spec.data.rename.get(name, name): form for name, form in raw.numerals.items()}
    frame, left_out, excluded = _cleaned(raw.frame, spec.data, spec.target.column)
    left_out = (*raw.left_out, *left_out)
    split_column = _split_column(raw.frame, spec.split, spec.data.rename)
    del raw  # it has all columns, also the dropped ones
    if sampled < rows:
        notes.append(f"{sampled} of {rows} rows were drawn as a sample")
    notes += excluded
    target, task = spec.target.column, spec.target.declared_task
    if missing := int(frame[target].isna().sum()):
        notes.append(f"{missing} rows without {target} were left out")
        frame = frame[frame[target].notna()]
    frame, merged, rare = with_rare_classes(frame, spec.target)
    notes += rare
    frame, single = without_single_classes(frame, target, classifies=task and task == "classification")
    notes += single
    if len(frame) < sampled or sampled < rows:  # a row of units, or one odd cell, may be gone
        before, frame = (
            frame,
            with_types_of_rows_left(
                frame, spec, texts=texts, options=options if sampled < rows else None, progress=progress
            ),
        )
        numerals |= {str(name): Numerals() for name in frame if frame[name].dtype != before[name].dtype}
    if len(frame) < _MIN_ROWS:
        raise DataError(f"{spec.data.path.name} has {len(frame)} usable rows", f"at least {_MIN_ROWS} are needed")
    split_by = (
        [str(split_column.name)] if split_column is not None else []
    )  # its form is told there, also if it is dropped
    check_known(spec.features, [*(name for name in frame.columns if name != target), *split_by], "features")
    check_known(spec.bounds.trusted, list(frame.columns), "validate.trusted")
    if split_column is not None:
        split_column = split_column[frame.index]
    return CleanTable(frame, target, digest, tuple(notes), left_out, numerals, split_column, merged)


def _read_options(spec: TableSpec) -> ReadOptions:
    """What `model.yaml` says of the cells, by the names in the file."""
    data, old_names = spec.data, {new: old for old, new in spec.data.rename.items()}
    kinds = {
        old_names.get(name, name): kind
        for name, about in spec.features.items()
        if (kind := about.declared_kind) is not None
    }
    return ReadOptions(
        missing=data.missing,
        columns=data.columns,
        encoding=data.encoding,
        delimiter=data.delimiter,
        decimal=data.decimal,
        thousands=data.thousands,
        kinds=kinds,
        target=old_names.get(spec.target.column, spec.target.column),
        task=spec.target.declared_task,
    )


def _split_column(frame: pd.DataFrame, split: SplitSection, renamed: dict[str, str]) -> "pd.Series[Any] | None":
    """The column that `split` names, by its new name where it is renamed, though `data.drop` may leave it out."""
    if (name := split.column) is None:
        return None
    before = {new: old for old, new in renamed.items()}.get(name, name)
    check_known([before], list(frame.columns), f"split.{split.kind}")
    return frame[before].rename(name)


def _cleaned(frame: pd.DataFrame, data: DataSection, target: str) -> tuple[pd.DataFrame, tuple[str, ...], list[str]]:
    """The table with the columns, names and rows that `model.yaml` leaves it.

    Then what `CleanTable.left_out` holds, and notes of what was left out.
    """
    frame.columns = pd.Index([clean_text(str(name)) or "" for name in frame.columns])
    columns = list(frame.columns)
    check_known(data.drop, columns, "data.drop")
    check_known(data.rename, columns, "data.rename")
    unnamed = [name for name in columns if name.startswith("Unnamed:")]  # an index that a data frame was saved with
    renamed_to_target = [old for old, new in data.rename.items() if new == target]
    # csv.DictReader calls a column without a name "", and pandas "Unnamed: 0"
    left_out = (*data.drop, *unnamed, *[""][: len(unnamed)], *renamed_to_target)
    notes = [f"column {int(name.split()[1]) + 1}, which has no name, was left out" for name in unnamed]
    frame = frame.drop(columns=unnamed).rename(columns=data.rename)
    check_known([target], list(frame.columns), "target.column")
    if frame.columns.duplicated().any():
        raise ConfigError("data.rename gives two columns the same name", "give each its own")
    frame, excluded = without_values(frame, data.exclude)
    dropped = [data.rename.get(name, name) for name in data.drop]
    return frame.drop(columns=dropped), left_out, [*notes, *excluded]
