"""Reads CSV files as people save them, in parts, so that the text is never in memory as a whole.

A record that does not fit the header is refused with its line.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from skylift.errors import DataError
from training.data.csv_block import BlockReader, Takes
from training.data.csv_format import CsvFormat, lines_of, opened, sign_of

BLOCK = 2**22
"""Number of characters that are read at a time."""

_LARGEST_CELL = 2**24

type CsvPart = dict[str, Any]
"""Cells by the name of their column, some rows of them: texts, NaN for an empty one, or a nullable array of numbers."""


def csv_parts(path: Path, form: CsvFormat, *, takes: Takes) -> Iterator[CsvPart]:
    """The table in a file, some rows at a time.

    Parameters
    ----------
    form
        How the file is written.
    takes
        Whether numbers of a column may stand for what its cells say; else the part has them as texts.

    Raises
    ------
    DataError
        A record has fewer or more cells than the header, or a quote is not where it may be; with the line.
    """
    names = _column_names(form.names)
    csv.field_size_limit(_LARGEST_CELL)
    empty = True
    try:
        with opened(path, form.encoding) as text:
            line = max((ended for _, _, ended in islice(_records(path, form, text, 0), form.first)), default=0)
            blocks = BlockReader(names, form.delimiter, takes)
            while block := text.read(BLOCK) + text.readline():
                part = blocks.read(block)
                if part is not None:
                    line += len(part[names[0]])
                else:
                    lines = list(io.StringIO(block, newline=""))
                    rows, line = _rows(path, form, chain(lines, text), line, line + len(lines))
                    part = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
                if part:
                    yield part
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


def _rows(path: Path, form: CsvFormat, lines: Iterable[str], line: int, ends: int) -> tuple[list[list[str]], int]:
    """The rows up to a line, and the number of the line that the last one ends in.

    Parameters
    ----------
    lines
        Lines behind the one with the number `line`, more than those up to `ends`: a cell may reach beyond it.
    """
    width, sign, rows = len(form.names), sign_of(form.delimiter), []
    for record, started, ended in _records(path, form, lines, line):
        if len(record) > width and not "".join(record[width:]).strip():
            del record[width:]  # a delimiter ends the line
        if len(record) != width:
            raise _misfit(path, record, width, started)
        if ended > started and (stray := _stray_quote(record, sign, started)):
            raise _swallowing_quote(path, *stray)
        rows.append(record)
        if ended >= ends:
            return rows, ended
    return rows, ends


def _records(path: Path, form: CsvFormat, lines: Iterable[str], line: int) -> Iterator[tuple[list[str], int, int]]:
    """The records that are not empty, each with its first line and its last, counted on from `line`."""
    parser = csv.reader(
        lines_of(lines, form.delimiter), delimiter=sign_of(form.delimiter), skipinitialspace=True, strict=True
    )
    ended = line
    try:
        for record in parser:
            started, ended = ended + 1, line + parser.line_num
            if len(record) > 1 or (record and (len(form.names) == 1 or record[0].strip())):
                yield record, started, ended
    except csv.Error as error:
        first, last = ended + 1, line + parser.line_num
        if "expected after" in str(error) and last > first:
            raise _swallowing_quote(path, first, last) from error
        if "unexpected end" in str(error) or "field larger" in str(error):
            raise DataError(
                f"{path.name} cannot be read as CSV: line {first} opens a quote that is never closed",
                "close it, or double it if it is part of the text",
            ) from error
        raise DataError(
            f"{path.name} cannot be read as CSV: line {last}: {error}", "double each quote inside a quoted cell"
        ) from error


def _swallowing_quote(path: Path, first: int, last: int) -> DataError:
    return DataError(
        f"line {first} of {path.name} opens a quote that line {last} closes, with rows between",
        "remove the quote, or double it if it is part of the text",
    )


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
