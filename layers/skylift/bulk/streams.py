"""Files that show an object in S3, or some bytes of a file."""

import io
from typing import IO, TYPE_CHECKING

from botocore.exceptions import ClientError

from skylift.aws import aws_errors, error_code
from skylift.errors import DataError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHANGED = "PreconditionFailed"


class S3Object(io.RawIOBase):
    """An object in S3, of which only the bytes that are asked for are fetched.

    Parameters
    ----------
    bucket, key
        Bucket and key of the object.
    size
        Size in bytes.
    tag
        Tag that S3 has for its content.
    client
        Botocore client for S3.
    """

    def __init__(self, bucket: str, key: str, size: int, tag: str, *, client: "S3Client") -> None:
        super().__init__()
        self._bucket, self._key, self._size, self._tag, self._client = bucket, key, size, tag, client
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
        DataError
            It has changed.
        AwsUnavailable
        """
        view = memoryview(buffer)  # type: ignore[arg-type]
        last = min(self._place + len(view), self._size) - 1
        if last < self._place:
            return 0
        address, asked = f"s3://{self._bucket}/{self._key}", f"bytes={self._place}-{last}"
        with aws_errors(f"reading {address}"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key, Range=asked, IfMatch=self._tag)
            except ClientError as error:
                if error_code(error) == _CHANGED:
                    raise changed(address) from error
                raise
            with answer["Body"] as body:
                data = body.read()
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


def changed(address: str) -> DataError:
    """The error of a file that is not what was planned."""
    return DataError(f"{address} has changed since the run began", "run again when nobody writes it")
