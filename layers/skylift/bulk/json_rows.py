"""Reads the rows of a part of JSON Lines."""

import codecs
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

import numpy as np
from pydantic_core import from_json

from skylift.bulk.batch import READ_BYTES, SHOWN, Batch, Broken, opened, too_long
from skylift.bulk.columns import ABSENT
from skylift.bulk.plan import Part
from skylift.bulk.records import LARGEST_RECORD
from skylift.contract import Contract
from skylift.errors import DataError

_MAX_SPELLINGS = 10_000


def json_rows(part: Part, contract: Contract, rows: int) -> Iterator[Batch]:
    """The rows of a part, so many at a time; see `skylift.bulk.batches.batches`."""
    number = part.before
    spellings: dict[str, str | None] = {}
    absent = {feature.name: ABSENT for feature in contract.features if feature.required}
    with opened(part) as file:
        if part.first == 0:
            _begin(part, file)
        while lines := list(_up_to(_lines(file), rows)):
            kept: list[dict[str, Any]] = []
            named, numbers, broken = [], [], []
            for line, size in lines:
                number += 1
                if size > LARGEST_RECORD:
                    broken.append(too_long(number, size, line.decode(errors="replace")))
                    continue
                try:
                    found = from_json(line, cache_strings="keys")
                    named.append(_by_feature(found, contract, spellings))
                except (TypeError, ValueError) as error:
                    text = line[:SHOWN].decode(errors="replace").rstrip()
                    broken.append(Broken(number, "wrong_type", str(error), text))
                else:
                    kept.append(found)
                    numbers.append(number)
            present = set().union(*named)
            columns = {name: [row.get(name, absent.get(name)) for row in named] for name in present}
            yield Batch(columns, kept, np.array(numbers, dtype=np.int64), broken)


def _begin(part: Part, file: IO[bytes]) -> None:
    """Skip the mark that some programs write before UTF-8.

    Raises
    ------
    DataError
        The file is UTF-16, or an array.
    """
    start: bytes = file.peek(1)  # type: ignore[attr-defined]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(f"{part.source.address} is UTF-16", "write JSON Lines as UTF-8")
    if start.startswith(codecs.BOM_UTF8):
        file.read(len(codecs.BOM_UTF8))
    if start.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"["):
        raise DataError(
            f"{part.source.address} is an array of JSON",
            "write JSON Lines, one object a line: jq -c '.[]', or to_json(..., orient='records', lines=True)",
        )


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


type _Line = tuple[bytes, int]
"""A line and its size; of a line that is too long, the beginning."""


def _up_to(lines: Iterator[_Line], count: int) -> Iterator[_Line]:
    """So many lines, or fewer where they are long."""
    read = 0
    for line, size in islice(lines, count):
        yield line, size
        read += len(line)
        if read >= READ_BYTES:
            return


def _lines(file: IO[bytes]) -> Iterator[_Line]:
    """Lines that are not blank."""
    while line := file.readline(LARGEST_RECORD):
        size, more = len(line), line
        while size >= LARGEST_RECORD and more and not more.endswith(b"\n"):
            more = file.readline(READ_BYTES)
            size += len(more)
        if size > LARGEST_RECORD:
            yield line[:SHOWN], size
        elif line.strip():
            yield line, size
