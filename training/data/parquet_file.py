"""Reads Parquet files, whose columns have types of their own; needs pyarrow, of the extra `data`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skylift.cells import clean_text
from skylift.errors import DataError
from training.extras import require

SUFFIXES = (".parquet", ".pq")
PART_ROWS = 250_000

_INDEX = re.compile(r"__index_level_\d+__")


def unnamed_indices(path: Path) -> list[str]:
    """Names of columns that `parquet_parts` leaves out: indices without a name that pandas saved."""
    return [name for name in _all_names(path) if _INDEX.fullmatch(name)]


def parquet_names(path: Path) -> list[str]:
    """Names of the columns that `parquet_parts` reads.

    Raises
    ------
    DataError
        The file is not Parquet.
    ConfigError
        pyarrow is not installed.
    """
    return [name for name in _all_names(path) if not _INDEX.fullmatch(name)]


def _all_names(path: Path) -> list[str]:
    pyarrow = require("pyarrow", purpose="reading Parquet")
    try:
        return list(require("pyarrow.parquet", purpose="reading Parquet").read_schema(path).names)
    except pyarrow.ArrowException as error:
        raise _unreadable(path, error) from error


def parquet_parts(path: Path) -> Iterator[dict[str, Any]]:
    """The columns in a file as nullable arrays by name, `PART_ROWS` rows at a time.

    Dates and times become texts, as they are in CSV files.

    Raises
    ------
    DataError
        The file is not Parquet, repeats a name, or has a column of lists, records or bytes.
    ConfigError
        pyarrow is not installed.
    """
    pyarrow = require("pyarrow", purpose="reading Parquet")
    parquet = require("pyarrow.parquet", purpose="reading Parquet")
    try:
        with parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            cleaned = [clean_text(name) or name for name in names]
            if repeated := sorted({name for name in cleaned if cleaned.count(name) > 1}):
                raise DataError(f"{path.name} names {', '.join(repeated)} more than once", "give each column its own")
            names = [name for name in names if not _INDEX.fullmatch(name)]
            empty = True
            for batch in file.iter_batches(batch_size=PART_ROWS):
                yield {clean_text(name) or name: _column(name, batch.column(name), pyarrow, path) for name in names}
                empty = empty and not batch.num_rows
            if empty:  # the names of an empty table count, as in a CSV file with only a header
                yield {clean_text(name) or name: pd.array([], dtype="string[python]") for name in names}
    except pyarrow.ArrowException as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path.name} cannot be read as Parquet: {' '.join(str(error).split())}", "write the file again")


def _column(name: str, values: Any, pyarrow: Any, path: Path) -> Any:
    """A column as a nullable array of pandas."""
    types = pyarrow.types
    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if types.is_decimal(values.type):
        values = values.cast(pyarrow.float64())
    if types.is_duration(values.type):
        spans = pd.Series(values.to_numpy(zero_copy_only=False))
        return spans.astype("string[python]").mask(spans.isna()).array
    if types.is_temporal(values.type):
        values = values.cast(pyarrow.string())
    missing = values.is_null().to_numpy(zero_copy_only=False)
    if types.is_null(values.type):
        return pd.array([None] * len(values), dtype="Int64")
    if types.is_boolean(values.type):
        known = values.fill_null(False).to_numpy(zero_copy_only=False)
        return pd.arrays.BooleanArray(known.astype(bool), missing)
    if types.is_integer(values.type):
        dtype = np.uint64 if types.is_uint64(values.type) else np.int64
        return pd.arrays.IntegerArray(values.fill_null(0).to_numpy(zero_copy_only=False).astype(dtype), missing)
    if types.is_floating(values.type):
        numbers = _shortest(values.to_numpy(zero_copy_only=False))
        return pd.arrays.FloatingArray(numbers, np.isnan(numbers))
    if types.is_string(values.type) or types.is_large_string(values.type) or types.is_string_view(values.type):
        return pd.array(values.to_numpy(zero_copy_only=False), dtype="string[python]")
    raise DataError(f"column {name} of {path.name} is of the type {values.type}", "write it as numbers or texts")


def _shortest(numbers: NDArray[Any]) -> NDArray[np.float64]:
    """Numbers as doubles: of a smaller type the shortest ones that stand for them, so 0.1 stays 0.1."""
    if numbers.dtype == np.float64:
        return numbers
    distinct, codes = np.unique(numbers, return_inverse=True)
    return distinct.astype(str).astype(np.float64)[codes]
