"""Reads the rows of a part of a Parquet file."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from skylift.bulk.batch import BATCH_BYTES, READ_BYTES, Batch, Names
from skylift.bulk.plan import Part, unreadable
from skylift.bulk.sources import Source
from skylift.contract import Contract

_SAMPLED_ROWS = 256
_STEP_ROWS = 2**12
_PAGE_BYTES = 2**20  # which writers end a page at
_LEAST_BUFFER = 2**14


def parquet_rows(part: Part, contract: Contract, rows: int) -> Iterator[Batch]:
    """The rows of a part, so many at a time; see `skylift.bulk.batches.batches`."""
    from pyarrow import ArrowException, ArrowMemoryError, RecordBatch

    try:
        with part.source.open() as file, _parquet_file(file) as parquet:
            names = Names(contract, parquet.schema_arrow.names)
            groups, number = _groups(parquet.metadata, part.first, part.last)
            if not groups:
                kept = RecordBatch.from_pylist([], parquet.schema_arrow)
                yield Batch(names.columns(kept), kept, _counted(kept))
                return
            for batch in _together(parquet, groups, rows):
                first, last = max(part.first - number, 0), min(part.last - number, batch.num_rows)
                number += batch.num_rows
                if first < last:
                    kept = batch.slice(first, last - first)
                    yield Batch(names.columns(kept), kept, number - batch.num_rows + first + _counted(kept))
                if number >= part.last:
                    return
    except ArrowMemoryError:  # which says nothing about the file
        raise
    except ArrowException as error:
        raise unreadable(part.source, error) from error


def reading_bytes(source: Source) -> int:
    """Memory that reading a file takes beside its rows: measured, three times the pages of all columns of a group.

    Raises
    ------
    DataError, AwsUnavailable
        It cannot be read.
    """
    from pyarrow.parquet import read_metadata

    with source.open() as file:
        metadata = read_metadata(file)
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    largest: int = max((group.total_byte_size for group in groups), default=0)
    pages: int = min(largest, metadata.num_columns * _PAGE_BYTES)
    return 3 * pages


def _parquet_file(file: IO[bytes]) -> Any:
    """A Parquet file whose columns are read through buffers that together are not larger than a batch."""
    from pyarrow.parquet import ParquetFile, read_metadata

    metadata = read_metadata(file)
    buffer = min(max(BATCH_BYTES // max(metadata.num_columns, 1), _LEAST_BUFFER), READ_BYTES)
    return ParquetFile(file, metadata=metadata, buffer_size=buffer, pre_buffer=False)


def _together(parquet: Any, groups: Sequence[int], rows: int) -> Iterator[Any]:
    """Batches of so many rows, or of fewer where these have more bytes than may be in memory at once.

    Few rows are read at a time, because long ones may follow short ones; those in dictionaries cannot be joined.
    """
    from pyarrow import concat_batches, types

    rows = min(rows, _rows_of_a_batch(parquet, groups))
    joinable = not any(types.is_dictionary(field.type) for field in parquet.schema_arrow)
    step = min(rows, _STEP_ROWS) if joinable else rows
    waiting: list[Any] = []
    count = size = 0
    for group in groups:  # by itself: what reads a group keeps a page of each of its columns
        for batch in parquet.iter_batches(step, row_groups=[group], use_threads=False):
            waiting.append(batch)
            count, size = count + batch.num_rows, size + batch.nbytes
            if not joinable or count >= rows or size >= BATCH_BYTES:
                joined, waiting = concat_batches(waiting), []
                count = size = 0
                yield joined
    if waiting:
        yield concat_batches(waiting)


def _rows_of_a_batch(parquet: Any, groups: Sequence[int]) -> int:
    """How many rows have about as many bytes as may be in memory at once: by those of the beginning, and by all.

    What the file says of all is the size of encoded rows, in which a text may stand once for thousands.
    """
    first = next(parquet.iter_batches(_SAMPLED_ROWS, row_groups=groups[:1], use_threads=False))
    about = [parquet.metadata.row_group(group) for group in groups]
    sizes = (
        first.nbytes / max(first.num_rows, 1),
        sum(group.total_byte_size for group in about) / sum(group.num_rows for group in about),
    )
    return max(int(BATCH_BYTES / max(*sizes, 1)), 1)


def _counted(batch: Any) -> NDArray[np.int64]:
    return np.arange(1, batch.num_rows + 1)


def _groups(metadata: Any, first: int, last: int) -> tuple[list[int], int]:
    """The groups that hold some rows, and the number of rows before the first of them."""
    if first == last:
        return [], 0
    ends = np.cumsum([metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]).tolist()
    from_group, to_group = bisect_right(ends, first), bisect_right(ends, last - 1)
    return list(range(from_group, to_group + 1)), ends[from_group - 1] if from_group else 0
