"""Reads what S3 sends, and gives up on a body that trickles: a read timeout holds for each packet by itself."""

import io
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Protocol

from skylift.errors import AwsUnavailable
from skylift.pace import SLOWEST_BYTES_PER_SECOND, Pace

_CHUNK_BYTES = 2**20


class Stream(Protocol):
    """What a body is read from."""

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes; none at the end."""


def read_body(
    doing: str,
    body: AbstractContextManager[Stream],
    *,
    length: int | None,
    limit: int,
    clock: Callable[[], float] = time.monotonic,
) -> bytes:
    """Up to `limit` bytes of a body, and one more where it is longer.

    Parameters
    ----------
    doing
        Attempted action, for the error: "reading model.onnx of iris v7".
    body
        Body of S3's answer; entered, it is the stream below botocore's. Closed at the end.
    length
        Length of the body as S3 declared it; None if it did not.
    clock
        Function that returns monotonic seconds.

    Raises
    ------
    AwsUnavailable
        Fewer bytes came than declared, or they trickle; see `Pace`.
    """
    buffer, pace = io.BytesIO(), Pace(clock)
    with body as stream:
        read = getattr(stream, "read1", stream.read)  # which returns what has come, and waits for no more
        while (size := buffer.tell()) <= limit:
            chunk = pace.timed(partial(read, min(_CHUNK_BYTES, limit + 1 - size)), len)
            if not chunk:
                break
            buffer.write(chunk)
            if pace.trickles:
                raise AwsUnavailable(
                    f"{doing} failed (slower than {SLOWEST_BYTES_PER_SECOND // 1024} KiB/s)", "check the network"
                )
    if length is not None and size < min(length, limit + 1):
        raise AwsUnavailable(f"{doing} failed (the connection broke off)", "check the network")
    return buffer.getvalue()
