"""A body of S3 is read as fast as it comes, and given up where it trickles."""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from skylift.download import Stream, read_body
from skylift.errors import AwsUnavailable
from skylift.pace import GRACE_SECONDS, SLOWEST_BYTES_PER_SECOND
from tests.support.fakes import Clock


class Trickle:
    """A stream that gives so many bytes after so many seconds, again and again."""

    def __init__(self, clock: Clock, *, bytes_each: int, seconds_each: float, size: int = 2**30) -> None:
        self._clock = clock
        self._bytes_each = bytes_each
        self._seconds_each = seconds_each
        self.left = size

    def read(self, size: int, /) -> bytes:
        self._clock.advance(self._seconds_each)
        given = min(size, self._bytes_each, self.left)
        self.left -= given
        return b"x" * given


@contextmanager
def body_of(stream: Stream) -> Iterator[Stream]:
    yield stream


def read(body: AbstractContextManager[Stream], clock: Clock, *, limit: int = 2**30, length: int | None = None) -> bytes:
    return read_body("reading model.onnx of iris v7", body, length=length, limit=limit, clock=clock)


def test_a_body_is_read_whole() -> None:
    assert read(io.BytesIO(b"model"), Clock(), length=5) == b"model"


def test_of_a_body_that_is_too_long_one_byte_more_than_allowed_is_read() -> None:
    assert read(io.BytesIO(b"model"), Clock(), length=5, limit=3) == b"mode"


def test_a_body_that_breaks_off_is_a_failure_and_no_shorter_body() -> None:
    with pytest.raises(AwsUnavailable, match=r"reading model\.onnx of iris v7 failed \(the connection broke off\)"):
        read(io.BytesIO(b"mod"), Clock(), length=5)


@pytest.mark.parametrize(("bytes_each", "seconds_each"), [(1, 2.9), (2_000, 1.0), (200_000, 1.0)])
def test_a_body_that_trickles_is_given_up(bytes_each: int, seconds_each: float) -> None:
    clock = Clock()
    stream = Trickle(clock, bytes_each=bytes_each, seconds_each=seconds_each)
    begun = clock()

    with pytest.raises(AwsUnavailable, match="slower than 256 KiB/s"):
        read(body_of(stream), clock)

    assert clock() - begun <= GRACE_SECONDS + (2**30 - stream.left) / SLOWEST_BYTES_PER_SECOND + seconds_each


def test_a_large_body_that_comes_steadily_takes_its_time() -> None:
    clock = Clock()
    stream = Trickle(clock, bytes_each=300_000, seconds_each=1.0, size=60_000_000)

    assert len(read(body_of(stream), clock)) == 60_000_000


def test_a_small_body_may_take_longer_than_its_size_would_allow() -> None:
    clock = Clock()

    assert read(body_of(Trickle(clock, bytes_each=1, seconds_each=2.5, size=3)), clock) == b"xxx"


def test_the_time_for_which_an_environment_was_frozen_does_not_count() -> None:
    clock = Clock()

    assert read(body_of(Trickle(clock, bytes_each=1, seconds_each=600, size=2)), clock) == b"xx"
