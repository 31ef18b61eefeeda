"""Reads the rows of a part of a CSV file."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from skylift.bulk.batch import READ_BYTES, SHOWN, Batch, Broken, Names, opened, too_long
from skylift.bulk.plan import Part, column_names, unreadable
from skylift.bulk.records import LARGEST_RECORD
from skylift.bulk.sources import CsvForm
from skylift.contract import Contract
from skylift.errors import DataError

_MOST_SKIPPED = 2**12
_STRADDLES = "straddles two block boundaries"  # a record that is longer than a block
_ODD_QUOTES = {
    "expected after": "has a quote within a cell, or one that swallows rows",
    "unexpected end": "opens a quote that nothing closes",
    "larger than": f"has more than {LARGEST_RECORD:,} letters, or opens a quote that nothing closes",
}


def csv_rows(part: Part, contract: Contract, rows: int) -> Iterator[Batch]:
    """The rows of a part, so many at a time; see `skylift.bulk.batches.batches`."""
    form = part.source.csv
    if form is None:
        raise DataError(f"{part.source.address} is not described as CSV", "plan it again")
    names = Names(contract, column_names(form))
    if part.first == part.last:
        read = iter([_no_rows(form)])
    elif part.oversized:
        with opened(part) as file:
            text = file.read(SHOWN).decode(form.encoding, errors="replace")
        read = iter([_no_rows(form, [too_long(part.before + 1, part.last - part.first, text)])])
    else:
        read = _parsed(part, form, rows) if part.parsed else _split(part, form, rows)
    try:
        for batch, numbers, broken in read:
            yield Batch(names.columns(batch), batch, numbers, broken)
    except UnicodeDecodeError as error:
        raise unreadable(part.source, error) from error


type _Read = tuple[Any, NDArray[np.int64], list[Broken]]


def _no_rows(form: CsvForm, broken: Sequence[Broken] = ()) -> _Read:
    """The columns of a file, without rows."""
    import pyarrow as pa

    names = column_names(form)
    empty = pa.record_batch([pa.array([], pa.string())] * len(names), names=names)
    return empty, np.empty(0, np.int64), list(broken)


def _split(part: Part, form: CsvForm, rows: int) -> Iterator[_Read]:
    """Rows of some bytes, which are whole records: by Arrow's parser, and by Python's from where that cannot go on."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = column_names(form)
    skipped: list[Any] = []
    given_up = False

    def note(row: Any) -> str:
        nonlocal given_up
        skipped.append(row)
        given_up = row.actual_columns > row.expected_columns or len(skipped) > _MOST_SKIPPED
        return "error" if given_up else "skip"

    encoding = "utf8" if form.first and form.encoding.startswith("utf-8") else form.encoding  # behind the mark
    read = arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=READ_BYTES, encoding=encoding)
    parse = arrow_csv.ParseOptions(delimiter=form.delimiter, newlines_in_values=True, invalid_row_handler=note)
    texts = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=True
    )
    number = 0
    with opened(part) as file:
        try:
            for block in arrow_csv.open_csv(file, read_options=read, parse_options=parse, convert_options=texts):
                for start in range(0, block.num_rows, rows):
                    batch = block.slice(start, rows)
                    numbers, here = _numbered(number, batch.num_rows, skipped)
                    number = int(numbers[-1])
                    yield batch, part.before + numbers, [_misfit(part.before, row) for row in here]
        except pa.ArrowInvalid as error:
            given_up = given_up or _STRADDLES in str(error)
            if not given_up:
                raise unreadable(part.source, error) from error
    if given_up:
        yield from _parsed(part, form, rows, done=number)
    elif skipped:
        yield _no_rows(form, [_misfit(part.before, row) for row in skipped])


def _numbered(number: int, count: int, skipped: list[Any]) -> tuple[NDArray[np.int64], list[Any]]:
    """Numbers of so many rows behind a number, and those of the skipped rows that are between them."""
    here, last = [], number + count
    while skipped and skipped[0].number <= last:
        here.append(skipped.pop(0))
        last += 1
    every = np.arange(number + 1, last + 1)
    return every[~np.isin(every, [row.number for row in here])], here


def _misfit(before: int, row: Any) -> Broken:
    return _wrong_width(before + row.number, row.actual_columns, row.expected_columns, row.text)


def _wrong_width(number: int, found: int, expected: int, text: str) -> Broken:
    return Broken(number, "wrong_length", f"it has {found} cells, not {expected}", text[:SHOWN])


def _parsed(part: Part, form: CsvForm, rows: int, *, done: int = 0) -> Iterator[_Read]:
    """Rows that only Python's parser reads: in UTF-16, with blanks between cells, with odd quotes or blank last cells.

    Parameters
    ----------
    done
        Number of rows of the part that are left out.
    """
    import pyarrow as pa

    names = column_names(form)
    with opened(part) as content, io.TextIOWrapper(content, encoding=form.encoding, newline="") as text:
        records = _records(part, form, text)
        for _ in islice(records, (form.first if part.parsed else 0) + done):
            pass
        number = part.before + done
        while chunk := list(_chunk(records, rows)):
            whole: list[list[str]] = []
            numbers, broken = [], []
            for record in chunk:
                number += 1
                if len(record) > len(names) and not "".join(record[len(names) :]).strip():
                    del record[len(names) :]  # a delimiter ends the line
                if len(record) == len(names):
                    whole.append(record)
                    numbers.append(number)
                else:
                    shown = form.delimiter.join(record)
                    broken.append(_wrong_width(number, len(record), len(names), shown))
            columns = zip(*whole, strict=True) if whole else [()] * len(names)
            arrays = [pa.array(cells, pa.string()) for cells in columns]
            yield pa.record_batch(arrays, names=names), np.array(numbers, dtype=np.int64), broken


def _chunk(records: Iterator[list[str]], count: int) -> Iterator[list[str]]:
    """So many records, or fewer where they are long."""
    read = 0
    for record in islice(records, count):
        yield record
        read += sum(map(len, record))
        if read >= READ_BYTES:
            return


def _records(part: Part, form: CsvForm, text: IO[str]) -> Iterator[list[str]]:
    """The records that are not blank.

    Raises
    ------
    DataError
        A quote is where it may not be, as for training.
    """
    csv.field_size_limit(LARGEST_RECORD)
    blank = form.delimiter == "whitespace"
    lines = (f"{' '.join(line.split())}\n" for line in _short_lines(text)) if blank else _short_lines(text)
    parser = csv.reader(lines, delimiter=" " if blank else form.delimiter, skipinitialspace=part.parsed, strict=True)
    number = part.before - form.first if part.parsed else part.before
    try:
        for record in parser:
            if record if not part.parsed else len(record) > 1 or "".join(record).strip():
                number += 1
                yield record
    except csv.Error as error:
        why = next((words for sign, words in _ODD_QUOTES.items() if sign in str(error)), str(error))
        hint = "remove the quote, or double it if it is part of the text"
        raise DataError(f"{part.source.address}: row {number + 1:,} {why}", hint) from error


def _short_lines(text: IO[str]) -> Iterator[str]:
    """Lines, none of which is longer than a record may be.

    Raises
    ------
    csv.Error
    """
    while line := text.readline(LARGEST_RECORD):
        if len(line) == LARGEST_RECORD and not line.endswith(("\n", "\r")):
            raise csv.Error("line larger than a record")
        yield line
