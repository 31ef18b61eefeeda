"""Reads CSV files as people save them, in parts, so that the text is never in memory as a whole.

Cells stay as written; a record that does not fit the header is refused with its line.
"""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from skylift.errors import DataError
from training.data.csv_format import CsvFormat, lines_of, opened, sign_of

_MAX_PART_ROWS = 50_000
_LARGEST_CELL = 2**24

type CsvPart = dict[str, tuple[str, ...]]
"""Cells by the name of their column, some rows of them."""


def csv_parts(path: Path, form: CsvFormat, *, rows: int) -> Iterator[CsvPart]:
    """The table in a file, some rows at a time.

    Parameters
    ----------
    form
        How the file is written.
    rows
        Number of rows in each part but the last.

    Raises
    ------
    DataError
        A record has fewer or more cells than the header, or a quote is not where it may be; with the line.
    """
    names = _column_names(form.names)
    records, size = _records(path, form), min(rows, _MAX_PART_ROWS)
    empty = True
    try:
        while part := list(islice(records, size)):
            yield dict(zip(names, zip(*part, strict=True), strict=True))
            empty = False
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not {form.encoding}: {error.reason}", "name another data.encoding") from error
    except (EOFError, OSError) as error:
        raise DataError(f"{path.name} cannot be read: {' '.join(str(error).split())}", "make the file again") from error
    if empty:
        yield dict.fromkeys(names, ())


def _column_names(names: tuple[str, ...]) -> list[str]:
    """The names of the header, with one for each column that has none."""
    return [name or f"Unnamed: {index}" for index, name in enumerate(names)]


def _records(path: Path, form: CsvFormat) -> Iterator[list[str]]:
    """The rows below the header."""
    width, sign, before = len(form.names), sign_of(form.delimiter), form.first
    csv.field_size_limit(_LARGEST_CELL)
    with opened(path, form.encoding) as text:
        parser = csv.reader(lines_of(text, form.delimiter), delimiter=sign, skipinitialspace=True, strict=True)
        ended = 0
        try:
            for record in parser:
                started, ended = ended + 1, parser.line_num
                if len(record) < 2 and (not record or not record[0].strip()) and (width > 1 or not record):
                    continue  # an empty line
                if before:
                    before -= 1
                    continue
                if len(record) > width and not "".join(record[width:]).strip():
                    del record[width:]  # a delimiter ends the line
                if len(record) != width:
                    raise _misfit(path, record, width, started)
                if ended > started and (lines := _stray_quote(record, sign, started)):
                    raise DataError(
                        f"line {lines[0]} of {path.name} opens a quote that line {lines[1]} closes, with rows between",
                        "remove the quote, or double it if it is part of the text",
                    )
                yield record
        except csv.Error as error:
            line = ended + 1
            if "expected after" in str(error) and parser.line_num > line:
                raise DataError(
                    f"line {line} of {path.name} opens a quote that line {parser.line_num} closes, with rows between",
                    "remove the quote, or double it if it is part of the text",
                ) from error
            if "unexpected end" in str(error) or "field larger" in str(error):
                raise DataError(
                    f"{path.name} cannot be read as CSV: line {line} opens a quote that is never closed",
                    "close it, or double it if it is part of the text",
                ) from error
            raise DataError(
                f"{path.name} cannot be read as CSV: line {parser.line_num}: {error}",
                "double each quote inside a quoted cell",
            ) from error


def _misfit(path: Path, record: list[str], width: int, line: int) -> DataError:
    if len(record) > width:
        return DataError(
            f"line {line} of {path.name} has more fields than its header ({len(record)} instead of {width})",
            "name every column, or quote cells that hold the delimiter",
        )
    return DataError(
        f"line {line} of {path.name} has fewer fields than its header ({len(record)} instead of {width})",
        "complete the line: the cell of a missing value is empty, its delimiter stays",
    )


def _stray_quote(record: list[str], sign: str, started: int) -> tuple[int, int] | None:
    """The lines between which a quote swallows whole records: one cell has their delimiters and line ends."""
    line = started
    for cell in record:
        ends = cell.count("\n") or cell.count("\r")
        if (delimiters := ends * (len(record) - 1)) >= 2 and cell.count(sign) == delimiters:
            return line, line + ends
        line += ends
    return None
