"""The audit: what was written down of the pointer and the challenger, once each, by time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from skylift.audit import AuditEntry, AuditTrail, EntryId
from tests.support.fakes import MemoryBucket

START = datetime(2026, 11, 26, 4, 30, 7, 123000, tzinfo=UTC)
PARAMETER = "/skylift/test/iris/active"


def entry(number: int = 1, **more: object) -> AuditEntry:
    at = START + timedelta(minutes=number)
    return AuditEntry.model_validate(
        {"at": at, "parameter": PARAMETER, "number": number, "before": "none", "after": f"v{number}"} | more
    )


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket()


@pytest.fixture
def trail(bucket: MemoryBucket) -> AuditTrail:
    return AuditTrail(bucket, "iris")


def test_an_entry_is_read_as_it_was_written(trail: AuditTrail) -> None:
    written = entry(
        by="arn:aws:iam::1:user/ann", tool="skylift promote", description="promotion", event_id="e", missing=2
    )

    assert trail.append(written)
    assert trail.entries() == [written]


def test_the_key_says_when_which_value_and_of_what(trail: AuditTrail, bucket: MemoryBucket) -> None:
    trail.append(entry(7, at=START.astimezone(timezone(timedelta(hours=2)))))

    assert bucket.written == ["audit/iris/20261126T043007.123000Z-7-active.json"]
    assert trail.ids() == [EntryId(START, 7, "active")]


def test_who_writes_it_again_writes_nothing(trail: AuditTrail) -> None:
    trail.append(entry(event_id="first"))

    assert not trail.append(entry(event_id="second"))
    assert [one.event_id for one in trail.entries()] == ["first"]


def test_entries_come_by_time_whatever_wrote_them_first(trail: AuditTrail) -> None:
    for number in (3, 11, 1, 2):
        trail.append(entry(number))

    assert [one.number for one in trail.entries()] == [1, 2, 3, 11]


def test_values_of_the_same_moment_come_by_number(trail: AuditTrail) -> None:
    for number in (10, 9):
        trail.append(entry(number, at=START))

    assert [one.number for one in trail.entries()] == [9, 10]


def test_two_parameters_have_an_entry_each(trail: AuditTrail) -> None:
    trail.append(entry())
    trail.append(entry(parameter="/skylift/test/iris/challenger"))

    assert [one.parameter.rpartition("/")[2] for one in trail.entries()] == ["active", "challenger"]


def test_other_objects_beside_them_are_left_alone(trail: AuditTrail, bucket: MemoryBucket) -> None:
    for key in ("audit/iris/README.md", "audit/iris/old/20261126T043007.123000Z-7-active.json"):
        bucket.write(key, b"?", content_type="text/plain")

    assert trail.entries() == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"at": "soon"}'])
def test_one_that_cannot_be_read_is_named_and_hides_no_other(
    trail: AuditTrail, bucket: MemoryBucket, body: bytes
) -> None:
    key = "audit/iris/20261126T043007.123000Z-7-active.json"
    trail.append(entry())
    bucket.write(key, body, content_type="application/json")

    audit = trail.read()

    assert audit.entries == [entry()]
    assert [fault.message.startswith(f"{key} cannot be read: ") for fault in audit.faults] == [True]


def test_an_entry_under_the_name_of_another_change_does_not_count(trail: AuditTrail, bucket: MemoryBucket) -> None:
    trail.append(entry(by="arn:aws:iam::1:user/ann"))
    key = "audit/iris/20991126T043007.123000Z-7-active.json"
    bucket.write(key, entry(by="somebody else").to_bytes(), content_type="application/json")

    audit = trail.read()

    assert [one.by for one in audit.entries] == ["arn:aws:iam::1:user/ann"]
    assert [fault.message for fault in audit.faults] == [f"{key} is the entry of another change"]
