"""Cuts the files of a table into parts, each with a name of its own, that any machine can run in any order."""

import io
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Self, cast

from skylift.bulk.records import OddQuotes, cuts
from skylift.bulk.sources import CsvForm, Source, digest_of, find_sources
from skylift.documents import Document
from skylift.errors import DataError

if TYPE_CHECKING:
    from typing import IO

    type DescribeCsv = Callable[[Source], CsvForm]
    """Finds out how a CSV file is written."""

PART_BYTES = 2**25
"""Bytes of a text in a part."""
PART_ROWS = 2**18
"""Rows of Parquet in a part."""

_CUTS_OF_A_GROUP = 8
_ONE_BYTE = frozenset({"utf-8", "utf-8-sig", "cp1252", "latin-1", "iso8859-1", "ascii"})
"""Encodings in which line ends are found without decoding."""


class Part(Document):
    """Some rows of a file.

    Parameters
    ----------
    name
        Name of the files that it is written to, without their endings; the same whenever the same input is planned.
    source
        File that has the rows.
    first, last
        First row, and the one behind the last, of a Parquet file; else bytes.
    before
        Number of rows of the file before it.
    parsed
        Whether a CSV file can only be cut by parsing it, so that the part is all of it.
    """

    name: str
    source: Source
    first: int
    last: int
    before: int
    parsed: bool = False


class Plan(Document):
    """All parts of a table.

    Parameters
    ----------
    run
        Digest of the input and of what scores it: files of another run are not of this one.
    input
        Address that was asked for.
    parts
        Parts, in the order of their rows.
    """

    run: str
    input: str
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, address: str, describe: "DescribeCsv", *scored_by: str) -> Self:
        """Plan a table.

        Parameters
        ----------
        address
            See `find_sources`.
        describe
            Function that finds out how a CSV file is written.
        scored_by
            What else makes a run another one: the digest of the version, and the answers that are asked for.

        Raises
        ------
        DataError, AwsUnavailable
            The files cannot be read.
        """
        sources = find_sources(address)
        by_name: dict[str, Source] = {}
        for source in sources:
            if (other := by_name.setdefault(source.key, source)) is not source:
                raise DataError(f"{other.name} and {source.name} differ in their ending alone", "rename one of them")
        if sources[0].form == "csv":
            sources = [source.model_copy(update={"csv": describe(source)}) for source in sources]
        run = digest_of(*scored_by, *(source.model_dump_json() for source in sources))
        return cls(run=run, input=address, parts=tuple(part for source in sources for part in parts_of(source)))

    @property
    def sources(self) -> list[Source]:
        """Its files."""
        return list({part.source.address: part.source for part in self.parts}.values())


def parts_of(source: Source) -> Iterator[Part]:
    """The parts of a file.

    Raises
    ------
    DataError, AwsUnavailable
        It cannot be read.
    """
    if source.form == "parquet":
        bounds = list(_row_ranges(source))
        parsed = False
    else:
        bounds, parsed = _byte_ranges(source)
    for number, (first, last, before) in enumerate(bounds or [(0, 0, 0)]):  # a file without rows has its columns
        name = f"{source.key}-{number:05d}"
        yield Part(name=name, source=source, first=first, last=last, before=before, parsed=parsed)


def _byte_ranges(source: Source) -> tuple[list[tuple[int, int, int]], bool]:
    """Ranges of bytes with the number of rows before, and whether there is only one because the file must be parsed."""
    form = source.csv
    whole = [(0, source.size, 0)]
    if source.is_compressed:
        return whole, True
    if form is None:
        delimiter, skip = None, 0
    elif form.encoding.lower() in _ONE_BYTE and len(form.delimiter.encode()) == 1:
        delimiter, skip = form.delimiter, form.first
    else:
        return whole, True
    try:
        with source.open() as raw:
            file = cast("IO[bytes]", raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw))
            found = list(cuts(file, every=PART_BYTES, delimiter=delimiter, skip=skip))
    except OddQuotes:
        return whole, True
    pairs = pairwise(found)
    return [(one.byte, other.byte, one.records) for one, other in pairs if other.records > one.records], False


def _row_ranges(source: Source) -> Iterator[tuple[int, int, int]]:
    """Ranges of rows: whole groups together, and a group that is larger than a part in a few pieces."""
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with source.open() as file, ParquetFile(file) as parquet:
            sizes = [parquet.metadata.row_group(number).num_rows for number in range(parquet.num_row_groups)]
    except ArrowException as error:
        raise unreadable(source, error) from error
    first = last = 0
    for size in sizes:
        if last > first and last - first + size > PART_ROWS:
            yield first, last, first
            first = last
        if size > PART_ROWS:  # each piece reads the group from its beginning
            pieces = min(-(-size // PART_ROWS), _CUTS_OF_A_GROUP)
            bounds = [last + size * piece // pieces for piece in range(pieces + 1)]
            yield from ((one, other, one) for one, other in pairwise(bounds))
            first = last + size
        last += size
    if last > first:
        yield first, last, first


def unreadable(source: Source, error: Exception) -> DataError:
    """The error of a file that is not what its name says."""
    return DataError(f"{source.address} cannot be read: {' '.join(str(error).split())}", "write the file again")
