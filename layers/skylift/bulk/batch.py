"""Some rows of a table, as they were read."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from skylift.bulk.columns import Column
from skylift.bulk.plan import Part
from skylift.bulk.records import LARGEST_RECORD
from skylift.bulk.streams import Window
from skylift.contract import Contract
from skylift.errors import DataError
from skylift.names import NearestNames

BATCH_BYTES = 2**23
"""Bytes of a batch, about."""
READ_BYTES = 2**22
"""Bytes of a text that are read at a time."""
SHOWN = 1000
"""Letters of a row that could not be read that are shown."""


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

    def columns(self, batch: Any) -> dict[str, Column]:
        """The columns of a batch of Arrow by the name of their feature."""
        return {name: batch.column(place) for name, place in self.features.items()}


def too_long(number: int, size: int, text: str) -> Broken:
    """A row that is longer than a record may be."""
    return Broken(number, "too_long", f"it has {size:,} bytes, more than {LARGEST_RECORD:,}", text[:SHOWN])


@contextmanager
def opened(part: Part) -> Iterator[IO[bytes]]:
    """The bytes of a part of a text, in a block."""
    if part.parsed:
        with part.source.opened_content() as file:
            yield file
    else:
        with io.BufferedReader(Window(part.source.open(), part.first, part.last), READ_BYTES) as window:
            yield window
