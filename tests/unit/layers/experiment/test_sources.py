"""Where the lines of an experiment are: a log file that grows, a log group that throttles and has many pages."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import batched
from pathlib import Path
from typing import Any

import pytest

from skylift.errors import AwsThrottled
from skylift.experiment.lines import Lines
from skylift.experiment.sources import LogFileLines, LogGroupLines, lines_of
from tests.support.faults import throttled
from tests.support.filter_patterns import matches
from tests.support.log_lines import answered

START = datetime(2026, 11, 26, 2, tzinfo=UTC)
END = START + timedelta(hours=1)


def _line(name: str, at: datetime = START, experiment_id: str = "v8-1") -> str:
    member = {"id": experiment_id, "mode": "canary", "percent": 5.0, "arm": "champion"}
    return answered(name, at=at.isoformat(), experiment=member)


def _read(lines: Lines, start: datetime = START, end: datetime = END) -> tuple[list[str | None], datetime]:
    found: list[Any] = []
    reached = lines.read("v8-1", start, end, found.append)
    return [record.id for record in found], reached


class Logs:
    """CloudWatch Logs, with pages of some events; after a number of them it throttles."""

    def __init__(self, events: list[tuple[int, str]], *, page: int = 2, pages: int = 1000) -> None:
        self._events = events
        self._page = page
        self._pages = pages

    def get_paginator(self, operation: str) -> "Logs":
        assert operation == "filter_log_events"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        assert asked["logGroupName"] == "/aws/lambda/iris"
        found = [
            {"eventId": str(number), "timestamp": at, "message": line}
            for number, (at, line) in enumerate(self._events)
            if asked["startTime"] <= at <= asked["endTime"] and matches(asked["filterPattern"], line)
        ]
        for number, page in enumerate(batched(found, self._page)):
            if number == self._pages:
                raise throttled()
            yield {"events": list(page)}


def _events(*at: int, experiment: str = "v8-1") -> list[tuple[int, str]]:
    first = round(START.timestamp() * 1000)
    return [
        (first + each, _line(f"request-{each}-{number}", experiment_id=experiment)) for number, each in enumerate(at)
    ]


def _group(events: list[tuple[int, str]], most: int = 1000, **options: Any) -> LogGroupLines:
    return LogGroupLines("/aws/lambda/iris", client=Logs(events, **options), most=most)


class TestLogGroup:
    def test_lines_of_the_experiment_and_of_the_time_are_read(self) -> None:
        events = [*_events(-1, 0, 1, 3_599_999, 3_600_000), *_events(5, experiment="v8-10")]

        names, reached = _read(_group(events))

        assert (len(names), reached) == (3, END)

    def test_what_comes_later_than_is_read_at_once_is_left_for_the_next_reading(self) -> None:
        group = _group(_events(0, 10, 10, 10, 20, 30), most=2)

        first, reached = _read(group)
        second, end = _read(group, reached)

        assert reached == START + timedelta(milliseconds=20)
        assert (len(first), len(second), end) == (4, 2, END)
        assert not set(first) & set(second)

    def test_one_millisecond_with_more_than_is_read_at_once_does_not_stop_the_reading(self) -> None:
        names, reached = _read(_group(_events(*[7] * 50, 8), most=3))

        assert (len(names), reached) == (50, START + timedelta(milliseconds=8))

    def test_a_line_that_is_told_twice_counts_once(self) -> None:
        events = _events(0, 10)

        names, _ = _read(_group([*events, events[1]]))

        assert len(names) == 2

    def test_throttling_that_stays_fails_the_whole_reading(self) -> None:
        with pytest.raises(AwsThrottled, match="log group /aws/lambda/iris"):
            _read(_group(_events(*range(10)), pages=3))

    def test_lines_of_the_last_three_minutes_may_still_arrive(self) -> None:
        assert _group([]).held_back == timedelta(minutes=3)


class TestLogFile:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "service.log"

    def test_lines_of_the_time_are_read_and_half_a_line_is_left(self, path: Path) -> None:
        lines = [
            _line("early", START - timedelta(seconds=1)),
            "starting",
            _line("first"),
            _line("last", END - timedelta(seconds=1)),
            _line("later", END),
            _line("half")[:60],
        ]
        path.write_text("\n".join(lines), encoding="utf-8")

        assert _read(LogFileLines(path)) == (["first", "last"], END)

    def test_a_file_that_grew_is_read_on(self, path: Path) -> None:
        lines = LogFileLines(path)
        later = START + timedelta(minutes=30)
        whole = [_line("first") + "\n", _line("second", later) + "\n"]
        path.write_text(whole[0] + whole[1][:40], encoding="utf-8")
        assert _read(lines, START, later)[0] == ["first"]

        path.write_text("".join(whole), encoding="utf-8")

        assert _read(lines, later, END)[0] == ["second"]

    def test_a_file_that_was_begun_again_is_read_from_its_beginning(self, path: Path) -> None:
        lines = LogFileLines(path)
        path.write_text("".join(_line(f"old-{number}") + "\n" for number in range(9)), encoding="utf-8")
        _read(lines)

        path.write_text(_line("new") + "\n", encoding="utf-8")

        assert _read(lines)[0] == ["new"]

    def test_a_file_that_does_not_exist_is_told(self, path: Path) -> None:
        with pytest.raises(OSError, match="No such file"):
            _read(LogFileLines(path))


def test_a_log_file_is_read_instead_of_a_log_group(tmp_path: Path) -> None:
    assert isinstance(lines_of("group", tmp_path / "service.log"), LogFileLines)
    assert isinstance(lines_of("group", client=Logs([])), LogGroupLines)
