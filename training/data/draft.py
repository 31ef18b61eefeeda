"""A first `model.yaml` of a table: what each column was taken as, why, and the key that changes it."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skylift.feature import Feature
from skylift.figures import exact_text
from skylift.names import listed
from training.config.schema import SCHEMA_FILE
from training.config.table import TableSpec
from training.config.yaml_core import load_yaml
from training.data.prepare import table_and_split
from training.data.reader import Progress
from training.data.table import Table

_MAX_NAME = 63
_FEW_NUMBERS = 20
_GUESSED = "target.task was guessed"
_SHOWN = 6
_LETTERS = 40
_LEFT_OUT = re.compile(r"column (?P<name>.+?) was left out: (?P<why>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ColumnDecision:
    """What a column of the table was taken as.

    Parameters
    ----------
    name
        Name of the column.
    taken_as
        Kind with range or values, or `left out`.
    why
        Reason, and the key that changes it.
    """

    name: str
    taken_as: str
    why: str

    @property
    def is_left_out(self) -> bool:
        """Whether the model does not see it."""
        return self.taken_as == "left out"


@dataclass(frozen=True, slots=True)
class Draft:
    """A first configuration.

    Parameters
    ----------
    text
        Content of the file.
    rows
        Number of usable rows of the table.
    decisions
        What became of each column but the target, those that the model sees first.
    target
        What is predicted, in words.
    notes
        What else was recognised, or should be known.
    """

    text: str
    rows: int
    decisions: tuple[ColumnDecision, ...]
    target: str
    notes: tuple[str, ...]


def draft(spec: TableSpec, model: str, output: Path, *, progress: Progress = lambda _: None) -> Draft:
    """Read a table as training would by default, and write down what it decides.

    Parameters
    ----------
    spec
        Place of the table, and the column to predict; a local path must be absolute.
    model
        Name of the model.
    output
        Path that the file is to have.

    Raises
    ------
    DataError, ConfigError
        See `training.data.prepare.table_and_split`.
    """
    table, _ = table_and_split(spec, progress=progress)
    decisions, notes = _decisions(table)
    target_words = _target_words(table)
    text = _text(spec, model, table, decisions, notes, target_words, output)
    return Draft(text, len(table.rows), decisions, target_words, notes)


def model_name(file: str) -> str:
    """A model's name after a file.

    Examples
    --------
    >>> model_name("Bank Churn_2024.csv"), model_name("...")
    ('bank-churn-2024', 'model')
    """
    stem = file.partition(".")[0]
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:_MAX_NAME].strip("-") or "model"


def _decisions(table: Table) -> tuple[tuple[ColumnDecision, ...], tuple[str, ...]]:
    """Decisions on columns, and the notes that are about no single one that was left out."""
    reasons: dict[str, str] = {}
    notes: list[str] = []
    for note in table.notes:
        if found := _LEFT_OUT.fullmatch(note):
            reasons[found["name"]] = found["why"]
        elif not note.startswith(_GUESSED) or "; if" in note:  # the line of the task tells the others
            notes.append(note)
    kept = [
        ColumnDecision(feature.name, _taken_as(feature), _why(table, place))
        for place, feature in enumerate(table.contract.features)
    ]
    left_out = [ColumnDecision(name, "left out", why) for name, why in reasons.items()]
    return (*kept, *left_out), tuple(notes)


def _taken_as(feature: Feature) -> str:
    """The kind of a feature with what it ranges over."""
    words = str(feature.kind)
    if feature.levels and feature.kind == "category":
        shown = [level if len(level) <= _LETTERS else f"{level[:_LETTERS]}..." for level in feature.levels[:_SHOWN]]
        words += f" of {len(feature.levels)}: {listed(shown)}"
        words += ", ..." if len(feature.levels) > _SHOWN else ""
    elif feature.training_range:
        words += f", {feature.training_range}"
    return words + ("" if feature.required else ", may be missing")


def _why(table: Table, place: int) -> str:
    """The key that changes what a feature was taken as; empty for one that nobody asks about."""
    feature = table.contract.features[place]
    if feature.kind == "integer":
        values = table.leads()[:, place]
        distinct = np.unique(values[~np.isnan(values)])
        if distinct.tolist() == [0, 1]:
            return "kind: boolean takes 0 and 1 as false and true"
        if len(distinct) <= _FEW_NUMBERS:
            return "kind: category takes the numbers as names"
    return ""


def _target_words(table: Table) -> str:
    """The task and what is predicted."""
    target = table.contract.target
    if not target.classes:
        low, high = table.targets.min(), table.targets.max()
        return f"regression, {exact_text(float(low))} to {exact_text(float(high))}"
    counts = np.bincount(table.targets.astype(np.int64), minlength=len(target.classes))
    classes = [f"{key} ({count:,} rows)" for key, count in zip(target.keys, counts.tolist(), strict=True)]
    return f"classification, {len(classes)} classes: {listed(classes)}"


def _text(
    spec: TableSpec,
    model: str,
    table: Table,
    decisions: tuple[ColumnDecision, ...],
    notes: tuple[str, ...],
    target: str,
    output: Path,
) -> str:
    path = spec.data.path
    shown = os.path.relpath(path, output.resolve().parent) if isinstance(path, Path) else str(path)
    schema = os.path.relpath(SCHEMA_FILE, output.resolve().parent)
    numeric = all(isinstance(name, int) and not isinstance(name, bool) for name in table.contract.target.classes)
    other = f"; or {'regression' if table.contract.target.classes else 'classification'}" if numeric else ""
    lines = [
        f"# yaml-language-server: $schema={Path(schema).as_posix()}",
        f"# Drafted from {path.name}, {len(table.rows):,} rows. What is not written here follows from the",
        "# table; docs/reference.md has all keys.",
        *(f"# note: {_comment(note)}" for note in notes),
        f"model: {model}",
        "data:",
        f"  path: {_scalar(Path(shown).as_posix() if isinstance(path, Path) else shown)} # relative to this file",
        "target:",
        f"  column: {_scalar(spec.target.column)}",
        f"  task: {table.contract.task} # {_comment(target.partition(', ')[2])}{other}",
        *_positive(table),
        "split: {holdout: 0.2, seed: 42} # time: COLUMN holds out the last rows; group: COLUMN parts no equal values",
        "features: # one per column; unit and description tell callers what it is, kind and missing how it is read",
        *_features(decisions),
        "# candidates: by default those that the table has time for; budget: seconds of search",
        f"# gates: what a model must keep to be published, as {{{_gate(table)}}}",
        "# card: {purpose: ..., owners: [...], limits: [...]} is printed on the model card",
    ]
    return "\n".join(lines) + "\n"


def _positive(table: Table) -> Iterator[str]:
    """The second of two classes that are texts, whose order means nothing."""
    classes = table.contract.target.classes
    if len(classes) == 2 and isinstance(classes[1], str):
        yield f"  positive: {_scalar(classes[1])} # the class that precision, recall, f1 and decision are about"


def _features(decisions: tuple[ColumnDecision, ...]) -> Iterator[str]:
    for decision in decisions:
        said = "; ".join(filter(None, (decision.taken_as, decision.why)))
        comment = _comment(said)
        if decision.is_left_out:
            yield f"  # {_scalar(decision.name)} is {comment.replace('left out; ', 'left out: ', 1)}"
        else:
            yield f"  {_scalar(decision.name)}: {{}} # {comment}"


def _gate(table: Table) -> str:
    return "accuracy: {min: 0.9}" if table.contract.target.classes else "r2: {min: 0.5}"


def _scalar(text: str) -> str:
    """A text as YAML has it; in quotes where it would be something else."""
    is_plain = re.fullmatch(r"[\w./-]+", text) and load_yaml(text) == text
    return text if is_plain else "".join(map(_escaped, json.dumps(text, ensure_ascii=False)))


def _escaped(sign: str) -> str:
    """A sign of a text in quotes; as an escape where YAML or a reader would take it for another."""
    return sign if sign.isprintable() else f"\\U{ord(sign):08x}"


def _comment(text: str) -> str:
    """A text on the one line of a comment, which it cannot end."""
    return "".join(filter(str.isprintable, " ".join(text.split())))
