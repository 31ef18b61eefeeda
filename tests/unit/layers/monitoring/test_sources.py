"""Where the lines are: captures by the hour of their arrival, a file that grows, a log group."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from skylift.errors import AwsUnavailable
from skylift.monitoring.records import Reader
from skylift.monitoring.sources import Captures, LogFile, LogGroup, Source
from tests.support.fakes import MemoryBucket
from tests.support.faults import throttled
from tests.support.log_lines import answered, delivered, envelope

START = datetime(2026, 2, 28, 23, tzinfo=UTC)
END = START + timedelta(hours=1)


def names(source: Source, start: datetime = START, end: datetime = END) -> list[str | None]:
    return [record.id for record in source.read(Reader(), start, end).records]


def capture(*ids: str) -> bytes:
    return delivered([envelope([answered(name) for name in ids])])


class TestCaptures:
    BUCKET = MemoryBucket(
        {
            "captures/iris/2026/02/28/22/early": capture("early"),
            "captures/iris/2026/02/28/23/first": capture("first", "second"),
            "captures/iris/2026/03/01/00/late": capture("late"),
            "captures/iris/2026/03/01/01/later": capture("later"),
            "captures/iris/errors/2026/02/28/23/broken": b"?",
            "captures/iris-2/2026/02/28/23/other": capture("other"),
        }
    )

    def test_the_hours_of_a_window_are_read_and_the_one_after(self) -> None:
        reading = Captures(self.BUCKET, "iris").read(Reader(), START, END)

        assert [record.id for record in reading.records] == ["first", "second", "late"]
        assert (reading.objects, reading.objects_read) == (2, 2)

    def test_a_longer_time_is_read_by_days(self) -> None:
        assert names(Captures(self.BUCKET, "iris"), START - timedelta(days=30), END) == [
            "early",
            "first",
            "second",
            "late",
        ]

    def test_of_more_than_can_be_read_objects_are_sampled_and_that_is_said(self) -> None:
        objects = {f"captures/iris/2026/02/28/23/{number:02}": capture(f"id-{number}") for number in range(10)}
        most = sum(map(len, objects.values())) // 2

        reader = Reader()
        reading = Captures(MemoryBucket(objects), "iris", most=most).read(reader, START, END)

        assert (reading.objects, reading.objects_read, len(list(reading.records))) == (10, 5, 5)
        assert reader.cut

    @pytest.mark.parametrize("compressed", [True, False])
    def test_of_an_object_longer_than_all_that_is_read_the_first_part_is_and_that_is_said(
        self, *, compressed: bool
    ) -> None:
        lines = [answered(f"id-{number}") for number in range(100)]
        members = [delivered([envelope([line])]) if compressed else line.encode() + b"\n" for line in lines]
        whole = b"".join(members)
        bucket = MemoryBucket({"captures/iris/2026/02/28/23/long": whole})

        reader = Reader()
        reading = Captures(bucket, "iris", most=len(whole) // 2).read(reader, START, END)
        read = [record.id for record in reading.records]

        assert read == [f"id-{number}" for number in range(len(read))]
        assert 45 <= len(read) <= 50
        assert (reading.objects, reading.objects_read, reader.cut, reader.unreadable) == (1, 1, True, 0)

    @pytest.mark.parametrize(
        ("at", "late"),
        [
            (START - timedelta(hours=1, seconds=1), 1),  # its window was read until the hour before
            (START - timedelta(hours=1), 0),  # the window before this one has read it
            (START, 0),
        ],
    )
    def test_what_arrives_too_late_for_its_window_is_counted(self, at: datetime, late: int) -> None:
        lines = delivered([envelope([answered("a", at=at.isoformat())])])
        reader = Reader()
        list(Captures(MemoryBucket({"captures/iris/2026/02/28/23/x": lines}), "iris").read(reader, START, END).records)

        assert reader.late == late

    def test_what_is_read_wholly_is_not_called_a_part(self) -> None:
        reader = Reader()
        list(Captures(self.BUCKET, "iris").read(reader, START, END).records)

        assert not reader.cut

    def test_a_fault_of_s3_ends_the_reading(self) -> None:
        bucket = MemoryBucket(self.BUCKET.objects)
        bucket.failures = {"captures/iris/2026/03/01/00/late": AwsUnavailable("S3 says no")}

        with pytest.raises(AwsUnavailable):
            names(Captures(bucket, "iris"))


class TestLogFile:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "service.log"

    def test_a_file_is_read_from_its_beginning_and_half_a_line_is_left(self, path: Path) -> None:
        path.write_text("started\n" + answered("a") + "\n" + answered("b")[:50], encoding="utf-8")

        assert names(LogFile(path)) == ["a"]

    def test_what_was_there_before_a_window_is_not_read_again(self, path: Path) -> None:
        source = LogFile(path, clock=lambda: START)
        path.write_text(answered("a") + "\n" + answered("b")[:50], encoding="utf-8")
        assert names(source) == ["a"]

        with path.open("a", encoding="utf-8") as file:
            file.write(answered("b")[50:] + "\n" + answered("c") + "\n")

        assert names(source, START + timedelta(minutes=1), END) == ["c"]
        assert names(source, START, END) == ["a", "b", "c"]

    def test_a_file_that_was_begun_again_is_read_from_its_beginning(self, path: Path) -> None:
        source = LogFile(path, clock=lambda: START)
        path.write_text("".join(answered(name) + "\n" for name in "abc"), encoding="utf-8")
        names(source)

        path.write_text(answered("d") + "\n", encoding="utf-8")

        assert names(source, START + timedelta(minutes=1), END) == ["d"]

    def test_no_file_is_told(self, path: Path) -> None:
        with pytest.raises(OSError, match="No such file"):
            LogFile(path).read(Reader(), START, END)


class Logs:
    """CloudWatch Logs with two pages of events."""

    def __init__(self, error: ClientError | None = None) -> None:
        self.asked: dict[str, Any] = {}
        self._error = error

    def get_paginator(self, operation: str) -> "Logs":
        assert operation == "filter_log_events"
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        self.asked = asked
        if self._error:
            raise self._error
        return [{"events": [{"eventId": name, "message": answered(name)}]} for name in ("a", "b", "a")]


class TestLogGroup:
    def test_the_lines_of_predictions_in_the_window_are_asked_for(self) -> None:
        client = Logs()

        assert names(LogGroup("/aws/lambda/iris", client=client)) == ["a", "b"]
        assert client.asked["logGroupName"] == "/aws/lambda/iris"
        assert client.asked["startTime"] == START.timestamp() * 1000
        assert client.asked["endTime"] == END.timestamp() * 1000 - 1
        assert client.asked["filterPattern"] == '{ $.path = "/predict" || $.protocol = "v2" }'

    @pytest.mark.parametrize(("most", "read", "cut"), [(2, ["a", "b"], True), (3, ["a", "b"], False)])
    def test_of_more_lines_than_are_read_the_first_are_and_that_is_said(
        self, most: int, read: list[str], *, cut: bool
    ) -> None:
        reader, group = Reader(), LogGroup("g", client=Logs(), most=most)

        assert [record.id for record in group.read(reader, START, END).records] == read
        assert reader.cut == cut

    def test_throttling_is_told(self) -> None:
        with pytest.raises(AwsUnavailable, match=r"reading log group g failed \(ThrottlingException\)"):
            names(LogGroup("g", client=Logs(throttled())))
