"""Where the records of a text file begin, so that it can be cut between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

LARGEST_RECORD = 2**23
"""Bytes of a record, at most: a longer one would have to be in memory as a whole, and is hardly a row."""

_BLOCK = 2**22
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
    oversized
        Whether between it and the one before is one record, which is too long.
    """

    byte: int
    records: int
    oversized: bool = False


class UnclearEnds(ValueError):
    """Where records end, only a parser can tell: a quote begins or ends no cell, or a line ends by a return alone."""


def cuts(file: IO[bytes], *, every: int, delimiter: str | None, skip: int = 0) -> Iterator[Cut]:
    """Places to cut a file at: before its first row, about every so many bytes, around what is too long, at its end.

    Two blocks of the file are in memory, however long its records are.

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
    UnclearEnds
    """
    given: Cut | None = Cut(0, 0) if not skip else None
    if given:
        yield given
    last = Cut(0, -skip)
    for after, numbers in _record_ends(file, delimiter):
        records = numbers - skip
        if given is None and (place := int(np.searchsorted(records, 0))) < len(after):
            given = Cut(int(after[place]), 0)
            yield given
        if given:
            for given in _within(last, after, records, given, every):  # noqa: B020 (each goes on from the one before)
                yield given
        last = Cut(int(after[-1]), int(records[-1]))
    if given is None or last.byte > given.byte:
        yield Cut(last.byte, max(last.records, 0))


def _within(last: Cut, after: NDArray[Any], records: NDArray[Any], given: Cut, every: int) -> Iterator[Cut]:
    """Cuts between the records of a block, but for its end.

    Parameters
    ----------
    last
        End of the block before.
    after, records
        The bytes behind records, and the number of rows up to each.
    given
        The cut before.
    """
    long = np.flatnonzero(np.diff(after, prepend=last.byte) > LARGEST_RECORD)
    for stop in [*long[after[long] > given.byte].tolist(), None]:
        before = len(after) - 1 if stop is None else stop
        while (place := int(np.searchsorted(after, given.byte + every))) < before:
            given = Cut(int(after[place]), int(records[place]))
            yield given
        if stop is None:
            return
        begin = Cut(int(after[stop - 1]), int(records[stop - 1])) if stop else last
        if begin.byte > given.byte:
            yield begin
        given = Cut(int(after[stop]), int(records[stop]), oversized=True)
        yield given


def _record_ends(file: IO[bytes], delimiter: str | None) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """The bytes behind records, and the number of records that are not blank up to each, block by block."""
    place = records = 0
    inside = False
    before, block = b"\n\n", file.read(_BLOCK)
    while block:
        size, ahead = len(block), file.read(_BLOCK)
        if not ahead and not block.endswith(b"\n"):  # the last record
            block += b"\n"
        # A byte at n is at n + 2 here, behind the two that are before it.
        around = np.frombuffer(before + block + (ahead[:1] or b"\n"), np.uint8)
        data = around[2:-1]
        ends = np.flatnonzero(data == _LINE_END)
        blank = around[ends + 1] == _LINE_END
        blank |= (around[ends + 1] == _RETURN) & (around[ends] == _LINE_END)
        if delimiter is not None:
            quotes = np.flatnonzero(data == _QUOTE)
            _check(around, quotes[int(inside) :: 2], quotes[int(not inside) :: 2], delimiter)
            outside = _outside(ends, quotes, inside=inside)
            ends, blank = ends[outside], blank[outside]
            returns = np.flatnonzero(data == _RETURN)
            alone = returns[around[returns + 3] != _LINE_END]
            if _outside(alone, quotes, inside=inside).any():
                raise UnclearEnds("a line ends by a return alone")
            inside ^= bool(len(quotes) % 2)
        if len(ends):
            numbers = records + np.cumsum(~blank)
            records = int(numbers[-1])
            yield place + np.minimum(ends + 1, size), numbers
        place += size
        before, block = around[-3:-1].tobytes(), ahead
    if inside:
        raise UnclearEnds("a quote is never closed")


def _outside(places: NDArray[Any], quotes: NDArray[Any], *, inside: bool) -> NDArray[np.bool_]:
    """Whether places of a block are outside of quotes, given whether its beginning is inside of some."""
    outside: NDArray[np.bool_] = (np.searchsorted(quotes, places) + inside) % 2 == 0
    return outside


def _check(around: NDArray[Any], opening: NDArray[Any], closing: NDArray[Any], delimiter: str) -> None:
    """Refuse a quote that is not at the border of a cell.

    Raises
    ------
    UnclearEnds
    """
    borders = np.zeros(256, dtype=bool)
    borders[[ord(delimiter), _LINE_END, _QUOTE, _RETURN]] = True
    if not (borders[around[opening + 1]].all() and borders[around[closing + 3]].all()):
        raise UnclearEnds("a quote stands within a cell")
