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


def left_out(path: Path) -> dict[str, str]:
    """Columns that `parquet_parts` leaves out, and why: indices without a name, and lists, records or bytes."""
    return {column.name: reason for column in _schema(path) if (reason := _unusable(column))}


def parquet_names(path: Path) -> list[str]:
    """Names of the columns that `parquet_parts` reads.

    Raises
    ------
    DataError
        The file is not Parquet.
    ConfigError
        pyarrow is not installed.
    """
    return [column.name for column in _schema(path) if not _unusable(column)]


def _schema(path: Path) -> Any:
    pyarrow = require("pyarrow", purpose="reading Parquet")
    try:
        return require("pyarrow.parquet", purpose="reading Parquet").read_schema(path)
    except pyarrow.ArrowException as error:
        raise _unreadable(path, error) from error


def parquet_parts(path: Path) -> Iterator[dict[str, Any]]:
    """The columns in a file as nullable arrays by name, `PART_ROWS` rows at a time.

    Dates and times become texts, as they are in CSV files.

    Raises
    ------
    DataError
        The file is not Parquet, or repeats a name.
    ConfigError
        pyarrow is not installed.
    """
    pyarrow = require("pyarrow", purpose="reading Parquet")
    parquet = require("pyarrow.parquet", purpose="reading Parquet")
    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            names = schema.names
            cleaned = [clean_text(name) or name for name in names]
            if repeated := sorted({name for name in cleaned if cleaned.count(name) > 1}):
                raise DataError(f"{path.name} names {', '.join(repeated)} more than once", "give each column its own")
            names = [column.name for column in schema if not _unusable(column)]
            empty = True
            for batch in file.iter_batches(batch_size=PART_ROWS):
                yield {clean_text(name) or name: _column(batch.column(name), pyarrow) for name in names}
                empty = empty and not batch.num_rows
            if empty:  # the names of an empty table count, as in a CSV file with only a header
                yield {clean_text(name) or name: pd.array([], dtype="string[python]") for name in names}
    except pyarrow.ArrowException as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path.name} cannot be read as Parquet: {' '.join(str(error).split())}", "write the file again")


def _unusable(column: Any) -> str | None:
    """Why a column is left out; None for one that is read."""
    if _INDEX.fullmatch(column.name):
        return "it is the index of a data frame"
    types = require("pyarrow", purpose="reading Parquet").types
    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    readable = types.is_primitive(kind) or types.is_decimal(kind) or types.is_null(kind) or _is_text(kind, types)
    return None if readable else f"it holds {kind}; write it as numbers or texts to use it"


def _is_text(kind: Any, types: Any) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _column(values: Any, pyarrow: Any) -> Any:
    """A column that is not left out, as a nullable array of pandas."""
    types = pyarrow.types
    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if types.is_decimal(values.type):
        values = values.cast(pyarrow.string()).cast(
            pyarrow.float64()
        )  # the direct way makes 868.8100000000001 of 868.81
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
    return pd.array(values.to_numpy(zero_copy_only=False), dtype="string[python]")


def _shortest(numbers: NDArray[Any]) -> NDArray[np.float64]:
    """Numbers as doubles: of a smaller type the shortest ones that stand for them, so 0.1 stays 0.1."""
    if numbers.dtype == np.float64:
        return numbers
    distinct, codes = np.unique(numbers, return_inverse=True)
    return distinct.astype(str).astype(np.float64)[codes]
