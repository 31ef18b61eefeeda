"""The files of a table, on this machine or in S3: listed, and opened at any byte."""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, cast

from skylift.aws import aws_errors, s3_client
from skylift.bucket import Bucket
from skylift.documents import Document
from skylift.errors import AwsUnavailable, DataError
from skylift.references import sha256

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

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
        What changes with the content: time of the last change.
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
    def is_compressed(self) -> bool:
        """Whether it must be read from its beginning."""
        return self.name.lower().endswith(".gz")

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
            raw: io.RawIOBase = S3Object(bucket, key, self.size, client=s3_client())
            return cast("IO[bytes]", io.BufferedReader(raw, _BUFFER))
        try:
            return Path(self.address).open("rb")
        except OSError as error:
            raise DataError(f"{self.address} cannot be read ({error.strerror})", "check the path") from error

    @contextmanager
    def opened_content(self) -> Iterator[IO[bytes]]:
        """The same, decompressed, in a block."""
        with self.open() as file:
            if not self.is_compressed:
                yield file
                return
            with gzip.GzipFile(fileobj=file) as content:
                yield cast("IO[bytes]", content)


class S3Object(io.RawIOBase):
    """An object in S3, of which only the bytes that are asked for are fetched.

    Parameters
    ----------
    bucket, key
        Bucket and key of the object.
    size
        Size in bytes.
    client
        Botocore client for S3.
    """

    def __init__(self, bucket: str, key: str, size: int, *, client: "S3Client") -> None:
        super().__init__()
        self._bucket, self._key, self._size, self._client = bucket, key, size, client
        self._place = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Number of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte."""
        self._place = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence] + offset
        return self._place

    def readinto(self, buffer: object) -> int:
        """Read some bytes.

        Raises
        ------
        AwsUnavailable
        """
        view = memoryview(buffer)  # type: ignore[arg-type]
        last = min(self._place + len(view), self._size) - 1
        if last < self._place:
            return 0
        doing = f"reading {S3}{self._bucket}/{self._key}"
        with aws_errors(doing):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key, Range=f"bytes={self._place}-{last}")
            with answer["Body"] as body:
                data = body.read()
        if len(data) != last + 1 - self._place:
            raise AwsUnavailable(f"{doing} failed (it has changed)", "run again when nobody writes it")
        view[: len(data)] = data
        self._place = last + 1
        return len(data)


class Window(io.RawIOBase):
    """Some bytes of a file, as a file.

    Parameters
    ----------
    file
        The file, which is closed with this.
    first, last
        First byte, and the one behind the last.
    """

    def __init__(self, file: IO[bytes], first: int, last: int) -> None:
        super().__init__()
        self._file, self._left = file, last - first
        file.seek(first)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: object) -> int:
        """Read some bytes."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self._file.read(min(len(view), self._left))
        view[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        """Close both."""
        self._file.close()
        super().close()


def find_sources(address: str) -> list[Source]:
    """The files that an address names: one, those in a folder, or those that a pattern fits.

    In folders, names that begin with a dot or an underscore are left out, as those of what a run writes beside answers.

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
        if len(paths) == 1 or not _is_hidden(name):
            status = each.stat()
            yield _source(str(each), name, status.st_size, str(status.st_mtime_ns))


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
        if fits and entry.size and (entry.key == key or not _is_hidden(name)):
            yield _source(f"{S3}{bucket}/{entry.key}", name, entry.size, entry.modified.isoformat())


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.split("/"))


def _source(address: str, name: str, size: int, tag: str) -> Source:
    ending = Path(name.lower().removesuffix(".gz")).suffix
    return Source(address=address, name=name, size=size, tag=tag, form=_FORMS.get(ending, "csv"))


def digest_of(*parts: str) -> str:
    """A digest of texts: what a run is told from others by."""
    return sha256("\n".join(parts).encode())
