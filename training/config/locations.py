"""Where a table is: a file or a folder on this machine, or an object in S3."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from botocore.exceptions import ClientError
from pydantic import BeforeValidator, PlainSerializer

from skylift.aws import aws_errors, error_code, s3_client
from skylift.errors import AwsUnavailable, DataError
from skylift.references import sha256

_SCHEME = "s3://"
_BLOCK = 2**20
_ABSENT = {"NoSuchKey", "NoSuchBucket", "404"}


@dataclass(frozen=True, slots=True)
class S3Url:
    """An object in S3, named as the AWS tools do.

    Examples
    --------
    >>> url = S3Url.parse("s3://tables/2026/rents.parquet")
    >>> url.bucket, url.key, url.name, url.suffix
    ('tables', '2026/rents.parquet', 'rents.parquet', '.parquet')
    """

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `s3://bucket/key`.

        Raises
        ------
        ValueError
            The bucket or the key is missing.
        """
        bucket, _, key = text.removeprefix(_SCHEME).partition("/")
        if not text.startswith(_SCHEME) or not bucket or not key or key.endswith("/"):
            raise ValueError(f"{text!r} should be s3://bucket/key of one object")
        return cls(bucket, key)

    @property
    def name(self) -> str:
        """The last part of the key, as a path has it."""
        return self.key.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The ending of the name, as a path has it."""
        return Path(self.name).suffix

    def __str__(self) -> str:
        return f"{_SCHEME}{self.bucket}/{self.key}"


def parse_location(text: str) -> Path | S3Url:
    """Read a path, or `s3://bucket/key`.

    Raises
    ------
    ValueError
        It begins as the second one, and is not one.
    """
    return S3Url.parse(text) if text.startswith(_SCHEME) else Path(text)


def _parsed(value: Any) -> Any:
    return parse_location(value) if isinstance(value, str) else value


type Location = Annotated[Path | S3Url, BeforeValidator(_parsed), PlainSerializer(str)]
"""A path, or an object in S3; as text either way in `model.yaml`."""


@contextmanager
def local_copy(location: Location) -> Iterator[Path]:
    """A file or folder on this machine with a location's bytes; that of an object in S3 is gone at the end.

    Raises
    ------
    DataError
        It is not there, or larger than what is left of the disk.
    AwsUnavailable
        S3 did not answer, refused, or sends it more slowly than `skylift.pace` allows.
    """
    if isinstance(location, Path):
        yield location
        return
    with tempfile.TemporaryDirectory(prefix="skylift-") as folder:
        path = Path(folder) / location.name
        _download(location, path)
        yield path


def table_digest(path: Path) -> str:
    """SHA-256 of a file; of a folder that of the digests and names of its files.

    Raises
    ------
    DataError
        A file cannot be read.
    """
    if not path.is_dir():
        return file_digest(path)
    lines = [f"{file_digest(each)}  {each.relative_to(path).as_posix()}\n" for each in paths_in(path)]
    return sha256("".join(lines).encode())


def file_digest(path: Path) -> str:
    """SHA-256 of a file.

    Raises
    ------
    DataError
        It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror})", "check the path that data.path or the command names"
        ) from error


def paths_in(path: Path) -> list[Path]:
    """The files in a folder by their names, at any depth, but hidden ones; the file itself if it is none.

    Raises
    ------
    DataError
        The folder has none.
    """
    if not path.is_dir():
        return [path]
    if paths := sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith(".")):
        return paths
    raise DataError(f"{path} has no files", "name a file, or a folder that has some, in data.path")


def _download(url: S3Url, path: Path) -> None:
    with aws_errors(f"reading {url}"):
        try:
            response = s3_client().get_object(Bucket=url.bucket, Key=url.key)
        except ClientError as error:
            if error_code(error) in _ABSENT:
                raise DataError(
                    f"{url} does not exist",
                    "check data.path in the configuration, and AWS_ENDPOINT_URL where it is set",
                ) from error
            if error_code(error) == "AccessDenied":  # S3's word for a missing object too, without s3:ListBucket
                raise AwsUnavailable(
                    f"reading {url} failed (AccessDenied): it is missing, or the role may not read it",
                    "check data.path in the configuration, and the role's policy and credentials",
                ) from error
            raise
        free = shutil.disk_usage(path.parent).free
        if response["ContentLength"] > free:
            raise DataError(
                f"{url} has {response['ContentLength']:,} bytes, and {path.parent.parent} has {free:,} left",
                "free some, or name another folder in TMPDIR",
            )
        # A table may be larger than memory; the body counts its bytes, so a transfer that ends early is an error.
        with closing(response["Body"]) as body, path.open("wb") as file:
            for block in body.iter_chunks(_BLOCK):
                file.write(block)
