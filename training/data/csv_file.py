"""Reads CSV files as people save them: any usual delimiter, a byte order mark, decimal commas.

A file is read in parts, so that its text is never in memory as a whole.
"""

import codecs
import csv
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from skylift.errors import DataError

_DELIMITERS = ",;\t|"
_DECIMAL_COMMA = r"[+-]?\d+,\d+"
_WHOLE = r"[+-]?\d+"
_DATE = r"\d{4}-\d\d-\d\d.*|\d\d?[./]\d\d?[./]\d{2,4}.*"
_MOSTLY = 0.9
_HEAD_BYTES = 65536
_BLOCK = 2**20


def csv_parts(path: Path, *, rows: int, texts: Collection[str] = ()) -> Iterator[pd.DataFrame]:
    """The table in a file, some rows at a time; the index counts on through the parts.

    Parameters
    ----------
    rows
        Number of rows in each part but the last.
    texts
        Names of columns whose cells stay as written. Other columns have the type of their cells in the part.

    Raises
    ------
    DataError
        The file is not UTF-8, or not CSV with a header.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            reader = pd.read_csv(
                path,
                sep=_delimiter(path),
                encoding="utf-8-sig",
                compression=None,
                dtype=dict.fromkeys(texts, "string"),
                dtype_backend="numpy_nullable",
                skipinitialspace=True,
                index_col=False,
                low_memory=False,
                chunksize=rows,
            )
        with reader:
            while (part := _next(reader)) is not None:
                yield part
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 (line {_bad_line(path)})", "save it as UTF-8") from error
    except pd.errors.ParserWarning as error:
        raise DataError(f"the rows of {path.name} have more fields than its header", "name every column") from error
    except (ValueError, csv.Error) as error:  # pandas' parser errors are ValueErrors
        raise DataError(f"{path.name} cannot be read as CSV: {' '.join(str(error).split())}", "fix the file") from error


def _next(reader: Any) -> pd.DataFrame | None:
    """The next part. Warnings are errors only meanwhile: whoever reads the parts has filters of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        part: pd.DataFrame | None = next(reader, None)
        return part


def _delimiter(path: Path) -> str:
    """The delimiter, found in the header; repeated names are refused."""
    with path.open("rb") as file:
        text = file.read(_HEAD_BYTES).decode("utf-8-sig", errors="replace")
    head = next(iter(text.lstrip("\r\n").splitlines()), "")
    delimiter = max(_DELIMITERS, key=head.count)
    names = [name.strip() for name in next(csv.reader([head], delimiter=delimiter), [])]
    if repeated := sorted({name for name in names if name and names.count(name) > 1}):
        raise ValueError(f"the header names {', '.join(repeated)} more than once")
    return delimiter


def _bad_line(path: Path) -> int:
    """The first line that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = 1
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                # The decoder's own leftover of the block before holds no line end.
                return lines + error.object.count(b"\n", 0, error.start)
            lines += block.count(b"\n")
    return lines


def uses_decimal_commas(path: Path) -> bool:
    """Whether numbers of the file may be written `1,5`: where commas do not delimit its cells."""
    return _delimiter(path) == ";"


def with_decimal_points(frame: pd.DataFrame) -> pd.DataFrame:
    """The table, with text columns as numbers whose every value has a decimal comma or is a whole number."""
    for name in frame.columns[[pd.api.types.is_string_dtype(dtype) for dtype in frame.dtypes]]:
        distinct = pd.Series(frame[name].dropna().unique(), dtype="string")
        commas = distinct.str.fullmatch(_DECIMAL_COMMA)
        if commas.any() and (commas | distinct.str.fullmatch(_WHOLE)).all():
            frame[name] = frame[name].str.replace(",", ".").astype("Float64")
    return frame


def doubt_about_texts(column: "pd.Series[Any]") -> str | None:
    """Why a text column probably should not be one; None for no doubt."""
    if first := first_odd_text(column):
        row, value = first
        return f"row {row + 1} holds {value!r}, most others numbers; clean it, or leave it as it is"
    if mostly_dates(column):
        return "they look like dates, and a new date is unknown to the model; drop it, or make numbers of it"
    return None


def first_odd_text(column: "pd.Series[Any]") -> tuple[int, str] | None:
    """The first text of a column whose others are numbers, with its place in the index; None for any other column."""
    present = column.dropna()
    counts = present.value_counts()
    number = pd.to_numeric(counts.index.to_series().str.replace(",", "."), errors="coerce").notna()
    if not _MOSTLY <= counts[number].sum() / max(len(present), 1) < 1:
        return None
    odd = present[present.isin(counts.index[~number])]
    return int(odd.index[0]), str(odd.iloc[0])


def mostly_dates(column: "pd.Series[Any]") -> bool:
    """Whether the texts of a column look like dates."""
    counts = column.value_counts()
    dates = counts.index.to_series().str.fullmatch(_DATE)
    return bool(counts[dates].sum() >= _MOSTLY * max(int(counts.sum()), 1))
