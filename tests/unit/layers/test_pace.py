"""No call of AWS lasts for ever because its answer comes drop by drop."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from skylift import pace
from skylift.aws import s3_client, ssm_client
from skylift.errors import AwsUnavailable, SkyliftError
from skylift.pace import GRACE_SECONDS, SLOWEST_BYTES_PER_SECOND, Pace, PacedReads
from skylift.pointer import ActivePointer
from skylift.references import Reference
from skylift.store import VersionStore
from tests.support.broken_servers import trickling_server
from tests.support.fakes import Clock
from training.config.locations import S3Url, local_copy

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

REFERENCE = Reference(1, "0" * 64)

BEGINNINGS = {
    "status": b"HTTP/1.1 2",
    "header": b"HTTP/1.1 200 OK\r\ncontent-type: ",
    "body": b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n",
    "error": b"HTTP/1.1 400 Bad Request\r\ncontent-length: 1000000\r\n\r\n",
}


class Drops(io.RawIOBase):
    """A stream that gives so many bytes after so many seconds."""

    def __init__(self, clock: Clock, *, bytes_each: int, seconds_each: float) -> None:
        self._clock = clock
        self._bytes_each = bytes_each
        self._seconds_each = seconds_each

    def readinto(self, buffer: "WriteableBuffer") -> int:
        self._clock.advance(self._seconds_each)
        return min(self._bytes_each, memoryview(buffer).nbytes)


def read_pointer() -> None:
    ActivePointer("dev", "iris", client=ssm_client()).read()


def read_manifest() -> None:
    VersionStore("models", "iris", client=s3_client()).resolve(REFERENCE)


def open_version() -> None:
    with VersionStore("models", "iris", client=s3_client()).open_version(REFERENCE):
        pass


def list_versions() -> None:
    VersionStore("models", "iris", client=s3_client()).numbers()


def read_table() -> None:
    with local_copy(S3Url("tables", "rents.csv")):
        pass


@pytest.mark.parametrize(
    ("call", "part"),
    [(read_pointer, part) for part in BEGINNINGS]
    + [(call, "header") for call in (read_manifest, open_version, list_versions, read_table)]
    + [(read_table, "body")],
)
def test_a_call_whose_answer_trickles_ends_in_one_line(
    call: Callable[[], None], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "GRACE_SECONDS", 0.05)

    with trickling_server(BEGINNINGS[part]) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)

        with pytest.raises(SkyliftError) as caught:
            call()

    assert isinstance(caught.value, AwsUnavailable)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("bytes_each", "seconds_each"), [(1, 2.9), (2_000, 1.0), (200_000, 1.0)])
def test_reads_fail_after_the_grace_where_bytes_trickle(bytes_each: int, seconds_each: float) -> None:
    clock = Clock()
    drops = Drops(clock, bytes_each=bytes_each, seconds_each=seconds_each)
    begun, reads = clock(), PacedReads(drops, Pace(clock))

    with pytest.raises(TimeoutError):
        reads.readall()

    spent = clock() - begun
    assert spent <= GRACE_SECONDS + bytes_each * spent / seconds_each / SLOWEST_BYTES_PER_SECOND + 2 * seconds_each


def test_an_answer_that_takes_long_to_begin_does_not_trickle() -> None:
    clock = Clock()
    reads = PacedReads(Drops(clock, bytes_each=100, seconds_each=300), Pace(clock))

    assert len(reads.read(100) or b"") == 100


def test_the_stream_of_the_socket_is_closed_with_it() -> None:
    raw = io.FileIO("/dev/null")

    PacedReads(raw, Pace()).close()

    assert raw.closed
