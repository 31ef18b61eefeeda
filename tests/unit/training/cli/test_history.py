"""What SSM and the audit know, put together: what was forgotten, what is missing, and what differs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from skylift.audit import AuditEntry
from skylift.parameter import Change
from training.cli.history import Told, merged

START = datetime(2026, 11, 26, 2, tzinfo=UTC)
POINTER, CHALLENGER = "/skylift/test/iris/active", "/skylift/test/iris/challenger"


def _change(number: int, *, by: str = "anna", after: str = "") -> Change:
    values = f"value {number - 1}", after or f"value {number}"
    return Change(number, START + timedelta(minutes=number), by, *values, "promotion by skylift promote")


def _entry(number: int, parameter: str = POINTER) -> AuditEntry:
    return AuditEntry.of(parameter, _change(number), event_id="1")


def _deleted(minute: float) -> AuditEntry:
    at = START + timedelta(minutes=minute)
    return AuditEntry(at=at, parameter=POINTER, number=3, before="value 3", after="none", description="deleted")


def _merged(ssm: Sequence[Change], audit: Sequence[AuditEntry]) -> list[tuple[int, str, bool]]:
    return [_short(told) for told in merged({POINTER: ssm, CHALLENGER: []}, audit)]


def _short(told: Told) -> tuple[int, str, bool]:
    return told.entry.number, told.known_to, told.disagreement is not None


def test_without_an_audit_ssm_is_all_there_is() -> None:
    assert _merged([_change(1), _change(2)], []) == [(1, "SSM", False), (2, "SSM", False)]


def test_what_both_know_is_told_once() -> None:
    assert _merged([_change(1), _change(2)], [_entry(1), _entry(2)]) == [(1, "both", False), (2, "both", False)]


def test_what_ssm_has_forgotten_is_not_a_disagreement() -> None:
    assert _merged([_change(3)], [_entry(1), _entry(2), _entry(3)]) == [
        (1, "audit", False),
        (2, "audit", False),
        (3, "both", False),
    ]


def test_what_the_audit_lacks_is_one() -> None:
    assert _merged([_change(1), _change(2)], [_entry(1)]) == [(1, "both", False), (2, "SSM", True)]


def test_what_only_the_audit_knows_although_ssm_knows_earlier_changes_is_one() -> None:
    assert _merged([_change(1), _change(3)], [_entry(1), _entry(2), _entry(3)])[1] == (2, "audit", True)


def test_a_deletion_explains_that_ssm_knows_nothing_from_before_it() -> None:
    audit = [_entry(1), _entry(2), _deleted(2.5)]

    assert _merged([], audit) == [(1, "audit", False), (2, "audit", False), (3, "audit", False)]


def test_entries_that_differ_are_named_by_what_differs() -> None:
    (told,) = merged({POINTER: [_change(1, by="bob", after="garbage")]}, [_entry(1)])

    assert told.disagreement == "SSM and the audit differ in: after, by"


def test_changes_that_nobody_wrote_down_are_counted() -> None:
    (told,) = merged({POINTER: [_change(9)]}, [_entry(9).model_copy(update={"missing": 3})])

    assert told.disagreement == "3 changes right before it were never written down"


def test_both_parameters_are_told_in_the_order_of_time() -> None:
    known = merged({POINTER: [_change(1), _change(3)], CHALLENGER: [_change(2)]}, [])

    assert [(told.entry.number, told.entry.parameter) for told in known] == [
        (1, POINTER),
        (2, CHALLENGER),
        (3, POINTER),
    ]
