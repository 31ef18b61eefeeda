"""Where the lines of the service are kept: captures in the bucket, a log file, a log group."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from skylift.aws import aws_errors
from skylift.bucket import Bucket, ModelFolder
from skylift.monitoring.records import Reader, Record
from skylift.monitoring.window import beginning, from_objects, sample

MOST_BYTES = 256 * 2**20
"""Compressed bytes of captures that are read for one window: more are sampled, evenly by object. The report says so."""

MOST_LINES = 1_000_000
"""Lines of a log group that are read for one window: of more the first. The report says so."""

_BEHIND = timedelta(seconds=5)  # a line has the time before it was written
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_CHUNK = 2**20
_PREDICTIONS = '{ $.path = "/predict" || $.protocol = "v2" }'


@dataclass(frozen=True, slots=True)
class Reading:
    """The records of a time, as they are read.

    Parameters
    ----------
    records
        Records in any order; others than those of the time may be among them.
    objects, objects_read
        Numbers of objects that may hold them, and of those that are read; 0 for a source without objects.
    """

    records: Iterator[Record]
    objects: int = 0
    objects_read: int = 0


class Source(Protocol):
    """What keeps the lines of the service."""

    def read(self, reader: Reader, start: datetime, end: datetime) -> Reading:
        """The records from `start` to before `end`, UTC, by a reader that reads each once."""


class Captures(ModelFolder):
    """Captures in the bucket, by the hour in which they arrived: `captures/{model}/yyyy/mm/dd/hh/`.

    Parameters
    ----------
    bucket
        Bucket of the model.
    model
        Name of the model.
    most
        Bytes to read at most.
    """

    FOLDER = "captures"

    def __init__(self, bucket: Bucket, model: str, *, most: int = MOST_BYTES) -> None:
        super().__init__(bucket, model)
        self._most = most

    def read(self, reader: Reader, start: datetime, end: datetime) -> Reading:
        """See `Source`. What arrived in the hour after the end is read as well: delivery takes minutes.

        What arrived later is in no window of this length. The one that finds it counts it as late.
        """
        first, last = self._hour(start), self._hour(end + _HOUR)
        sizes = {
            entry.key: entry.size
            for day in _days(start, end)
            for entry in self._bucket.entries(f"{self._root}{day:%Y/%m/%d/}")
            if first <= entry.key < last
        }
        keys = sample(sizes, most=self._most)
        reader.cut |= len(keys) < len(sizes)
        records = self._records(reader, {key: sizes[key] for key in keys})
        in_time = start.replace(minute=0, second=0, microsecond=0) - max(end - start, _HOUR)
        return Reading(_count_late(reader, records, in_time), len(sizes), len(keys))

    def _records(self, reader: Reader, sizes: Mapping[str, int]) -> Iterator[Record]:
        for key, size in sizes.items():
            if size > self._most:
                yield from beginning(reader, self._bucket, key, most=self._most)
            else:
                yield from from_objects(reader, self._bucket, [key])

    def _hour(self, moment: datetime) -> str:
        return f"{self._root}{moment.astimezone(UTC):%Y/%m/%d/%H/}"


class LogFile:
    """A log file that grows. What was written long before a time is not read again for it.

    Parameters
    ----------
    path
        Path of the file.
    clock
        Function that returns the time, UTC.
    """

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self._clock = clock
        self._marks: list[tuple[datetime, int]] = []

    def read(self, reader: Reader, start: datetime, end: datetime) -> Reading:  # noqa: ARG002
        """See `Source`.

        Raises
        ------
        OSError
            The file cannot be read.
        """
        size = self._path.stat().st_size
        before = [offset for at, offset in self._marks if at <= start - _BEHIND and offset <= size]
        self._marks = [mark for mark in self._marks if max(before, default=0) <= mark[1] <= size]
        self._marks.append((self._clock(), size))
        return Reading(self._records(reader, max(before, default=0)))

    def _records(self, reader: Reader, offset: int) -> Iterator[Record]:
        with self._path.open("rb") as file:
            if offset:
                file.seek(offset)
                file.readline()  # the end of a line that was being written
            yield from reader.chunks(iter(lambda: file.read(_CHUNK), b""), growing=True)


class LogGroup:
    """A log group of CloudWatch, for services whose lines are not captured.

    Parameters
    ----------
    name
        Name of the log group.
    client
        Botocore client for CloudWatch Logs.
    most
        Lines to read at most.
    """

    def __init__(self, name: str, *, client: Any, most: int = MOST_LINES) -> None:
        self._name = name
        self._client = client
        self._most = most

    def read(self, reader: Reader, start: datetime, end: datetime) -> Reading:
        """See `Source`; of more than a million lines, those that CloudWatch gives first."""
        return Reading(reader.events(self._events(reader, start, end)))

    def _events(self, reader: Reader, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
        for number, event in enumerate(events_of(self._client, self._name, _PREDICTIONS, start, end)):
            if number == self._most:
                reader.cut = True
                return
            yield event


def events_of(client: Any, log_group: str, pattern: str, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    """Events of a log group, by time, as they are read.

    Parameters
    ----------
    client
        Botocore client for CloudWatch Logs.
    pattern
        Filter pattern of CloudWatch Logs.
    start, end
        First moment, and the first one after it, UTC.

    Raises
    ------
    AwsUnavailable
        CloudWatch failed.
    """
    with aws_errors(f"reading log group {log_group}"):
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=log_group,
            startTime=_milliseconds(start),
            endTime=_milliseconds(end) - 1,
            filterPattern=pattern,
        )
        for page in pages:
            yield from map(dict, page.get("events", []))


def _days(start: datetime, end: datetime) -> Iterator[datetime]:
    """The days of captures from `start` to the hour after `end`."""
    day = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while day < end + _HOUR:
        yield day
        day += _DAY


def _count_late(reader: Reader, records: Iterator[Record], in_time: datetime) -> Iterator[Record]:
    """Records, of which those before a time are counted as late."""
    first = in_time.timestamp()
    for record in records:
        reader.late += record.at < first
        yield record


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
