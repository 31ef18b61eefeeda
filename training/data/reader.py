"""Reads a table, CSV or Parquet, from a path or from S3: the one reader of the whole job.

It is read in parts that are put together column by column, so a table takes the memory of its values and not of its
text, and a sample takes that of its rows alone. The result is the same however the parts fall.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skylift.contract import clean_text
from skylift.errors import DataError
from training.config.locations import Location, local_copy
from training.data.csv_file import csv_parts, uses_decimal_commas, with_decimal_points
from training.data.parquet_file import SUFFIXES, parquet_parts

PART_ROWS = 250_000
TEXT = "string[python]"  # the same with and without pyarrow, which pandas would else use where it is installed
_MAX_SHARED = 100_000

type Family = Literal["boolean", "integer", "number", "text"]
"""What the cells of a column are, whatever their type in pandas."""

_DTYPES: dict[Family, Any] = {"boolean": "boolean", "integer": "Int64", "number": "Float64", "text": TEXT}

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
        SHA-256 of the file.
    rows
        Number of rows in the file.
    """

    frame: pd.DataFrame
    digest: str
    rows: int


def read_rows(
    location: Location,
    *,
    sample: int | None = None,
    seed: int = 0,
    part_rows: int = PART_ROWS,
    progress: Progress = lambda _: None,
) -> RawTable:
    """Read a table.

    Parameters
    ----------
    sample
        Number of rows to keep, sampled uniformly from the file and left in its order; None for all.
    seed
        Random seed of the sample.
    part_rows
        Number of rows read at a time.

    Raises
    ------
    DataError
        The file is missing, or cannot be read.
    ConfigError
        The file is Parquet, and pyarrow is not installed.
    AwsUnavailable
        S3 did not answer, or refused.
    """
    with local_copy(location) as path:
        digest = file_digest(path)

        def collected(texts: Collection[str]) -> _Parts:
            parts = _Parts(sample, np.random.default_rng(seed))
            for part in _parts_of(path, part_rows, texts):
                if parts.rows:
                    progress(f"reading {location.name}: {parts.rows:,} rows")
                parts.add(part)
            return parts

        parts = collected(())
        if mixed := parts.mixed():  # a cell far down shows that these columns are texts: read them as written
            parts = collected(mixed)
        rows = parts.rows
        frame = parts.together()
        if path.suffix.lower() not in SUFFIXES and uses_decimal_commas(path):
            frame = with_decimal_points(frame)
        return RawTable(frame, digest, rows)


def file_digest(path: Path) -> str:
    """SHA-256 of a file.

    Raises
    ------
    DataError
        It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})", "check data.path in the configuration") from error


def text_array(texts: Any) -> Any:
    """An array of texts for a column; `pd.NA` where one is missing."""
    return pd.array(texts, dtype=TEXT)


def _parts_of(path: Path, rows: int, texts: Collection[str]) -> Iterator[pd.DataFrame]:
    if path.suffix.lower() in SUFFIXES:
        return parquet_parts(path, rows=rows)
    return csv_parts(path, rows=rows, texts=texts)


@dataclass(slots=True)
class _Parts:
    """What was read so far.

    A sample of k rows is the k of the smallest random keys, one key per row in the order of the file: every row has
    the same chance, parts or none.
    """

    sample: int | None
    random: np.random.Generator
    rows: int = 0
    parts: list[pd.DataFrame] = field(default_factory=list)
    keys: list[NDArray[np.float64]] = field(default_factory=list)
    bound: float = np.inf
    families: dict[str, set[Family]] = field(default_factory=dict)
    pools: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, part: pd.DataFrame) -> None:
        """Take a part, or of a sample what may belong to it."""
        self.rows += len(part)
        for name in part.columns:
            families = self.families.setdefault(name, set())
            if not part[name].isna().all():  # cells that are all missing say nothing of the others
                families.add(family(part[name].dtype))
        if self.sample is not None:
            keys = self.random.random(len(part))
            chosen = keys < self.bound
            part, keys = part[chosen], keys[chosen]
            self.keys.append(keys)
            together = np.concatenate(self.keys)
            if len(together) > self.sample:
                self.bound = float(np.partition(together, self.sample)[self.sample])
        self.parts.append(self._shared(part))

    def mixed(self) -> list[str]:
        """Columns that are of one type in one part and of another in the next."""
        return [name for name, families in self.families.items() if len(_merged(families)) > 1]

    def together(self) -> pd.DataFrame:
        """The table. The parts are used up, column by column: at no time is it there twice."""
        if self.sample is not None and self.keys:
            chosen = np.concatenate(self.keys) < self.bound
            ends = np.cumsum([len(keys) for keys in self.keys])[:-1]
            self.parts = [part[mask] for part, mask in zip(self.parts, np.split(chosen, ends), strict=True)]
        index = (
            np.concatenate([part.index.to_numpy() for part in self.parts]) if self.parts else np.array([], dtype=int)
        )
        columns = {name: self._column(name) for name in self.families}
        whole = pd.RangeIndex(self.rows) if self.sample is None else pd.Index(index)
        return pd.DataFrame(columns, index=whole, columns=pd.Index(list(columns)), copy=False)

    def _column(self, name: str) -> Any:
        pieces = [part.pop(name) for part in self.parts]
        if len(pieces) == 1:
            return pieces[0].array
        families = _merged(self.families[name])
        dtype: Any = _DTYPES[families.pop()] if families else pieces[0].dtype
        return pd.concat([piece.astype(dtype) for piece in pieces], ignore_index=True).array

    def _shared(self, part: pd.DataFrame) -> pd.DataFrame:
        """The part, with its texts cleaned, and equal ones of a column one object, also those of the parts before."""
        columns: dict[str, Any] = {}
        for name in part.columns:
            column = part[name]
            if column.dtype == "UInt64":  # holds integers that Int64 of another part cannot
                columns[name] = column.astype("Float64").array
            elif pd.api.types.is_string_dtype(column.dtype):
                codes, distinct = pd.factorize(column.astype(object))
                pool = self.pools.setdefault(name, {})
                texts = [clean_text(text) for text in distinct]
                if len(pool) < _MAX_SHARED:  # names and numbers of things repeat too seldom to remember them all
                    texts = [text and pool.setdefault(text, text) for text in texts]
                columns[name] = text_array(np.array([*texts, None], dtype=object)[codes])
            else:
                columns[name] = column.array
        return pd.DataFrame(columns, index=part.index, columns=part.columns, copy=False)


def family(dtype: Any) -> Family:
    """The family of a type of pandas."""
    if pd.api.types.is_bool_dtype(dtype):
        return "boolean"
    if pd.api.types.is_integer_dtype(dtype) and dtype != "UInt64":
        return "integer"
    return "number" if pd.api.types.is_numeric_dtype(dtype) else "text"


def _merged(families: set[Family]) -> set[Family]:
    """Families with integers as the numbers they are beside other numbers."""
    return families - {"integer"} if "number" in families else set(families)
