"""Reads a table, CSV or Parquet, from a path or from S3: the one reader of the whole job.

It is read in parts that are put together column by column, so a table takes the memory of its values and not of its
text, and a sample takes that of its rows alone. The result is the same however the parts fall.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skylift.cells import clean_text
from skylift.errors import DataError
from skylift.names import listed
from skylift.numerals import Numerals
from training.config.locations import Location, local_copy, table_digest
from training.data.columns import Column
from training.data.csv_file import csv_parts
from training.data.csv_format import CsvFormat
from training.data.dates import forms_of
from training.data.options import ReadOptions
from training.data.parquet_file import left_out, parquet_parts
from training.data.table_files import table_files

type Progress = Callable[[str], None]
"""Told what happens next, one short phrase at a time."""


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table as its file has it, texts cleaned.

    Parameters
    ----------
    frame
        Nullable columns with cleaned texts; the index counts the file's rows from 0, also in a sample.
    digest
        SHA-256 of the file; see `table_digest`.
    rows
        Number of rows in it.
    notes
        What was guessed, for people.
    left_out
        Columns of the file that the frame does not have.
    texts
        Names of columns that are texts whatever they hold.
    numerals
        How columns of numbers or booleans are written that have texts among them.
    """

    frame: pd.DataFrame
    digest: str
    rows: int
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    texts: frozenset[str] = frozenset()
    numerals: Mapping[str, Numerals] = field(default_factory=dict)


def read_rows(
    location: Location,
    *,
    sample: int | None = None,
    seed: int = 0,
    only: Collection[str] | None = None,
    progress: Progress = lambda _: None,
    options: ReadOptions = ReadOptions(),  # noqa: B008 (it is frozen)
) -> RawTable:
    """Read a table.

    Parameters
    ----------
    sample
        Number of rows to keep, sampled uniformly from the file and left in its order; None for all.
    seed
        Random seed of the sample.
    only
        Names of the columns to return, all being read, for they say together how numbers are written; None for all.
    options
        What is known of the cells.

    Raises
    ------
    DataError
        The file is missing, or cannot be read.
    ConfigError
        The file is Parquet, and pyarrow is not installed; or an option does not fit the file.
    AwsUnavailable
        S3 did not answer, or refused.
    """
    with local_copy(location) as path:
        digest = table_digest(path)
        files = table_files(path, options)
        form = files[0].form

        def collected(texts: Collection[str]) -> _Parts:
            parts = _Parts(sample, np.random.default_rng(seed), options, frozenset(texts), form, only)
            for file in files:
                read = csv_parts(file.path, file.form, takes=parts.takes) if file.form else parquet_parts(file.path)
                for part in read:
                    if parts.rows:
                        progress(f"reading {location.name}: {parts.rows:,} rows")
                    parts.add(part)
            return parts

        texts = {name for name, kind in options.kinds.items() if kind in {"category", "datetime", "text"}}
        parts = collected(texts)
        if mistyped := parts.mistyped():  # another cell shows that these columns are texts: read them as written
            parts = collected(texts | mistyped)
        decimal = _decimal_sign(parts)  # texts that are all as written tell it
        if grouped := parts.with_thousands(decimal):
            parts = collected(texts | mistyped | grouped)
        absent = {} if form else left_out(files[0].path)
        notes = [
            *dict.fromkeys(note for file in files if file.form for note in file.form.notes),
            *(f"column {name} was left out: {reason}" for name, reason in absent.items()),
            *parts.read_numerals(texts, decimal),
            *_notes(parts),
        ]
        if not form:
            texts |= {name for name, column in parts.columns.items() if column.family == "text"}
        numerals = parts.numerals()
        return RawTable(parts.together(), digest, parts.rows, tuple(notes), tuple(absent), frozenset(texts), numerals)


@dataclass(slots=True)
class _Parts:
    """What was read so far.

    A sample of k rows is the k of the smallest random keys, one key per row in the order of the file: every row has
    the same chance, parts or none.
    """

    sample: int | None
    random: np.random.Generator
    options: ReadOptions
    texts: frozenset[str]
    form: CsvFormat | None
    only: Collection[str] | None
    rows: int = 0
    columns: dict[str, Column] = field(default_factory=dict)
    keys: list[NDArray[np.float64]] = field(default_factory=list)
    index: list[NDArray[np.int64]] = field(default_factory=list)
    bound: float = np.inf

    @property
    def delimiter(self) -> str:
        """The delimiter of a CSV file; that of the usual one for another."""
        return self.form.delimiter if self.form else ","

    @property
    def dotted(self) -> bool:
        """Whether dots may group thousands: files with commas between the cells have commas there."""
        return self.delimiter == ";" and self.options.numerals is None

    def takes(self, name: str, values: Any) -> bool:
        """Whether numbers of a column may stand for what its cells say."""
        column = self.columns.get(name, Column(name, as_text=name in self.texts))
        return column.takes(values, self.options, dotted=self.dotted)

    def add(self, part: Mapping[str, Any]) -> None:
        """Take a part, or of a sample what may belong to it."""
        count = 0
        for name, cells in part.items():
            column = self.columns.setdefault(name, Column(name, as_text=name in self.texts))
            if self.form:
                column.add_cells(cells, self.options, dotted=self.dotted)
            else:
                column.add_array(cells, self.options)
            count = len(cells)
            if not self._is_kept(name):
                column.arrays.pop()
        if self.sample is not None:
            keys = self.random.random(count)
            chosen = keys < self.bound
            for name, column in self.columns.items():
                if self._is_kept(name):
                    column.select(chosen)
            self.keys.append(keys[chosen])
            self.index.append(self.rows + np.flatnonzero(chosen))
            together = np.concatenate(self.keys)
            if len(together) > self.sample:
                self.bound = float(np.partition(together, self.sample)[self.sample])
        self.rows += count

    def _is_kept(self, name: str) -> bool:
        return self.only is None or (clean_text(name) or "") in self.only

    def mistyped(self) -> set[str]:
        """Names of columns of texts of which a part was read as something else."""
        return {name for name, column in self.columns.items() if column.needs_texts(self.options)}

    def with_thousands(self, decimal: str | None) -> set[str]:
        """Names of columns that were read as numbers with fractions, and have thousands behind their dots.

        Raises
        ------
        DataError
            Dots of a column may be decimal or group thousands.
        """
        names = set()
        for name, column in self.columns.items():
            verdict = column.dots.verdict
            if decimal != "." and (verdict == "thousands" or (verdict == "either" and decimal == ",")):
                names.add(name)
            elif verdict == "either" and decimal is None:
                first = min(column.dots.grouped)
                raise DataError(
                    f"column {name} holds {first!r}: {first} with a fraction, or {first.replace('.', '')}",
                    "write data.decimal: '.' or data.thousands: '.' in model.yaml",
                )
        return names

    def read_numerals(self, texts: Collection[str], decimal: str | None) -> list[str]:
        """Make numbers of columns of texts that hold nothing else; a note for each.

        Raises
        ------
        DataError
            It may be one of two numbers.
        """
        notes = []
        for name, column in self.columns.items():
            if name in texts or column.family != "text" or column.reason:
                continue
            try:
                found = column.signs.numerals(delimiter=self.delimiter, decimal=decimal)
            except DataError as error:
                raise DataError(f"column {name}: {error.message}", error.hint) from error
            if found is not None:
                column.read_as(found)
                is_target = name == self.options.target  # which `features` cannot name
                keep = "" if is_target else f"; features.{name}.kind: category keeps the texts"
                notes.append(f"column {name} holds {column.signs.described(found)}{keep}")
        return notes

    def numerals(self) -> dict[str, Numerals]:
        """How columns of numbers or booleans are written that have texts among them."""
        given = self.options.numerals if self.form else None
        return {
            name: column.numerals or given or Numerals()
            for name, column in self.columns.items()
            if column.has_texts or (given and column.family != "text")
        }

    def together(self) -> pd.DataFrame:
        """The table. The parts are used up, column by column: at no time is it there twice."""
        masks, index = None, pd.RangeIndex(self.rows)
        if self.sample is not None and self.keys:
            masks = [keys < self.bound for keys in self.keys]
            index = pd.Index(np.concatenate([rows[mask] for rows, mask in zip(self.index, masks, strict=True)]))
        columns = {name: column.together(masks) for name, column in self.columns.items() if self._is_kept(name)}
        return pd.DataFrame(columns, index=index, columns=pd.Index(list(columns)), copy=False)


def _decimal_sign(parts: _Parts) -> str | None:
    """The decimal sign that some column uses beyond doubt; None if there is no such column."""
    if parts.options.numerals:
        return parts.options.numerals.decimal
    if any(column.family == "number" and column.dots.verdict == "decimal" for column in parts.columns.values()):
        return "."
    texts = [column for column in parts.columns.values() if column.family == "text"]
    return "," if any(_has_decimal_comma(column, parts.delimiter) for column in texts) else None


def _has_decimal_comma(column: Column, delimiter: str) -> bool:
    try:
        numerals = column.signs.numerals(delimiter=delimiter, decimal=None)
    except DataError:  # either
        return False
    return numerals is not None and numerals.decimal == ","


def _notes(parts: _Parts) -> list[str]:
    """What was guessed of the cells: words for missing, and texts that look like numbers."""
    options, notes = parts.options, []
    by_word: dict[str, list[str]] = defaultdict(list)
    for name, column in parts.columns.items():
        if column.family == "text":
            kept = [word for word in column.words if word not in options.missing]
            if kept and _has_dates(column, options):
                for word in kept:
                    by_word[word].append(f"{name} ({column.words[word]})")
            elif kept and name not in options.kinds:
                cells = sum(column.words[word] for word in kept)
                notes.append(
                    f"column {name} holds {listed([repr(word) for word in kept])} in {cells} rows, a text like others: "
                    f"data.missing: [{kept[0]!r}] makes it a missing value"
                )
            if column.reason and name not in options.kinds:
                key = "target.task: regression" if name == options.target else f"features.{name}.kind: number"
                notes.append(f"column {name} is read as texts: {column.reason}; {key} makes it a number")
            continue
        for word, count in column.words.items():
            by_word[word].append(f"{name} ({count})")
    for word, places in by_word.items():
        notes.append(f"{word!r} counts as missing in {listed(places)}")
    listed_words = sum((column.listed for column in parts.columns.values()), Counter[str]())
    notes += [f"{word!r} of data.missing was found in {count} cells" for word, count in listed_words.items()]
    notes += [
        f"data.missing names {word!r}, which no cell holds" for word in options.missing if word not in listed_words
    ]
    return notes


def _has_dates(column: Column, options: ReadOptions) -> bool:
    """Whether a column of texts is one of dates, among which a word for missing is none."""
    kind = options.kinds.get(column.name)
    if kind is not None or column.name == options.target:
        return kind == "datetime"
    return bool(forms_of([text for text in column.pool if text not in column.words]))
