"""Objects in a bucket that are not versions: captures, labels, reports, experiments, retrainings, the audit."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from botocore.exceptions import ClientError

from skylift.aws import aws_errors, error_code
from skylift.download import read_body

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

JSON = "application/json"

_ABSENT = {"NoSuchKey", "404"}
_LOST_RACE = {"PreconditionFailed", "ConditionalRequestConflict"}
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Entry:
    """What a listing says of an object.

    Parameters
    ----------
    key
        Key of the object.
    size
        Size in bytes.
    modified
        Time of the write, UTC.
    tag
        What changes with the content.
    """

    key: str
    size: int
    modified: datetime
    tag: str


@dataclass(frozen=True, slots=True)
class Content:
    """What an object holds.

    Parameters
    ----------
    version
        Version id; None where the bucket keeps no versions.
    chunks
        Parts of the content, each read when it is asked for.
    """

    version: str | None
    chunks: Iterator[bytes]


class Bucket:
    """Objects by key.

    Parameters
    ----------
    name
        Name of the bucket.
    client
        Botocore client for S3.
    """

    def __init__(self, name: str, *, client: "S3Client") -> None:
        self._name = name
        self._client = client

    def url(self, key: str) -> str:
        """The address of an object as the AWS tools have it, for example `s3://models/data/iris/1.csv`."""
        return f"s3://{self._name}/{key}"

    def entries(self, prefix: str) -> Iterator[Entry]:
        """The objects whose keys begin so, in the order of their keys.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        with aws_errors(f"listing {prefix} in bucket {self._name}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix):
                for item in page.get("Contents", []):
                    yield Entry(item["Key"], item["Size"], item["LastModified"], item["ETag"])

    def read(self, key: str, *, limit: int) -> bytes | None:
        """An object; None if it does not exist.

        Parameters
        ----------
        limit
            Most bytes that are read; a longer object is cut after one more, which no reader takes for the whole.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        stored = self.read_tagged(key, limit=limit)
        return stored[0] if stored else None

    def read_tagged(self, key: str, *, limit: int) -> tuple[bytes, str] | None:
        """An object and the tag of what it holds, which `replace` takes; None if it does not exist. See `read`."""
        doing = f"reading {key} in bucket {self._name}"
        with aws_errors(doing):
            try:
                response = self._client.get_object(Bucket=self._name, Key=key)
            except ClientError as error:
                if error_code(error) in _ABSENT:
                    return None
                raise
            body = read_body(doing, response["Body"], length=response.get("ContentLength"), limit=limit)
            return body, response["ETag"]

    def chunks(self, key: str) -> Iterator[bytes]:
        """An object of any size, in parts. See `opened`."""
        with self.opened(key) as content:
            yield from content.chunks

    @contextmanager
    def opened(self, key: str, *, version: str | None = None) -> Iterator[Content]:
        """An object of any size, to be read in the block.

        Parameters
        ----------
        version
            Version id; the latest version if None.

        Raises
        ------
        AwsUnavailable
            S3 failed, or there is no such object.
        """
        pinned: dict[str, Any] = {"VersionId": version} if version else {}
        with aws_errors(f"reading {key} in bucket {self._name}"):
            response = self._client.get_object(Bucket=self._name, Key=key, **pinned)
            with response["Body"] as body:
                yield Content(response.get("VersionId"), iter(lambda: body.read(_CHUNK), b""))

    def write(self, key: str, data: bytes, *, content_type: str) -> None:
        """Write an object, in place of one that is there.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        with aws_errors(f"writing {key} to bucket {self._name}"):
            self._client.put_object(
                Bucket=self._name, Key=key, Body=data, ChecksumAlgorithm="SHA256", ContentType=content_type
            )

    def write_new(self, key: str, data: bytes, *, content_type: str) -> bool:
        """Write an object that is new; False where its key has one already, which stays.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        return self._write_if(key, data, content_type, IfNoneMatch="*")

    def replace(self, key: str, data: bytes, *, tag: str, content_type: str) -> bool:
        """Write an object in place of what was read; False where it holds something else by now, which stays.

        Parameters
        ----------
        tag
            Tag of what was read; see `read_tagged`.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        return self._write_if(key, data, content_type, IfMatch=tag)

    def _write_if(self, key: str, data: bytes, content_type: str, **condition: Any) -> bool:
        with aws_errors(f"writing {key} to bucket {self._name}"):
            try:
                self._client.put_object(
                    Bucket=self._name,
                    Key=key,
                    Body=data,
                    ChecksumAlgorithm="SHA256",
                    ContentType=content_type,
                    **condition,
                )
            except ClientError as error:
                if error_code(error) in _LOST_RACE:
                    return False
                raise
        return True


class ModelFolder:
    """What a bucket holds of one model below the folder of a subclass.

    Parameters
    ----------
    bucket
        Bucket of the model.
    model
        Name of the model.
    """

    FOLDER: ClassVar[str]
    """Folder of the bucket, which has one below it for each model."""

    def __init__(self, bucket: Bucket, model: str) -> None:
        self.model = model
        self._bucket = bucket
        self._root = f"{self.FOLDER}/{model}/"
