"""Gives up on an answer of AWS that trickles: a read timeout holds for each packet by itself."""

import io
import time
from collections.abc import Callable
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

GRACE_SECONDS = 10.0
SLOWEST_BYTES_PER_SECOND = 2**18

_LONGEST_PAUSE_SECONDS = 3.0
"""What a pause counts at most: a Lambda environment may be frozen between two reads, and a function may take long."""


class Pace:
    """How fast the bytes of one answer come.

    Parameters
    ----------
    clock
        Function that returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = 0.0
        self._bytes = 0

    def timed[Data](self, read: Callable[[], Data], size: Callable[[Data], int]) -> Data:
        """What a function reads, its time and size noted.

        Parameters
        ----------
        size
            Function that returns the number of bytes in what was read.
        """
        before = self._clock()
        data = read()
        self._bytes += size(data)
        self._seconds += min(self._clock() - before, _LONGEST_PAUSE_SECONDS)
        return data

    @property
    def trickles(self) -> bool:
        """Whether fewer than `SLOWEST_BYTES_PER_SECOND` came after the first `GRACE_SECONDS`."""
        return self._seconds > GRACE_SECONDS + self._bytes / SLOWEST_BYTES_PER_SECOND


class PacedReads(io.RawIOBase):
    """What comes over a connection; fails like a read that takes too long where it trickles.

    Parameters
    ----------
    raw
        Stream of the socket.
    pace
        Pace of one answer.
    """

    def __init__(self, raw: io.RawIOBase, pace: Pace) -> None:
        self._raw = raw
        self._pace = pace

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """Read what has come.

        Raises
        ------
        TimeoutError
            The answer trickles.
        """
        count = self._pace.timed(lambda: self._raw.readinto(buffer), lambda count: count or 0)
        if count and self._pace.trickles:
            raise TimeoutError("the answer trickles")
        return count

    def close(self) -> None:
        """Close the stream of the socket too."""
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """An answer whose status, headers and body come at a pace."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fp = io.BufferedReader(PacedReads(self.fp.detach(), Pace()))


class _Connection(AWSHTTPConnection):
    response_class = _Response  # type: ignore[assignment]  # the stubs name that of few answers


class _SecureConnection(AWSHTTPSConnection):
    response_class = _Response  # type: ignore[assignment]  # the stubs name that of few answers


class _Pool(AWSHTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(AWSHTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def hold_to_pace(client: Any) -> None:
    """Let a botocore client give up on answers that trickle; botocore then tries again as after any timeout.

    Parameters
    ----------
    client
        A client that has made no request.
    """
    session = client._endpoint.http_session  # noqa: SLF001 (botocore offers no other way; a test would see it change)
    session._pool_classes_by_scheme.update(http=_Pool, https=_SecurePool)  # noqa: SLF001
