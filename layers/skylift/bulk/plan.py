"""Cuts the files of a table into parts, each with a name of its own, that any machine can run in any order."""

import io
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Self, cast

from skylift.bulk.records import Cut, UnclearEnds, cuts
from skylift.bulk.sources import CsvForm, Source, digest_of, find_sources, is_compressed
from skylift.documents import Document
from skylift.errors import DataError

if TYPE_CHECKING:
    from typing import IO

    type DescribeCsv = Callable[[Source], CsvForm]
    """Finds out how a CSV file is written."""

    type CheckColumns = Callable[[Source, Sequence[str]], None]
    """Refuses a file by the names of its columns."""

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
    oversized
        Whether it is one record, which is too long.
    """

    name: str
    source: Source
    first: int
    last: int
    before: int
    parsed: bool = False
    oversized: bool = False


class Plan(Document):
    """All parts of a table.

    Parameters
    ----------
    run
        Digest of its parts and of what scores them: files of another run are not of this one.
    input
        Address that was asked for.
    version, explain
        Reference of the version that scores, and whether answers come with their reasons.
    parts
        Parts, in the order of their rows.
    """

    run: str
    input: str
    version: str = ""
    explain: bool = False
    parts: tuple[Part, ...]

    @classmethod
    def of(
        cls,
        address: str,
        describe: "DescribeCsv",
        *,
        version: str = "",
        explain: bool = False,
        check: "CheckColumns" = lambda *_: None,
    ) -> Self:
        """Plan a table.

        Parameters
        ----------
        address
            See `find_sources`.
        describe
            Function that finds out how a CSV file is written.
        version, explain
            See `Plan`.
        check
            Asked of each CSV and Parquet file before anything is scored.

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
        parts = tuple(part for source in sources for part in parts_of(source, check))
        run = digest_of(version, str(explain), *(part.model_dump_json() for part in parts))
        return cls(run=run, input=address, version=version, explain=explain, parts=parts)

    @property
    def sources(self) -> list[Source]:
        """Its files."""
        return list({part.source.address: part.source for part in self.parts}.values())

    def told_from(self, other: "Plan") -> tuple[str, str]:
        """What makes another run another one than this, and what to do to continue it."""
        elsewhere = "name another output"
        if other.version != self.version:
            name = other.version.partition("@")[0]
            return f"by {other.version or 'another version'}", f"continue with --version {name}, or {elsewhere}"
        if other.explain != self.explain:
            return f"{'with' if other.explain else 'without'} reasons", f"ask for the same, or {elsewhere}"
        ours, theirs = ({source.address: source for source in plan.sources} for plan in (self, other))
        changed = [name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]
        if not changed:
            return "of parts that another release cut", f"continue with that release, or {elsewhere}"
        how = "has changed since" if changed[0] in ours and changed[0] in theirs else "is in one of them alone"
        return f"of other files: {changed[0]} {how}", f"{elsewhere}, or take that run away"


def parts_of(source: Source, check: "CheckColumns") -> Iterator[Part]:
    """The parts of a file.

    Parameters
    ----------
    check
        See `Plan.of`.

    Raises
    ------
    DataError, AwsUnavailable
        It cannot be read.
    """
    if source.csv is not None:
        check(source, column_names(source.csv))
    ranges = list(_row_ranges(source, check) if source.form == "parquet" else _byte_ranges(source))
    for number, found in enumerate(ranges or [_Range(0, 0, 0)]):  # a file without rows has its columns
        yield Part(name=f"{source.key}-{number:05d}", source=source, **found._asdict())


class _Range(NamedTuple):
    """What a part is of its file; see `Part`."""

    first: int
    last: int
    before: int
    parsed: bool = False
    oversized: bool = False


def _byte_ranges(source: Source) -> Iterator[_Range]:
    """Ranges of bytes between records; the whole file where only a parser finds them."""
    form = source.csv
    plain = form is None or (form.encoding.lower() in _ONE_BYTE and len(form.delimiter.encode()) == 1)
    found: list[Cut] = []
    if plain:
        delimiter, skip = (form.delimiter, form.first) if form else (None, 0)
        try:
            with source.open() as raw:
                file = cast("IO[bytes]", raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw))
                if not is_compressed(file):
                    found = list(cuts(file, every=PART_BYTES, delimiter=delimiter, skip=skip))
        except UnclearEnds:
            found = []
    if not found:
        yield _Range(0, source.size, 0, parsed=True)
    for one, other in pairwise(found):
        if other.records > one.records:
            yield _Range(one.byte, other.byte, one.records, oversized=other.oversized)


def _row_ranges(source: Source, check: "CheckColumns") -> Iterator[_Range]:
    """Ranges of rows: whole groups together, and a group that is larger than a part in a few pieces."""
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with source.open() as file, ParquetFile(file) as parquet:
            check(source, parquet.schema_arrow.names)
            sizes = [parquet.metadata.row_group(number).num_rows for number in range(parquet.num_row_groups)]
    except ArrowException as error:
        raise unreadable(source, error) from error
    first = last = 0
    for size in sizes:
        if last > first and last - first + size > PART_ROWS:
            yield _Range(first, last, first)
            first = last
        if size > PART_ROWS:  # each piece reads the group from its beginning
            pieces = min(-(-size // PART_ROWS), _CUTS_OF_A_GROUP)
            bounds = [last + size * piece // pieces for piece in range(pieces + 1)]
            yield from (_Range(one, other, one) for one, other in pairwise(bounds))
            first = last + size
        last += size
    if last > first:
        yield _Range(first, last, first)


def column_names(form: CsvForm) -> list[str]:
    """The names of the header of a CSV file, with one for each column that has none."""
    return [name or f"Unnamed: {index}" for index, name in enumerate(form.names)]


def unreadable(source: Source, error: Exception) -> DataError:
    """The error of a file that is not what its name says."""
    return DataError(f"{source.address} cannot be read: {' '.join(str(error).split())}", "write the file again")
