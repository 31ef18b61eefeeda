"""Reads the rows of a part, some at a time, as columns."""

import csv
import io
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from skylift.bulk.columns import Column
from skylift.bulk.plan import Part, unreadable
from skylift.bulk.sources import CsvForm, Window
from skylift.contract import Contract
from skylift.errors import DataError
from skylift.names import NearestNames

MAX_ROWS = 2**16
"""Rows that are in memory at once, at most."""

_MAX_VALUES = 2**21
_MAX_BYTES = 2**24
_SAMPLED_ROWS = 256
_BLOCK = 2**22
_LARGEST_LINE = 2**24
_SHOWN = 1000
_MAX_SPELLINGS = 10_000


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that could not be read.

    Parameters
    ----------
    row
        Number of the row in its file, from 1.
    reason, message
        Stable code, and words for people.
    text
        Beginning of the row.
    """

    row: int
    reason: str
    message: str
    text: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows.

    Parameters
    ----------
    columns
        Columns by the name of their feature.
    kept
        The same rows as they were read: a batch of Arrow, or objects of JSON.
    numbers
        Numbers of the rows in their file, from 1, int64 `[n]`.
    broken
        Rows between them that could not be read.
    """

    columns: Mapping[str, Column]
    kept: Any
    numbers: NDArray[np.int64]
    broken: list[Broken] = field(default_factory=list)


class Names:
    """Which column of a table is which feature.

    Parameters
    ----------
    contract
        Contract of the model.
    columns
        Names of the columns.

    Attributes
    ----------
    features
        Places of columns by the name of their feature.

    Raises
    ------
    DataError
        A feature that must be there has no column, or two.
    """

    def __init__(self, contract: Contract, columns: Sequence[str]) -> None:
        known = [contract.known_name(name) for name in columns]
        names = [feature.name for feature in contract.features]
        self.features = {name: known.index(name) for name in names if name in known}
        if doubled := [name for name in names if known.count(name) > 1]:
            sent = [column for column, name in zip(columns, known, strict=True) if name == doubled[0]]
            raise DataError(f"{' and '.join(map(repr, sent))} are both {doubled[0]!r}", "leave one of them out")
        absent = [feature for feature in contract.features if feature.required and feature.name not in self.features]
        if absent:
            unknown = [column for column, name in zip(columns, known, strict=True) if name is None]
            near = NearestNames(unknown).nearest(absent[0].name) if unknown else None
            hint = f"is it {near!r}? rename it" if near else f"the columns are {', '.join(map(repr, columns))}"
            raise DataError(f"there is no column {absent[0].column or absent[0].name!r}", hint)


def batches(part: Part, contract: Contract) -> Iterator[Batch]:
    """The rows of a part.

    Raises
    ------
    DataError
        It cannot be read, or lacks a column.
    AwsUnavailable
        S3 failed.
    """
    rows = max(min(MAX_ROWS, _MAX_VALUES // contract.width), 1)
    match part.source.form:
        case "parquet":
            return _of_parquet(part, contract, rows)
        case "jsonl":
            return _of_lines(part, contract, rows)
        case "csv":
            return _of_csv(part, contract, rows)


def _of_parquet(part: Part, contract: Contract, rows: int) -> Iterator[Batch]:
    from pyarrow import ArrowException, RecordBatch
    from pyarrow.parquet import ParquetFile

    try:
        with part.source.open() as file, ParquetFile(file, buffer_size=_BLOCK, pre_buffer=False) as parquet:
            names = Names(contract, parquet.schema_arrow.names)
            groups, skipped = _groups(parquet.metadata, part.first, part.last)
            rows = min(rows, _rows_of_a_block(parquet, groups))
            number = skipped
            if part.first == part.last:
                kept = RecordBatch.from_pylist([], parquet.schema_arrow)
                yield Batch(_columns(names, kept), kept, _counted(kept))
            for batch in parquet.iter_batches(rows, row_groups=groups, use_threads=False):
                first, last = max(part.first - number, 0), min(part.last - number, batch.num_rows)
                number += batch.num_rows
                if first < last:
                    kept = batch.slice(first, last - first)
                    yield Batch(_columns(names, kept), kept, number - batch.num_rows + first + _counted(kept))
                if number >= part.last:
                    return
    except ArrowException as error:
        raise unreadable(part.source, error) from error


def _rows_of_a_block(parquet: Any, groups: Sequence[int]) -> int:
    """How many rows have about as many bytes as may be in memory at once, by those of the beginning.

    What the file says of their size is that of encoded rows, in which a text may stand once for thousands.
    """
    first = next(parquet.iter_batches(_SAMPLED_ROWS, row_groups=groups[:1], use_threads=False), None)
    if first is None or not first.num_rows:
        return MAX_ROWS
    return max(int(_MAX_BYTES * first.num_rows // max(first.nbytes, 1)), 1)


def _counted(batch: Any) -> NDArray[np.int64]:
    return np.arange(1, batch.num_rows + 1)


def _columns(names: Names, batch: Any) -> dict[str, Column]:
    return {name: batch.column(place) for name, place in names.features.items()}


def _groups(metadata: Any, first: int, last: int) -> tuple[list[int], int]:
    """The groups that hold some rows, and the number of rows before the first of them."""
    if first == last:
        return [], 0
    ends = np.cumsum([metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]).tolist()
    from_group, to_group = bisect_right(ends, first), bisect_right(ends, last - 1)
    return list(range(from_group, to_group + 1)), ends[from_group - 1] if from_group else 0


def _of_lines(part: Part, contract: Contract, rows: int) -> Iterator[Batch]:
    number = part.before
    spellings: dict[str, str | None] = {}
    with _opened(part) as file:
        while lines := list(_up_to(_lines(file), rows)):
            kept: list[dict[str, Any]] = []
            named, numbers, broken = [], [], []
            for line in lines:
                number += 1
                try:
                    found = from_json(line, cache_strings="keys")
                    named.append(_by_feature(found, contract, spellings))
                except (TypeError, ValueError) as error:
                    text = line[:_SHOWN].decode(errors="replace").rstrip()
                    broken.append(Broken(number, "wrong_type", str(error), text))
                else:
                    kept.append(found)
                    numbers.append(number)
            present = set().union(*named)
            columns = {name: [row.get(name) for row in named] for name in present}
            yield Batch(columns, kept, np.array(numbers, dtype=np.int64), broken)


def _by_feature(found: Any, contract: Contract, spellings: dict[str, str | None]) -> dict[str, Any]:
    """The members of an object that are features or ignored columns, by their names in the contract.

    Raises
    ------
    TypeError, ValueError
        It is not an object, or has two members of one name.
    """
    if not isinstance(found, dict):
        raise TypeError("expected an object")
    named: dict[str, Any] = {}
    for name, value in found.items():
        if name not in spellings:
            if len(spellings) > _MAX_SPELLINGS:
                spellings.clear()
            spellings[name] = contract.known_name(name)
        known = spellings[name]
        if known in named:
            raise ValueError(f"{known!r} is sent under two names: send one")
        if known is not None:
            named[known] = value
    return named


def _up_to(lines: Iterator[bytes], count: int) -> Iterator[bytes]:
    """So many lines, or fewer where they are long."""
    size = 0
    for line in islice(lines, count):
        yield line
        size += len(line)
        if size >= _BLOCK:
            return


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(_LARGEST_LINE):
        if line.strip():
            yield line


@contextmanager
def _opened(part: Part) -> Iterator[IO[bytes]]:
    if part.parsed:
        with part.source.opened_content() as file:
            yield file
    else:
        with io.BufferedReader(Window(part.source.open(), part.first, part.last), _BLOCK) as window:
            yield window


def _of_csv(part: Part, contract: Contract, rows: int) -> Iterator[Batch]:
    form = part.source.csv
    if form is None:
        raise DataError(f"{part.source.address} is not described as CSV", "plan it again")
    names = Names(contract, form.names)
    if part.first == part.last:
        read = iter([_no_rows(form)])
    else:
        read = _parsed(part, form, rows) if part.parsed else _split(part, form, rows)
    try:
        for batch, numbers, broken in read:
            yield Batch(_columns(names, batch), batch, numbers, broken)
    except (UnicodeDecodeError, csv.Error) as error:
        raise unreadable(part.source, error) from error


type _Read = tuple[Any, NDArray[np.int64], list[Broken]]


def _no_rows(form: CsvForm, broken: Sequence[Broken] = ()) -> _Read:
    """The columns of a file, without rows."""
    import pyarrow as pa

    names = column_names(form)
    empty = pa.record_batch([pa.array([], pa.string())] * len(names), names=names)
    return empty, np.empty(0, np.int64), list(broken)


def _split(part: Part, form: CsvForm, rows: int) -> Iterator[_Read]:
    """Rows of some bytes, which are whole records, by Arrow's parser."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = column_names(form)
    found: list[Any] = []

    def note(row: Any) -> str:
        found.append(row)
        return "skip"

    encoding = "utf8" if form.first and form.encoding.startswith("utf-8") else form.encoding  # behind the mark
    read = arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=_BLOCK, encoding=encoding)
    parse = arrow_csv.ParseOptions(delimiter=form.delimiter, newlines_in_values=True, invalid_row_handler=note)
    texts = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=True
    )
    number = 0
    with _opened(part) as file:
        try:
            for block in arrow_csv.open_csv(file, read_options=read, parse_options=parse, convert_options=texts):
                for start in range(0, block.num_rows, rows):
                    batch = block.slice(start, rows)
                    numbers, here = _numbered(number, batch.num_rows, found)
                    number = int(numbers[-1])
                    yield batch, part.before + numbers, [_misfit(part.before, row) for row in here]
        except pa.ArrowInvalid as error:
            raise unreadable(part.source, error) from error
    if found:
        yield _no_rows(form, [_misfit(part.before, row) for row in found])


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
    return Broken(number, "wrong_length", f"it has {found} cells, not {expected}", text[:_SHOWN])


def _parsed(part: Part, form: CsvForm, rows: int) -> Iterator[_Read]:
    """All rows of a file that only Python's parser reads: in UTF-16, with blanks between cells, with odd quotes."""
    import pyarrow as pa

    names = column_names(form)
    blank = form.delimiter == "whitespace"
    with _opened(part) as content, io.TextIOWrapper(content, encoding=form.encoding, newline="") as text:
        lines = (f"{' '.join(line.split())}\n" for line in text) if blank else text
        parser = csv.reader(lines, delimiter=" " if blank else form.delimiter, skipinitialspace=True)
        records = (record for record in parser if len(record) > 1 or "".join(record).strip())
        for _ in islice(records, form.first):
            pass
        number = part.before
        while chunk := list(islice(records, rows)):
            every = range(number + 1, number + len(chunk) + 1)
            number += len(chunk)
            whole = [(row, record) for row, record in zip(every, chunk, strict=True) if len(record) == len(names)]
            broken = [
                _wrong_width(row, len(record), len(names), form.delimiter.join(record))
                for row, record in zip(every, chunk, strict=True)
                if len(record) != len(names)
            ]
            columns = zip(*(record for _, record in whole), strict=True) if whole else [()] * len(names)
            arrays = [pa.array(cells, pa.string()) for cells in columns]
            numbers = np.array([row for row, _ in whole], dtype=np.int64)
            yield pa.record_batch(arrays, names=names), numbers, broken


def column_names(form: CsvForm) -> list[str]:
    """The names of the header, with one for each column that has none."""
    return [name or f"Unnamed: {index}" for index, name in enumerate(form.names)]
