"""Where the lines of an experiment are: a log group, or the log file of `skylift up`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from skylift.aws import logs_client
from skylift.experiment.lines import Lines
from skylift.monitoring.records import Reader, Record
from skylift.monitoring.sources import LogFile, events_of

MOST_LINES = 200_000
"""Lines of a log group that are read at once; the next reading goes on where they end."""

_ARRIVING = timedelta(minutes=3)
_WRITING = timedelta(seconds=2)  # a line has the time before it was written
_EPOCH = datetime.fromtimestamp(0, UTC)


def lines_of(log_group: str, service_log: Path | None = None, *, client: Any = None) -> Lines:
    """The lines of a service.

    Parameters
    ----------
    log_group
        Name of its log group.
    service_log
        Path of its log file, which is read instead if it is given.
    client
        Botocore client for CloudWatch Logs; a new one if None.

    Raises
    ------
    AwsUnavailable
        The client cannot be made.
    """
    if service_log is not None:
        return LogFileLines(service_log)
    return LogGroupLines(log_group, client=client or logs_client(patient=True))


class LogFileLines:
    """Lines of a log file that grows. Half a line at its end is left for the next reading.

    Parameters
    ----------
    path
        Path of the file.
    """

    held_back = _WRITING

    def __init__(self, path: Path) -> None:
        self._file = LogFile(path)

    def read(self, id: str, start: datetime, end: datetime, add: Callable[[Record], None]) -> datetime:  # noqa: A002, ARG002
        """See `Lines`.

        Raises
        ------
        OSError
            The file cannot be read.
        """
        first, last = start.timestamp(), end.timestamp()
        for record in self._file.read(Reader(), start, end).records:
            if first <= record.at < last:
                add(record)
        return end


class LogGroupLines:
    """Lines of a log group, in the order and by the times of CloudWatch.

    Parameters
    ----------
    name
        Name of the log group.
    client
        Botocore client for CloudWatch Logs.
    most
        Lines to read at once.
    """

    held_back = _ARRIVING

    def __init__(self, name: str, *, client: Any, most: int = MOST_LINES) -> None:
        self._name = name
        self._client = client
        self._most = most

    def read(self, id: str, start: datetime, end: datetime, add: Callable[[Record], None]) -> datetime:  # noqa: A002
        """See `Lines`. After the most that is read at once it ends between two milliseconds.

        Raises
        ------
        AwsUnavailable
            CloudWatch failed.
        """
        reader = Reader()
        held: list[dict[str, Any]] = []
        pattern = f'{{ $.experiment.id = "{id}" }}'
        for number, event in enumerate(events_of(self._client, self._name, pattern, start, end)):
            if held and event["timestamp"] != held[-1]["timestamp"]:
                _give(reader, held, add)
                held = []
                if number >= self._most:
                    return _EPOCH + timedelta(milliseconds=event["timestamp"])
            held.append(event)
        _give(reader, held, add)
        return end


def _give(reader: Reader, events: list[dict[str, Any]], add: Callable[[Record], None]) -> None:
    for record in reader.events(events):
        add(record)
