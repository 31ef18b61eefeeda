"""Reports in the bucket: the latest is whole at every moment, and is never an older one."""

from datetime import timedelta

import pytest

from skylift.errors import AwsUnavailable, IntegrityError
from skylift.monitoring.report import key_of
from skylift.monitoring.report_store import ReportStore
from tests.support.drift import HOUR, START, report
from tests.support.fakes import MemoryBucket
from tests.support.faults import Killed

LATEST = "reports/iris/latest.json"
KEY = key_of("iris", START, START + HOUR)
PAGE = KEY.replace(".json", ".html")


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket()


@pytest.fixture
def reports(bucket: MemoryBucket) -> ReportStore:
    return ReportStore(bucket, "iris")


def test_a_report_is_written_under_its_window_and_as_the_latest_last(
    bucket: MemoryBucket, reports: ReportStore
) -> None:
    written = report()

    reports.write(written, b"<p>")

    assert bucket.written == [PAGE, KEY, "reports/iris/latest.html", LATEST]
    assert reports.latest() == reports.of(START, START + HOUR) == written
    assert bucket.objects[PAGE] == bucket.objects["reports/iris/latest.html"] == b"<p>"


def test_before_the_first_nothing_is_found(reports: ReportStore) -> None:
    assert reports.latest() is None
    assert reports.of(START, START + HOUR) is None
    assert reports.keys_before(START, most=3) == []


def test_a_window_that_is_judged_again_later_is_not_the_latest(reports: ReportStore) -> None:
    newer = report(start=START + HOUR)
    reports.write(newer)

    reports.write(report(100))

    assert reports.latest() == newer
    assert reports.of(START, START + HOUR) == report(100)


@pytest.mark.parametrize("place", range(2))
def test_a_kill_between_two_writes_leaves_the_latest_that_was(
    bucket: MemoryBucket, reports: ReportStore, place: int
) -> None:
    older = report(start=START - HOUR)
    reports.write(older)
    bucket.failures = {[KEY, LATEST][place]: Killed()}

    with pytest.raises(Killed):
        reports.write(report())

    bucket.failures = {}
    assert reports.latest() == older


def test_a_fault_of_s3_is_told(bucket: MemoryBucket, reports: ReportStore) -> None:
    bucket.failures = {LATEST: AwsUnavailable("S3 says no")}

    with pytest.raises(AwsUnavailable):
        reports.latest()
    with pytest.raises(AwsUnavailable):
        reports.write(report())


def test_a_latest_that_cannot_be_read_is_replaced(bucket: MemoryBucket, reports: ReportStore) -> None:
    bucket.objects[LATEST] = b"{"
    with pytest.raises(IntegrityError, match=r"reports/iris/latest\.json cannot be read: "):
        reports.latest()

    reports.write(report())

    assert reports.latest() == report()


def test_the_last_windows_before_a_time_are_found_across_days_and_gaps(
    bucket: MemoryBucket, reports: ReportStore
) -> None:
    starts = [START - timedelta(days=3), START - timedelta(hours=11), START - HOUR, START, START + HOUR]
    for start in starts:
        reports.write(report(40, start=start), b"<p>")

    keys = [key_of("iris", start, start + HOUR) for start in starts]
    assert reports.keys_before(START, most=5) == keys[:3]
    assert reports.keys_before(START, most=2) == keys[1:3]
    assert reports.keys_before(START + timedelta(days=30), most=2) == []


def test_of_the_reports_before_a_time_those_that_can_be_read_are_read(
    bucket: MemoryBucket, reports: ReportStore
) -> None:
    written = [report(40, start=START - hours * HOUR) for hours in (3, 2, 1)]
    for one in written:
        reports.write(one)
    bucket.objects[written[1].key] = b"{"

    assert reports.before(START, most=3) == [written[0], written[2]]


def test_the_page_of_the_latest_is_found_beside_it(reports: ReportStore) -> None:
    assert reports.latest_page() is None

    reports.write(report(), b"<p>")

    assert reports.latest_page() == b"<p>"
