"""Makes the contract of a table, and its encoded rows: what encoding learns, it learns from training rows alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract, Target
from skylift.errors import DataError
from skylift.feature import Feature
from training.config.table import FeatureSection, TableSpec
from training.data.clean import CleanTable, read_clean
from training.data.dates import ColumnOfDates, about_dates
from training.data.declared import as_declared
from training.data.doubts import (
    dates_as_digits,
    doubt_about_integers,
    doubt_about_texts,
    stand_ins,
    total_row,
    variants,
)
from training.data.encoding import dates_of, encode_feature, kind_for, unusable
from training.data.identifiers import identifies
from training.data.reader import Progress
from training.data.spellings import as_in_table
from training.data.split import Labels, read_labels
from training.data.table import Table
from training.data.texts import ROWS_OF_A_TERM, LearnedText, learn_text, tells

if TYPE_CHECKING:
    import pandas as pd

    from skylift.scoring import Matrix


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
    if total := total_row(clean.frame):
        notes.append(
            f"the last row has the {total[0]} {total[1]!r}: data.exclude: {{{total[0]}: [{total[1]}]}} leaves it out"
        )
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
        notes += _feature_notes(feature, column, encoded[:, 0], doubt, spec)
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


def _feature_notes(
    feature: Feature, column: "pd.Series[Any]", numbers: "Matrix", doubt: str | None, spec: TableSpec
) -> Iterator[str]:
    """Notes of what a column was taken as."""
    name, about = feature.name, spec.features.get(feature.name, FeatureSection())
    if doubt:
        yield f"column {name} is taken as texts: {doubt}"
    if feature.kind == "integer" and about.declared_kind is None:
        if form := dates_as_digits(column):
            yield f"column {name} is taken as amounts: features.{name}.form: {form!r} reads its digits as dates"
        elif numbered := doubt_about_integers(column):
            yield f"column {name} is taken as amounts: {numbered}; for names, set features.{name}.kind: category"
    for text, rows in stand_ins(feature, column, numbers):
        yield (
            f"column {name} holds {text} in {rows} rows, far from all other values: "
            f"if it stands for a missing one, set data.missing: [{text!r}]"
        )
    if feature.rare:
        yield (
            f"column {feature.name} has {len(feature.categories) + len(feature.rare)} different texts: the "
            f"{len(feature.rare)} that fewer than two training rows have share one code, {feature.other!r}"
        )
    if feature.kind == "datetime":
        yield about_dates(feature, numbers, split_by=feature.name == spec.split.column)


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
