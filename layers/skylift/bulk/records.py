"""Where the records of a text file begin, so that it can be cut between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 2**23
_LINE_END, _QUOTE, _RETURN = b'\n"\r'


@dataclass(frozen=True, slots=True)
class Cut:
    """A place between two records.

    Parameters
    ----------
    byte
        First byte of the record behind it.
    records
        Number of rows before it; blank lines are none.
    """

    byte: int
    records: int


class OddQuotes(ValueError):
    """A quote begins or ends no cell: where records end, only a parser can tell."""


def cuts(file: IO[bytes], *, every: int, delimiter: str | None, skip: int = 0) -> Iterator[Cut]:
    """Places to cut a file at: before its first row, about every so many bytes, and at its end.

    Parameters
    ----------
    every
        Number of bytes between two places.
    delimiter
        Delimiter of a file whose cells may be quoted, and then hold line ends; None for JSON Lines.
    skip
        Number of records before the first row.

    Raises
    ------
    OddQuotes
    """
    first: Cut | None = Cut(0, 0) if not skip else None
    if first:
        yield first
    last, due = Cut(0, -skip), every
    for after, numbers in _record_ends(file, delimiter):
        if first is None:
            place = int(np.searchsorted(numbers, skip))
            if place < len(after):
                first = Cut(int(after[place]), 0)
                yield first
                due = first.byte + every
        last = Cut(int(after[-1]), int(numbers[-1]) - skip)
        while first and (place := int(np.searchsorted(after, due))) < len(after) - 1:
            cut = Cut(int(after[place]), int(numbers[place]) - skip)
            yield cut
            due = cut.byte + every
    yield Cut(last.byte, max(last.records, 0))


def _record_ends(file: IO[bytes], delimiter: str | None) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """The bytes behind records, and the number of records that are not blank up to each, block by block."""
    place = records = 0
    inside = False
    while block := file.read(_BLOCK) + file.readline():
        size = len(block)
        if not block.endswith(b"\n"):  # the last record
            block += b"\n"
        data = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(data == _LINE_END)
        before = np.concatenate(([_LINE_END, _LINE_END], data))  # of a byte at n, the two before are at n and n + 1
        blank = before[ends + 1] == _LINE_END
        blank |= (before[ends + 1] == _RETURN) & (before[ends] == _LINE_END)
        if delimiter is not None and b'"' in block:
            quotes = np.flatnonzero(data == _QUOTE)
            _check(before, data, quotes[int(inside) :: 2], quotes[int(not inside) :: 2], delimiter)
            outside = (np.searchsorted(quotes, ends) + inside) % 2 == 0
            ends, blank = ends[outside], blank[outside]
            inside ^= bool(len(quotes) % 2)
        elif inside:
            ends, blank = ends[:0], blank[:0]
        if len(ends):
            numbers = records + np.cumsum(~blank)
            records = int(numbers[-1])
            yield place + np.minimum(ends + 1, size), numbers
        place += size
    if inside:
        raise OddQuotes("a quote is never closed")


def _check(
    before: NDArray[Any], data: NDArray[Any], opening: NDArray[Any], closing: NDArray[Any], delimiter: str
) -> None:
    """Refuse a quote that is not at the border of a cell.

    Raises
    ------
    OddQuotes
    """
    borders = np.zeros(256, dtype=bool)
    borders[[ord(delimiter), _LINE_END, _QUOTE, _RETURN]] = True
    if not (borders[before[opening + 1]].all() and borders[data[closing + 1]].all()):
        raise OddQuotes("a quote stands within a cell")
