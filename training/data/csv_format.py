"""Finds out how a CSV file is written: its encoding, its delimiter, and whether it has a header."""

import codecs
import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

import numpy as np

from skylift.cells import clean_text, may_be_missing
from skylift.errors import ConfigError, DataError
from skylift.numerals import is_number

WHITESPACE = "whitespace"
_DELIMITERS = ",;\t|"
_NAMES = {",": "','", ";": "';'", "\t": "tabs", "|": "'|'", WHITESPACE: "blanks"}
_HEAD_BYTES = 65536
_LONGEST_LINE = 2**20
_BLOCK = 2**20
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_PACKED = {b"BZh": "bzip2", b"\xfd7zX": "xz", b"\x28\xb5\x2f\xfd": "Zstandard"}
_OTHER_TEXT = (
    (
        re.compile(r"\s*(\{\s*\"|\[\s*[{\[])"),
        "JSON",
        "write it as CSV or Parquet: pandas.read_json(..., lines=True).to_csv(...)",
    ),
    (re.compile(r"\s*<(!doctype|html|\?xml)", re.IGNORECASE), "HTML or XML", "download the table itself, as CSV"),
)
_TITLE_LINES = 20
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BLANKS = re.compile(r"[ \t]+")
_MIN_LINES = 5
_PARSED = re.compile(r"-?(?:\d+\.\d*|\.\d+)|-\d+")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?.*|\d\d?[./-]\d\d?[./-]\d{2,4}.*")


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How a file is written.

    Parameters
    ----------
    encoding, delimiter
        Encoding of Python's name; delimiter, or `whitespace`.
    names
        Names of the columns.
    first
        Number of records before the rows.
    notes
        What was guessed, for people.
    """

    encoding: str
    delimiter: str
    names: tuple[str, ...]
    first: int
    notes: tuple[str, ...] = field(default=())


def find_format(
    path: Path, *, encoding: str | None = None, delimiter: str | None = None, columns: Sequence[str] = ()
) -> CsvFormat:
    """The format of a file.

    Parameters
    ----------
    encoding, delimiter
        Found out if None.
    columns
        Names of the columns of a file without a header.

    Raises
    ------
    DataError
        The file is not text, is empty, repeats a name, or has no header.
    ConfigError
        `columns` are not as many as the cells of a row.
    """
    _check_text(path, encoding)
    try:
        return _found(path, encoding, delimiter, columns)
    except (EOFError, OSError) as error:  # a broken gzip
        raise DataError(f"{path.name} cannot be read: {' '.join(str(error).split())}", "make the file again") from error


def _found(path: Path, encoding: str | None, delimiter: str | None, columns: Sequence[str]) -> CsvFormat:
    notes = []
    if encoding is None:
        encoding = _encoding(path)
        if not encoding.startswith("utf"):
            notes.append(f"{path.name} was read as Windows-1252: data.encoding names another")
    elif encoding.lower().replace("_", "-") in {"utf-8", "utf8"}:
        encoding = "utf-8-sig"  # reads a byte order mark, and does without one
    head = _head(path, encoding)
    _check_csv(path, head)
    declared = re.match(r"\s*sep=(.)[ \t]*(?:\r\n?|\n)", head, re.IGNORECASE)  # a line that Excel writes and reads
    if delimiter is None:
        delimiter = declared[1] if declared else _delimiter(head)
        if delimiter != "," and not declared:
            notes.append(f"{_NAMES[delimiter]} separate the cells of {path.name}")
    records = list(_records(io.StringIO(head, newline=""), delimiter))
    if declared:
        records = records[1:]
    if not records:
        raise DataError(f"{path.name} cannot be read as CSV: it is empty", "name another file in data.path")
    start = int(declared is not None)
    names = tuple(clean_text(name) or "" for name in records[0])
    if columns:
        given = tuple(columns)
        if len(given) != len(names):
            raise ConfigError(f"data.columns names {len(given)} columns, but {path.name} has {len(names)}", "name each")
        return CsvFormat(encoding, delimiter, given, start + int(given == names), tuple(notes))
    _check_header(path, names, records[1:])
    return CsvFormat(encoding, delimiter, names, start + 1, tuple(notes))


@contextmanager
def opened(path: Path, encoding: str) -> Iterator[IO[str]]:
    """The text of a file, which may be compressed by gzip; its line ends stay."""
    with path.open("rb") as raw:
        compressed = raw.read(len(_GZIP)) == _GZIP
        raw.seek(0)
        content = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if compressed else raw
        with io.TextIOWrapper(content, encoding=encoding, newline="") as text:
            yield text


def lines_of(text: Iterable[str], delimiter: str) -> Iterator[str]:
    """The lines of a file for the parser: where blanks delimit, one between two cells."""
    if delimiter != WHITESPACE:
        return iter(text)
    return (f"{_BLANKS.sub(' ', line.strip())}\n" for line in text)


def sign_of(delimiter: str) -> str:
    """The sign that the parser splits at."""
    return " " if delimiter == WHITESPACE else delimiter


def _check_text(path: Path, encoding: str | None) -> None:
    with path.open("rb") as file:
        start = file.read(_HEAD_BYTES)
    magic = start[:4]
    if magic in {_ZIP, _OLD_EXCEL}:
        hint = "in Excel: File, Save As, CSV UTF-8; in LibreOffice: File, Save As, Text CSV"
        kind = "an Excel workbook" if path.suffix.lower().startswith((".xls", ".ods")) else "a workbook or an archive"
        raise DataError(f"{path.name} is {kind}, not text: save the table as CSV", hint)
    if magic == b"PAR1":
        raise DataError(f"{path.name} is Parquet", "give the file the ending .parquet")
    if packed := next((name for sign, name in _PACKED.items() if start.startswith(sign)), None):
        raise DataError(f"{path.name} is packed by {packed}, and only gzip is read", "unpack it")
    if encoding is None and b"\0" in start and not start.startswith((_GZIP, *_UTF_16)):
        wide = [
            name
            for name, ends in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2]))
            if 2 * ends.count(0) > len(ends)
        ]
        hint = (
            f"it looks like UTF-16 without its mark: set data.encoding: {wide[0]}" if wide else "save the table as CSV"
        )
        raise DataError(f"{path.name} is not text: it has zero bytes", hint)


def _check_csv(path: Path, head: str) -> None:
    for pattern, kind, hint in _OTHER_TEXT:
        if pattern.match(head):
            raise DataError(f"{path.name} is {kind}, not CSV", hint)


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is that, UTF-16 by its mark, and else Windows-1252."""
    with path.open("rb") as raw:
        start = raw.read(2)
        raw.seek(0)
        content = gzip.GzipFile(fileobj=raw) if start == _GZIP else raw
        if start in _UTF_16:
            return "utf-16"
        decoder, western = (codecs.getincrementaldecoder(name)() for name in ("utf-8", "cp1252"))
        lines, letters, fault = 1, False, 0
        while block := content.read(_BLOCK):
            if not fault:
                try:
                    letters |= not decoder.decode(block).isascii()
                except UnicodeDecodeError as error:
                    # The decoder's own leftover of the block before holds no line end.
                    fault = lines + error.object.count(b"\n", 0, error.start)
                    letters |= not error.object[: error.start].isascii()
            if fault:
                try:
                    western.decode(block)
                except UnicodeDecodeError:
                    letters = True
                if letters:  # some of it is UTF-8, or it is neither
                    raise DataError(
                        f"{path.name} is not UTF-8 (line {fault})", "save it as UTF-8, or name data.encoding"
                    )
            lines += int(np.count_nonzero(np.frombuffer(block, np.uint8) == ord("\n")))  # much faster than `count`
    return "cp1252" if fault else "utf-8-sig"


def _head(path: Path, encoding: str) -> str:
    """The first lines, whole ones."""
    try:
        with opened(path, encoding) as text:
            head = text.read(_HEAD_BYTES)
            return head + text.readline(_LONGEST_LINE) if len(head) == _HEAD_BYTES else head
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not {encoding}: {error.reason}", "name another data.encoding") from error
    except LookupError as error:
        raise ConfigError(
            f"data.encoding is {encoding!r}, which is unknown", "write utf-8, cp1252, latin-1..."
        ) from error


def _records(text: IO[str], delimiter: str) -> Iterator[list[str]]:
    """Records that are not empty, up to the first that cannot be parsed."""
    parser = csv.reader(lines_of(text, delimiter), delimiter=sign_of(delimiter), skipinitialspace=True)
    try:
        yield from (record for record in parser if any(cell.strip() for cell in record))
    except csv.Error:
        return


def _delimiter(head: str) -> str:
    """The sign that gives the most records as many cells as the first, and of equals the most cells."""

    def score(delimiter: str) -> tuple[float, int]:
        records = list(_records(io.StringIO(head, newline=""), delimiter))
        width = len(records[0]) if records else 0
        if width < 2:
            return 0.0, 0
        return sum(len(record) == width for record in records) / len(records), width

    scores = {delimiter: score(delimiter) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=scores.__getitem__)
    if scores[best] == (0.0, 0):
        share, _ = score(WHITESPACE)
        rows = [line.split() for line in head.splitlines() if line.strip()]
        numbers = sum(is_number(cell) for row in rows[1:] for cell in row)
        if share == 1 and len(rows) > _MIN_LINES and numbers > sum(map(len, rows[1:])) / 2:
            return WHITESPACE
    return best


def _check_header(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Refuse a file without a header, one with lines above it, and one that repeats a name."""
    usual = Counter(map(len, rows[:_TITLE_LINES])).most_common(1)
    if usual and 2 * sum(map(bool, names)) < usual[0][0]:
        raise DataError(
            f"the first line of {path.name} is not a header: it names {sum(map(bool, names))} of {usual[0][0]} columns",
            "remove the lines above the header",
        )
    values = [
        {clean_text(row[index]) for row in rows if len(row) > index} if len(name) else set()
        for index, name in enumerate(names)
    ]
    data = [bool(name) and _is_data(name, known) for name, known in zip(names, values, strict=True)]
    numbered = [str(index + offset) for offset in (0, 1) for index in range(len(names))]
    ordinal = list(names) in (numbered[: len(names)], numbered[len(names) :])  # a frame without names was saved
    fraction = any(map(_PARSED.fullmatch, names))
    named = [name for name in names if name]
    if len(rows) and not ordinal and (sum(data) == len(named) or (fraction and sum(data) >= len(named) / 2)):
        first = next(name for name, is_data in zip(names, data, strict=True) if is_data)
        raise DataError(
            f"{path.name} has no header: its first line holds values, as {first!r}",
            f"name the {len(names)} columns in model.yaml: data.columns: [name, name, ...]",
        )
    if repeated := sorted({name for name in named if named.count(name) > 1}):
        raise DataError(
            f"the header of {path.name} names {', '.join(repeated)} more than once",
            "give each column its own name; for a file without a header, name them in data.columns",
        )


def _is_data(name: str, values: set[str | None]) -> bool:
    """Whether a name of the header looks like a cell."""
    return is_number(name) or name in values or may_be_missing(name) or bool(_DATE.fullmatch(name))
