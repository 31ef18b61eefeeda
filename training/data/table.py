"""Reads and cleans the table, makes the contract from it, and splits it.

Estimators see one float64 matrix, encoded by the contract exactly as the service encodes requests; see
`skylift.encoding`. Rows are split before they are encoded: what encoding learns, it learns from training rows.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from skylift.cells import clean_text
from skylift.contract import Contract, Instance, Target, Task
from skylift.encoding import RowEncoder, leads
from skylift.errors import ConfigError, DataError
from skylift.feature import Feature
from skylift.numerals import Numerals
from skylift.scoring import Matrix
from skylift.vocabulary import Vocabulary
from training.config.table import DataSection, FeatureSection, SplitSection, TableSpec
from training.data.dates import ColumnOfDates, about_dates
from training.data.declared import as_declared
from training.data.doubts import doubt_about_integers, doubt_about_texts, variants
from training.data.encoding import check_known, dates_of, encode_feature, kind_for, unusable
from training.data.identifiers import identifies
from training.data.options import ReadOptions
from training.data.reader import Progress, read_rows
from training.data.rows import with_types_of_rows_left, without_single_classes, without_values
from training.data.spellings import as_in_table
from training.data.split_keys import SplitKeys, hold_out, read_keys, split_advice
from training.data.target import RARE, encode_target, guess_task, why_guessed, with_rare_classes
from training.data.texts import ROWS_OF_A_TERM, LearnedText, learn_text, tells
from training.metrics.resamples import Clusters

_MIN_ROWS = 10
_EVERY = slice(None)

type Targets = NDArray[np.float64] | NDArray[np.int64]
"""Class codes, int64 `[n]`, or values, float64 `[n]`."""


@dataclass(frozen=True, slots=True)
class Table:
    """A cleaned table, encoded.

    Parameters
    ----------
    contract
        Contract made from the table.
    rows
        float64 `[n, width]`.
    targets
        Class codes, int64 `[n]`, or values, float64 `[n]`.
    digest
        SHA-256 of the file.
    notes
        Notes about cleaning, for people.
    keys
        Keys that `split.time` or `split.group` cut by; None for a random split.
    texts, vocabularies
        Texts of the rows, None for a missing one, `[n]`, and their vocabulary, of each feature of free text.
    """

    contract: Contract
    rows: Matrix
    targets: Targets
    digest: str
    notes: tuple[str, ...]
    keys: SplitKeys | None = None
    texts: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=dict)

    @property
    def encoder(self) -> RowEncoder:
        """What encodes instances of the contract as the rows are."""
        return RowEncoder(self.contract, self.vocabularies)

    def leads(self, rows: NDArray[Any] | slice = _EVERY) -> Matrix:
        """The numbers that stand for the features of the rows at some places, `[n, features]`."""
        return leads(self.contract, self.rows[rows])

    def clusters(self, rows: NDArray[Any]) -> Clusters | None:
        """Clusters of the rows at some places, which intervals draw as a whole; None for a random split."""
        return self.keys.take(rows).clusters() if self.keys else None

    def instance(self, index: int) -> Instance:
        """A row as a caller would send it, missing values left out."""
        return self._instance(index, lambda name: str(self.texts[name][index]))

    def presentable(self, index: int) -> Instance:
        """A row like one of the table that may be shown: of free text, it has the words that are nearest."""
        blocks = {each.name: block for each, block in zip(self.contract.features, self.contract.blocks, strict=True)}
        return self._instance(index, lambda name: self.vocabularies[name].typical(self.rows[index, blocks[name]][1:]))

    def _instance(self, index: int, text_of: Callable[[str], str]) -> Instance:
        values = zip(self.contract.features, self.leads(slice(index, index + 1))[0].tolist(), strict=True)
        return {
            feature.name: text_of(feature.name) if feature.kind == "text" else feature.decode(value)
            for feature, value in values
            if not math.isnan(value)
        }


@dataclass(frozen=True, slots=True)
class Split:
    """Indices of the training rows and of the holdout rows, `[n]` each."""

    train: NDArray[np.int64]
    holdout: NDArray[np.int64]


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


def read_table(spec: TableSpec, *, progress: Progress = lambda _: None) -> Table:
    """Read a table and make its contract.

    Raises
    ------
    DataError
        The file cannot be read, has too few rows, or has no usable feature.
    ConfigError
        `model.yaml` names a column that the table does not have.
    """
    clean = read_clean(spec, progress=progress)
    return encode_table(clean, read_labels(clean, spec), spec)


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
    check_known(spec.features, [name for name in frame.columns if name != target], "features")
    check_known(spec.bounds.trusted, list(frame.columns), "validate.trusted")
    if split_column is not None:
        split_column = split_column[frame.index]
    return CleanTable(frame, target, digest, tuple(notes), left_out, numerals, split_column, merged)


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
    task = spec.target.declared_task or guess_task(column)
    notes = [] if spec.target.declared_task else [why_guessed(column, task)]
    target, targets = encode_target(column, task, spec.target, clean.merged)
    keys = None
    if clean.split_column is not None and spec.split.kind != "random":
        keys = read_keys(clean.split_column, spec.split.kind)
    else:
        notes += split_advice(clean.frame, clean.target, targets)
    return Labels(target, task, targets, keys, tuple(notes))


def encode_table(clean: CleanTable, labels: Labels, spec: TableSpec, *, learned: NDArray[Any] | None = None) -> Table:
    """Make the contract of a table, and its encoded rows.

    Parameters
    ----------
    learned
        Places of the rows that encoding learns from; all rows if absent.

    Raises
    ------
    DataError
        No column is usable as a feature.
    """
    target = labels.target
    notes = [*clean.notes, *labels.notes]
    features: list[Feature] = []
    columns: list[Matrix] = []
    texts: dict[str, LearnedText] = {}
    learned = np.arange(len(clean.frame)) if learned is None else learned
    ignored = [*clean.left_out, clean.target]
    for name in clean.frame.columns:
        if name == clean.target:
            continue
        column, about = clean.frame[name], spec.features.get(name, FeatureSection())
        dates = dates_of(column, about)
        if reason := _left_out(column, about, spec, dates):
            notes.append(f"column {name} was left out: {reason}")
            ignored.append(name)
            continue
        if dates is None and kind_for(column, about) == "text":
            if text := learn_text(column, about, learned=learned, seed=spec.split.seed):
                texts[name] = text
                features.append(text.feature)
                columns.append(text.encoded)
            else:
                notes.append(_without_terms(name, spec))
                ignored.append(name)
            continue
        feature, encoded = encode_feature(column, about, dates=dates, learned=learned)
        asks = feature.kind == "category" and about.declared_kind is None
        doubt = doubt_about_texts(column) if asks else None
        if not (doubt or spec.asks_for(name)) and (reason := identifies(feature, encoded[:, 0])):
            notes.append(f"column {name} was left out: {reason}; to keep it, name it in validate.trusted")
            ignored.append(name)
            continue
        features.append(feature)
        columns.append(encoded)
        notes += _feature_notes(feature, column, doubt, spec)
    silent = _silent(texts, labels, learned, spec)
    silent = silent[len(silent) == len(features) :]  # one is left
    kept = [place for place, feature in enumerate(features) if feature.name not in silent]
    features, columns = [features[place] for place in kept], [columns[place] for place in kept]
    ignored += silent
    notes += _text_notes(texts, silent, target)
    notes += _variant_notes(target, features)
    _check_any(features, notes)
    names = {feature.name for feature in features}
    ignored = [name for name in dict.fromkeys(ignored) if name not in names]
    features = as_in_table(features, spec.data, clean.numerals, taken=names.union(ignored))
    contract = Contract(task=labels.task, features=tuple(features), target=target, ignored=tuple(ignored))
    texts = {name: text for name, text in texts.items() if name not in silent}
    return Table(
        contract,
        np.column_stack(columns),
        labels.targets,
        clean.digest,
        tuple(notes),
        labels.keys,
        {name: text.cells for name, text in texts.items()},
        {name: text.vocabulary for name, text in texts.items()},
    )


def _feature_notes(feature: Feature, column: "pd.Series[Any]", doubt: str | None, spec: TableSpec) -> Iterator[str]:
    """Notes of what a column was taken as."""
    name, about = feature.name, spec.features.get(feature.name, FeatureSection())
    if doubt:
        yield f"column {name} is taken as texts: {doubt}"
    if feature.kind == "integer" and about.declared_kind is None and (numbered := doubt_about_integers(column)):
        yield f"column {name} is taken as amounts: {numbered}; for names, set features.{name}.kind: category"
    if feature.rare:
        yield (
            f"column {feature.name} has {len(feature.categories) + len(feature.rare)} different texts: the "
            f"{len(feature.rare)} that fewer than two training rows have share one code, {feature.other!r}"
        )
    if feature.kind == "datetime":
        yield about_dates(feature, split_by=feature.name == spec.split.column)


def _check_any(features: Sequence[Feature], notes: Sequence[str]) -> None:
    if not features:
        reasons = [note for note in notes if " was left out: " in note]
        raise DataError(
            "the table has no usable feature column", "; ".join(reasons) or "add a column beside the target"
        )


def _without_terms(name: str, spec: TableSpec) -> str:
    """A note of free text that shares too few terms.

    Raises
    ------
    DataError
        It is declared to be free text.
    """
    reason = f"no two terms of its texts are in {ROWS_OF_A_TERM} training rows"
    if name in spec.features and spec.features[name].kind == "text":
        raise DataError(f"features.{name}.kind is text, but {reason}", f"remove it, or add {name} to data.drop")
    return f"column {name} was left out: {reason}"


def _silent(texts: Mapping[str, LearnedText], labels: Labels, learned: NDArray[Any], spec: TableSpec) -> list[str]:
    """Names of texts that tell nothing of the target, and that nobody asks for."""
    targets = labels.targets[learned]
    return [
        name
        for name, text in texts.items()
        if not (spec.asks_for(name) or tells(text.encoded[learned], targets, labels.task, spec.split.seed))
    ]


def _text_notes(texts: Mapping[str, LearnedText], silent: Sequence[str], target: Target) -> Iterator[str]:
    """Notes of what became of free text."""
    for name, text in texts.items():
        if name in silent:
            yield (
                f"column {name} was left out: its words tell nothing of {target.name} in the training rows; "
                f"features.{name}.kind: text keeps it"
            )
        else:
            yield (
                f"column {name} is read as free text, by {len(text.vocabulary.terms)} terms of its rows; "
                f"features.{name}.kind: category takes each text as a name"
            )


def _left_out(
    column: "pd.Series[Any]", about: FeatureSection, spec: TableSpec, dates: ColumnOfDates | None
) -> str | None:
    """Why a column cannot be a feature, before its values are encoded; None where it may be one.

    Raises
    ------
    DataError
        A row does not have what `features` declares of the column, which still holds.
    """
    wanted = spec.asks_for(str(column.name))
    text = dates is None and kind_for(column, about) == "text"
    reason = unusable(column, wanted=wanted or text, dates=dates)
    timed = dates is not None and spec.split.kind == "time"  # later dates come, and have months and weekdays
    if column.name == spec.split.column and not timed and not wanted:
        reason = "rows are split by it; to keep it, name it in validate.trusted"
    if reason and (column.notna().any() or about.missing is False):
        as_declared(column, about)
    return reason


def _variant_notes(target: Target, features: Sequence[Feature]) -> list[str]:
    """Notes of columns with values that a person may have meant to be the same."""
    named = [(target.name, [name for name in target.classes if isinstance(name, str)])]
    named += [(feature.name, list(feature.texts)) for feature in features]
    return [
        f"column {name} has values that differ only by case, blanks or form: {same}"
        for name, values in named
        if (same := variants(values))
    ]


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
