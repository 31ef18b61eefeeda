"""Reads CSV files as people save them: any usual delimiter, a byte order mark, decimal commas."""

import csv
import io
import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from skylift.errors import DataError

_DELIMITERS = ",;\t|"
_DECIMAL_COMMA = r"[+-]?\d+,\d+"
_WHOLE = r"[+-]?\d+"
_DATE = r"\d{4}-\d\d-\d\d.*|\d\d?[./]\d\d?[./]\d{2,4}.*"
_MOSTLY = 0.9


def read_bytes(path: Path) -> bytes:
    """The bytes of a file.

    Raises
    ------
    DataError
        It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})", "check data.path in the configuration") from error


def parse_csv(content: bytes, path: Path) -> pd.DataFrame:
    """The table in a file's bytes.

    Raises
    ------
    DataError
        They are no UTF-8, or no CSV with a header.
    """
    try:
        text = content.decode("utf-8-sig")
        head = next(iter(text[:65536].lstrip("\r\n").splitlines()), "")
        delimiter = max(_DELIMITERS, key=head.count)
        _check_header(head, delimiter)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.StringIO(text),
                sep=delimiter,
                dtype_backend="numpy_nullable",
                skipinitialspace=True,
                index_col=False,
                low_memory=False,
            )
        return _with_decimal_points(frame) if delimiter == ";" else frame
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path.name} is not UTF-8 (line {line})", "save it as UTF-8") from error
    except pd.errors.ParserWarning as error:
        raise DataError(f"the rows of {path.name} have more fields than its header", "name every column") from error
    except (ValueError, csv.Error) as error:  # pandas' parser errors are ValueErrors
        raise DataError(
            f"{path.name} cannot be read as CSV: {' '.join(str(error).split())}", "mend the file"
        ) from error


def _check_header(line: str, delimiter: str) -> None:
    names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
    if repeated := sorted({name for name in names if name and names.count(name) > 1}):
        raise ValueError(f"the header names {', '.join(repeated)} more than once")


def _with_decimal_points(frame: pd.DataFrame) -> pd.DataFrame:
    """The table, with text columns as numbers whose every value has a decimal comma or is a whole number."""
    for name in frame.columns[[pd.api.types.is_string_dtype(dtype) for dtype in frame.dtypes]]:
        present = frame[name].dropna().str.strip()
        commas = present.str.fullmatch(_DECIMAL_COMMA)
        if commas.any() and (commas | present.str.fullmatch(_WHOLE)).all():
            frame[name] = frame[name].str.strip().str.replace(",", ".").astype("Float64")
    return frame


def doubt_about_texts(column: "pd.Series[Any]") -> str | None:
    """Why a text column was probably meant otherwise; None where it was not."""
    present = column.dropna()
    numbers = pd.to_numeric(present.str.replace(",", "."), errors="coerce").notna()
    if _MOSTLY <= numbers.mean() < 1:
        row, value = next((index, present[index]) for index in present.index[~numbers])
        return f"row {row + 1} holds {value!r}, most others numbers; clean it, or leave it as it is"
    if present.str.fullmatch(_DATE).mean() >= _MOSTLY:
        return "they look like dates, and a new date is unknown to the model; drop it, or make numbers of it"
    return None
