"""Reads blocks of a CSV file by pandas' parser, where it reads what `csv` would: most blocks of a large file.

A block that pandas might split in another way is left to `csv`, and a column whose spelling matters is given as texts.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

_DELIMITERS = frozenset(",;\t|")  # behind a blank, `csv` skips further ones
_PECULIAR = (
    "\r",  # ends a line for `csv`
    "\0",
    "\ufeff",  # pandas skips it at the start
    "9223372036854775808",  # with a minus, what pandas has for a missing integer
)

type Takes = Callable[[str, Any], bool]
"""Whether numbers, a nullable array, may stand for the cells of a column: its name comes first."""


@dataclass(slots=True)
class BlockReader:
    """Reads blocks of one file.

    Parameters
    ----------
    names
        Names of the columns.
    delimiter
        Delimiter, or `whitespace`.
    takes
        Asked for each column of numbers in each block; one that is not taken is read as texts.
    """

    names: Sequence[str]
    delimiter: str
    takes: Takes
    texts: set[int] = field(default_factory=set)

    def read(self, block: str) -> dict[str, Any] | None:
        """The columns of a block of whole lines; None where `csv` might read them in another way.

        Returns
        -------
        By the name of each column a nullable array of numbers, or an array of texts with NaN for an empty cell.
        """
        if "\r" in block:
            block = block.replace("\r\n", "\n")
        if len(self.names) < 2 or self.delimiter not in _DELIMITERS or any(text in block for text in _PECULIAR):
            return None  # a table of one column may have empty lines
        block = block if block.endswith("\n") else f"{block}\n"
        last = len(self.names)
        content = block.replace("\n", f"{self.delimiter}0\n").encode()  # a cell at the end of each row, to see it there
        if '"' in block and not _quotes_are_plain(content, self.delimiter):
            return None
        spelled = _with_spelled_zeros(content)
        try:
            frame = self._parsed(spelled, self.texts)
        except pd.errors.ParserError:  # a row is too long, or a quote is not closed
            return None
        rows = np.count_nonzero(np.frombuffer(content, np.uint8) == ord("\n"))
        if len(frame) != rows or not isinstance(frame.index, pd.RangeIndex) or frame[last].hasnans:
            return None  # a cell has several lines, the first row is too long, a row is too short
        refused = set()
        for place in set(range(last)) - self.texts:
            values = frame[place].array
            if not pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
                self.texts.add(place)
                refused.add(place)
            elif not self.takes(self.names[place], values):
                refused.add(place)
        texts = self.texts | refused
        if again := refused if spelled is content else texts:
            frame[sorted(again)] = self._parsed(content, again, only=again)
        return {
            name: frame[place].to_numpy() if place in texts else frame[place].array
            for place, name in enumerate(self.names)
        }

    def _parsed(self, content: bytes, texts: Iterable[int], *, only: Iterable[int] | None = None) -> pd.DataFrame:
        return pd.read_csv(
            io.BytesIO(content),
            sep=self.delimiter,
            header=None,
            names=range(len(self.names) + 1),
            usecols=None if only is None else sorted(only),
            dtype=dict.fromkeys(texts, object),
            na_values=[""],
            keep_default_na=False,
            skip_blank_lines=False,
            low_memory=False,  # else it would guess types by parts of the block
            dtype_backend="numpy_nullable",
        )


def _quotes_are_plain(content: bytes, delimiter: str) -> bool:
    """Whether each quote begins a cell, ends one, or stands beside another."""
    signs = np.frombuffer(b"\n" + content, np.uint8)
    quotes = np.flatnonzero(signs == ord('"'))
    borders = np.zeros(256, dtype=bool)
    borders[[ord(delimiter), ord("\n"), ord('"')]] = True
    return not len(quotes) % 2 and bool(
        borders[signs[quotes[0::2] - 1]].all() and borders[signs[quotes[1::2] + 1]].all()
    )


def _with_spelled_zeros(content: bytes) -> bytes:
    """The content, with no number where a cell has leading zeros: pandas would lose them."""
    signs = np.frombuffer(b"\n\n" + content, np.uint8)
    digits = (signs - ord("0")) < 10
    led = (signs[2:-1] == ord("0")) & digits[3:] & ~digits[1:-2]
    places = np.flatnonzero(led) + 2
    before = signs[places - 1]
    exponent = np.where(np.isin(before, list(b"+-")), signs[places - 2], before)
    places = places[(before != ord(".")) & ~np.isin(exponent, list(b"eE"))]
    if not len(places):
        return content
    spelled = signs[2:].copy()
    spelled[places - 2] = ord("x")
    return spelled.tobytes()
