"""Where a run writes: a folder on this machine, or a prefix in S3. A file is there as a whole, or not at all."""

import errno
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Protocol
from uuid import uuid4

from skylift.aws import aws_errors, s3_client
from skylift.bucket import Bucket
from skylift.bulk.sources import S3, split_address
from skylift.errors import DataError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UNFINISHED = "_unfinished"
"""Folder of files that are being written, or that a killed process left."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LARGEST_DOCUMENT = 2**28


class Place(Protocol):
    """Files by their names."""

    def read(self, name: str) -> bytes | None:
        """A document; None if it does not exist.

        Raises
        ------
        AwsUnavailable
        """
        ...

    def is_empty(self) -> bool:
        """Whether nothing is there, but for what is not finished.

        Raises
        ------
        AwsUnavailable
        """
        ...

    def writing(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file to write, which takes its name when the block ends without an error.

        Raises
        ------
        DataError
            There is no room for it.
        AwsUnavailable
        """
        ...


class Folder:
    """A folder on this machine.

    Parameters
    ----------
    path
        Path of the folder, which is made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str) -> bytes | None:
        """See `Place.read`."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def is_empty(self) -> bool:
        """See `Place.is_empty`."""
        return not self.path.exists() or all(path.name == UNFINISHED for path in self.path.iterdir())

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """See `Place.writing`."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path / UNFINISHED / uuid4().hex
        temporary.parent.mkdir(exist_ok=True)
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if error.errno not in _FULL:
                raise
            hint = "make room: the same command does the rest"
            raise DataError(f"{self.path} cannot take more ({error.strerror})", hint) from error
        temporary.replace(path)


class Prefix:
    """The objects in S3 whose keys have one beginning.

    Parameters
    ----------
    bucket
        Name of the bucket.
    prefix
        Beginning of the keys.
    client
        Botocore client for S3.
    """

    def __init__(self, bucket: str, prefix: str, *, client: "S3Client") -> None:
        self._bucket, self._client = bucket, client
        self._prefix = f"{prefix.rstrip('/')}/" if prefix else ""

    def read(self, name: str) -> bytes | None:
        """See `Place.read`."""
        return Bucket(self._bucket, client=self._client).read(self._prefix + name, limit=_LARGEST_DOCUMENT)

    def is_empty(self) -> bool:
        """See `Place.is_empty`; what stands for a folder is empty itself."""
        return not any(entry.size for entry in Bucket(self._bucket, client=self._client).entries(self._prefix))

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """See `Place.writing`."""
        key = self._prefix + name
        with TemporaryFile(prefix="skylift-") as file:
            yield file
            file.seek(0)
            with aws_errors(f"writing {S3}{self._bucket}/{key}"):
                self._client.put_object(Bucket=self._bucket, Key=key, Body=file)


def place_of(address: str) -> Place:
    """The place that an address names: `s3://bucket/prefix`, or the path of a folder."""
    if address.startswith(S3):
        bucket, prefix = split_address(address)
        return Prefix(bucket, prefix, client=s3_client())
    return Folder(Path(address))
