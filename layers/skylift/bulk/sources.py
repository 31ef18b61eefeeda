"""The files of a table, on this machine or in S3: listed, and opened at any byte."""

import gzip
import io
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Literal, cast

from skylift.aws import s3_client
from skylift.bucket import Bucket
from skylift.bulk.streams import S3Object, changed
from skylift.documents import Document
from skylift.errors import DataError
from skylift.references import sha256

S3 = "s3://"

Form = Literal["csv", "jsonl", "parquet"]

_FORMS: dict[str, Form] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
"""Forms by the ending of a name; all others are CSV."""

_GZIP = b"\x1f\x8b"
_WILD = "*?["
_BUFFER = 2**22


class CsvForm(Document):
    """How a CSV file is written.

    Parameters
    ----------
    encoding, delimiter
        Encoding by Python's name; delimiter, or `whitespace`.
    names
        Names of the columns.
    first
        Number of records before the rows.
    """

    encoding: str
    delimiter: str
    names: tuple[str, ...]
    first: int


class Source(Document):
    """A file of a table.

    Parameters
    ----------
    address
        Path, or `s3://bucket/key`.
    name
        Path below the folder that was asked for; the name of a single file.
    size
        Size in bytes.
    tag
        What changes with the content: time of the last change in nanoseconds, or the tag that S3 has for it.
    form, csv
        What it is, and how a CSV file is written.
    """

    address: str
    name: str
    size: int
    tag: str
    form: Form
    csv: CsvForm | None = None

    @property
    def key(self) -> str:
        """Its name without endings, as names of parts have it."""
        return self.name.removesuffix(".gz").rpartition(".")[0] or self.name

    def open(self) -> IO[bytes]:
        """The bytes of the file, which can be sought.

        Raises
        ------
        DataError, AwsUnavailable
            It cannot be read.
        """
        if self.address.startswith(S3):
            bucket, key = split_address(self.address)
            raw: io.RawIOBase = S3Object(bucket, key, self.size, self.tag, client=s3_client())
            return cast("IO[bytes]", io.BufferedReader(raw, _BUFFER))
        path = Path(self.address)
        try:
            status = path.stat()
            if (status.st_size, _tag_of(status)) != (self.size, self.tag):
                raise changed(self.address)
            return path.open("rb")
        except OSError as error:
            raise DataError(f"{self.address} cannot be read ({error.strerror})", "check the path") from error

    @contextmanager
    def opened_content(self) -> Iterator[IO[bytes]]:
        """The same, decompressed, in a block."""
        with self.open() as file:
            if not is_compressed(file):
                yield file
                return
            try:
                with gzip.GzipFile(fileobj=file) as content:
                    yield cast("IO[bytes]", content)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise DataError(f"{self.address} cannot be decompressed: {error}", "compress the file again") from error


def is_compressed(file: IO[bytes]) -> bool:
    """Whether a file is gzip, whatever its name says, so that it must be read from its beginning."""
    start = file.read(len(_GZIP))
    file.seek(0)
    return start == _GZIP


def find_sources(address: str) -> list[Source]:
    """The files that an address names: one, those in a folder, or those that a pattern fits.

    Of several files, empty ones are left out, and names that begin with a dot or an underscore, as those of what a run
    writes beside answers.

    Parameters
    ----------
    address
        Path or `s3://bucket/key`, also of a folder or with `*`, `?`, `[...]` and `**`.

    Raises
    ------
    DataError
        It names none, or files of several forms.
    AwsUnavailable
        S3 failed.
    """
    sources = list(_in_s3(address) if address.startswith(S3) else _on_disk(address))
    if not sources:
        raise DataError(f"{address} names no files", "name a file, a folder that has some, or a pattern in quotes")
    if len(forms := sorted({source.form for source in sources})) > 1:
        raise DataError(f"{address} names files of several forms: {', '.join(forms)}", "score each form by itself")
    return sorted(sources, key=lambda source: source.name)


def would_name(address: str, other: str) -> bool:
    """Whether an address would name a file too, if that was there; see `find_sources`.

    Parameters
    ----------
    other
        Path, or `s3://bucket/key`, of the file.
    """
    if address.startswith(S3) != other.startswith(S3):
        return False
    if address.startswith(S3):
        (bucket, key), (its_bucket, its_key) = split_address(address), split_address(other)
        return bucket == its_bucket and (
            fnmatchcase(its_key, key) if is_pattern(key) else _is_within(its_key, key.rstrip("/"))
        )
    path, file = Path(address), Path(other).resolve()
    if not is_pattern(address) or path.exists():
        return _is_within(file.as_posix(), path.resolve().as_posix())
    fixed = _fixed(path.parts)
    root = Path(*fixed).resolve()
    return file.is_relative_to(root) and _fits(file.relative_to(root).parts, path.parts[len(fixed) :])


def _is_within(name: str, folder: str) -> bool:
    """Whether a file is one, or is in a folder and not hidden there."""
    return name == folder or not folder or (name.startswith(f"{folder}/") and not _is_hidden(name[len(folder) + 1 :]))


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path fit a pattern, of which `**` fits any number of them."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fits(parts[start:], pattern[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def split_address(address: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`."""
    bucket, _, key = address.removeprefix(S3).partition("/")
    return bucket, key


def is_pattern(address: str) -> bool:
    """Whether an address has wildcards."""
    return any(sign in address for sign in _WILD)


def _on_disk(address: str) -> Iterator[Source]:
    path = Path(address)
    if is_pattern(address) and not path.exists():
        root = Path(*_fixed(path.parts))
        paths = [each for each in root.glob(str(path.relative_to(root))) if each.is_file()]
    elif path.is_dir():
        root, paths = path, [each for each in path.rglob("*") if each.is_file()]
    else:
        root, paths = path.parent, [path] if path.exists() else []
    for each in paths:
        name = each.relative_to(root).as_posix()
        status = each.stat()
        if len(paths) == 1 or (status.st_size and not _is_hidden(name)):
            yield _source(str(each), name, status.st_size, _tag_of(status))


def _fixed(parts: tuple[str, ...]) -> list[str]:
    """The parts of a path before the first with a wildcard."""
    fixed = []
    for part in parts:
        if is_pattern(part):
            break
        fixed.append(part)
    return fixed


def _in_s3(address: str) -> Iterator[Source]:
    bucket, key = split_address(address)
    wild = min((key.find(sign) for sign in _WILD if sign in key), default=-1)
    prefix = key if wild < 0 else key[:wild]
    folder = prefix[: prefix.rfind("/") + 1]
    for entry in Bucket(bucket, client=s3_client()).entries(prefix):
        if wild >= 0:
            fits = fnmatchcase(entry.key, key)
        else:
            fits = entry.key == key or not key or entry.key.startswith(f"{key.rstrip('/')}/")
        name = entry.key.removeprefix(folder if wild >= 0 or entry.key == key else f"{key.rstrip('/')}/".lstrip("/"))
        if fits and name and (entry.key == key or (entry.size and not _is_hidden(name))):
            yield _source(f"{S3}{bucket}/{entry.key}", name, entry.size, entry.tag)


def _tag_of(status: os.stat_result) -> str:
    return str(status.st_mtime_ns)


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.split("/"))


def _source(address: str, name: str, size: int, tag: str) -> Source:
    ending = Path(name.lower().removesuffix(".gz")).suffix
    return Source(address=address, name=name, size=size, tag=tag, form=_FORMS.get(ending, "csv"))


def digest_of(*parts: str) -> str:
    """A digest of texts: what a run is told from others by."""
    return sha256("\n".join(parts).encode())
