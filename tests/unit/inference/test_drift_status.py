"""The latest report is read when somebody asks, kept for some seconds, and its faults are told."""

import asyncio

import pytest

from inference.drift_status import KEPT_SECONDS, LatestReport
from skylift.errors import AwsUnavailable, ReportAbsent, ReportUnavailable
from skylift.monitoring.report import Report
from skylift.monitoring.report_store import ReportStore
from tests.support.drift import HOUR, START, report
from tests.support.fakes import Clock, MemoryBucket

LATEST = "reports/iris/latest.json"


class Asked:
    """What asks for the latest report of a bucket."""

    def __init__(self) -> None:
        self.bucket = MemoryBucket()
        self.clock = Clock()
        self.reports = ReportStore(self.bucket, "iris")
        self._latest = LatestReport(self.reports, clock=self.clock)

    def read(self) -> Report:
        return asyncio.run(self._latest.read())

    def page(self) -> bytes:
        return asyncio.run(self._latest.page())


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_it_is_kept_for_some_seconds(asked: Asked) -> None:
    asked.reports.write(report())
    first = asked.read()
    asked.reports.write(report(start=START + HOUR))

    asked.clock.advance(KEPT_SECONDS / 2)
    assert asked.read() is first
    asked.clock.advance(KEPT_SECONDS / 2)
    assert asked.read() == report(start=START + HOUR)


def test_its_absence_is_kept_as_long(asked: Asked) -> None:
    with pytest.raises(ReportAbsent):
        asked.read()
    asked.reports.write(report())
    with pytest.raises(ReportAbsent):
        asked.read()

    asked.clock.advance(KEPT_SECONDS)
    assert asked.read() == report()


def test_a_fault_is_told_and_once_it_is_over_forgotten(asked: Asked) -> None:
    asked.reports.write(report())
    asked.bucket.failures = {LATEST: AwsUnavailable("S3 says no")}
    with pytest.raises(ReportUnavailable, match=r"cannot be read now \(aws-unavailable\)"):
        asked.read()

    asked.bucket.failures = {}
    assert asked.read() == report()


def test_what_is_not_a_report_is_not_shown(asked: Asked) -> None:
    asked.bucket.objects[LATEST] = b'{"state": "stable"}'

    with pytest.raises(ReportUnavailable, match=r"cannot be read now \(integrity-error\)"):
        asked.read()


def test_a_service_that_looks_for_none_has_none() -> None:
    with pytest.raises(ReportAbsent, match="no report"):
        asyncio.run(LatestReport(None).read())


def test_the_page_is_kept_beside_the_report(asked: Asked) -> None:
    asked.reports.write(report(), b"<p>first</p>")
    asked.read()
    first = asked.page()
    asked.reports.write(report(start=START + HOUR), b"<p>second</p>")

    assert (first, asked.page()) == (b"<p>first</p>", b"<p>first</p>")
    asked.clock.advance(KEPT_SECONDS)
    assert asked.page() == b"<p>second</p>"


def test_a_report_without_a_page_shows_nothing(asked: Asked) -> None:
    asked.reports.write(report())

    with pytest.raises(ReportAbsent):
        asked.page()
