"""The audit catches up with SSM: each change once, whatever the events do, and a gap where SSM has forgotten."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.catching_up import catch_up, note_deletion
from skylift.audit import AuditTrail
from skylift.parameter import Change
from skylift.pointer import ActivePointer
from skylift.references import NOTHING, Reference
from tests.conftest import MODEL, STAGE
from tests.support.fakes import MemoryBucket

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

START = datetime(2026, 11, 26, 4, 30, tzinfo=UTC)
ANN = "arn:aws:iam::123456789012:user/ann"
V1, V2 = Reference(1, "1" * 64), Reference(2, "2" * 64)


class Remembered(ActivePointer):
    """A pointer of which SSM remembers so many values.

    Attributes
    ----------
    numbers
        Numbers of the values that it still knows whole.
    since
        Time of its creation.
    """

    def __init__(self, numbers: range, *, since: datetime = START) -> None:
        self.name = f"/skylift/{STAGE}/{MODEL}/active"
        self.numbers = numbers
        self.since = since

    def changes(self) -> list[Change]:
        return [
            Change(
                number,
                self.since + timedelta(minutes=number),
                ANN,
                NOTHING if number == 1 else f"value {number - 1}",
                f"value {number}",
                "promotion by skylift promote",
            )
            for number in self.numbers
        ]


@pytest.fixture
def trail() -> AuditTrail:
    return AuditTrail(MemoryBucket(), MODEL)


def test_each_change_is_written_down_with_who_and_through_which_tool(
    trail: AuditTrail, pointer: ActivePointer, ssm: "SSMClient"
) -> None:
    pointer.create()
    pointer.move(V1, tool="skylift promote")
    ssm.put_parameter(Name=pointer.name, Value=str(V2), Description="by hand", Overwrite=True)

    catch_up(trail, pointer, event_id="e1")

    changes = pointer.changes()
    entries = trail.entries()
    assert [(one.before, one.after) for one in entries] == [(NOTHING, NOTHING), (NOTHING, str(V1)), (str(V1), str(V2))]
    assert [one.tool for one in entries] == [None, "skylift promote", None]
    assert [one.description for one in entries] == [None, "promotion by skylift promote", "by hand"]
    assert [(one.number, one.at, one.by) for one in entries] == [(one.number, one.at, one.by) for one in changes]
    assert {(one.event_id, one.parameter, one.missing) for one in entries} == {("e1", pointer.name, 0)}


def test_a_parameter_that_does_not_exist_has_no_changes(trail: AuditTrail, pointer: ActivePointer) -> None:
    assert catch_up(trail, pointer, event_id=None) == []
    assert trail.entries() == []


def test_an_event_that_comes_twice_adds_nothing(trail: AuditTrail) -> None:
    pointer = Remembered(range(1, 3))
    assert len(catch_up(trail, pointer, event_id="e1")) == 2

    assert catch_up(trail, pointer, event_id="e1") == []
    assert len(trail.entries()) == 2


def test_what_an_event_lost_the_next_one_adds(trail: AuditTrail) -> None:
    catch_up(trail, Remembered(range(1, 2)), event_id="e1")

    catch_up(trail, Remembered(range(1, 5)), event_id="e4")

    assert [(one.number, one.event_id) for one in trail.entries()] == [(1, "e1"), (2, "e4"), (3, "e4"), (4, "e4")]


def test_where_ssm_has_forgotten_the_entry_after_says_how_many(trail: AuditTrail) -> None:
    catch_up(trail, Remembered(range(1, 3)), event_id=None)

    catch_up(trail, Remembered(range(102, 201)), event_id=None)

    entries = trail.entries()
    assert [one.number for one in entries] == [1, 2, *range(102, 201)]
    assert {one.number: one.missing for one in entries if one.missing} == {102: 99}


def test_an_audit_that_begins_late_says_what_came_before(trail: AuditTrail) -> None:
    catch_up(trail, Remembered(range(51, 53)), event_id=None)

    assert [(one.number, one.missing) for one in trail.entries()] == [(51, 50), (52, 0)]


def test_what_was_forgotten_after_it_was_written_down_leaves_no_gap(trail: AuditTrail) -> None:
    catch_up(trail, Remembered(range(1, 101)), event_id=None)

    catch_up(trail, Remembered(range(51, 151)), event_id=None)

    entries = trail.entries()
    assert [one.number for one in entries] == list(range(1, 151))
    assert not any(one.missing for one in entries)


GONE = Remembered(range(0))


class TestADeletion:
    def test_it_is_written_down_although_ssm_forgets_everything(self, trail: AuditTrail) -> None:
        catch_up(trail, Remembered(range(1, 3)), event_id=None)
        at = START + timedelta(hours=1)

        note_deletion(trail, GONE, at, event_id="gone")

        last = trail.entries()[-1]
        assert (last.at, last.number, last.before, last.after) == (at, 2, "value 2", NOTHING)
        assert (last.by, last.tool, last.description, last.event_id) == (None, None, "deleted", "gone")

    def test_delivered_again_it_adds_nothing(self, trail: AuditTrail) -> None:
        catch_up(trail, Remembered(range(1, 3)), event_id=None)
        note_deletion(trail, GONE, START + timedelta(hours=1), event_id="gone")

        assert note_deletion(trail, GONE, START + timedelta(hours=1), event_id="gone") is None

    def test_who_claims_one_that_did_not_happen_adds_nothing(self, trail: AuditTrail) -> None:
        pointer = Remembered(range(1, 3))
        catch_up(trail, pointer, event_id=None)

        assert note_deletion(trail, pointer, START + timedelta(hours=1), event_id="forged") is None

    def test_one_that_is_told_after_the_parameter_was_made_again_counts(self, trail: AuditTrail) -> None:
        catch_up(trail, Remembered(range(1, 3)), event_id=None)
        again = Remembered(range(1, 2), since=START + timedelta(hours=2))

        assert note_deletion(trail, again, START + timedelta(hours=1), event_id="gone") is not None

    def test_the_event_may_name_the_second_of_the_last_change(self, trail: AuditTrail) -> None:
        catch_up(trail, Remembered(range(1, 3), since=START + timedelta(milliseconds=300)), event_id=None)

        note_deletion(trail, GONE, START + timedelta(minutes=2), event_id=None)

        assert ("value 2", NOTHING) in {(one.before, one.after) for one in trail.entries()}

    def test_one_of_a_parameter_that_was_never_seen_says_what_is_known(self, trail: AuditTrail) -> None:
        note_deletion(trail, GONE, START, event_id=None)

        (entry,) = trail.entries()
        assert (entry.number, entry.before, entry.after) == (0, NOTHING, NOTHING)

    def test_the_numbers_of_a_parameter_that_was_made_again_begin_again_without_a_gap(self, trail: AuditTrail) -> None:
        catch_up(trail, Remembered(range(1, 6)), event_id=None)
        note_deletion(trail, GONE, START + timedelta(hours=1), event_id=None)

        catch_up(trail, Remembered(range(1, 3), since=START + timedelta(hours=2)), event_id=None)

        entries = trail.entries()
        assert [one.number for one in entries] == [1, 2, 3, 4, 5, 5, 1, 2]
        assert not any(one.missing for one in entries)


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=12), st.integers(0, 10_000))
def test_any_delivery_ends_with_each_change_that_ssm_still_knew(told: list[tuple[int, bool]], seed: int) -> None:
    """Changes are made, and an event that looks comes, or is lost; SSM remembers ten values."""
    trail, made, seen = AuditTrail(MemoryBucket(), MODEL), 0, set[int]()
    for changes, delivered in told:
        made += changes
        if delivered:
            known = range(max(1, made - 9), made + 1)
            catch_up(trail, Remembered(known), event_id=str(seed))
            seen |= set(known)

    entries = trail.entries()

    assert [one.number for one in entries] == sorted(seen)
    gaps = [later - earlier - 1 for earlier, later in itertools.pairwise([0, *sorted(seen)])]
    assert [one.missing for one in entries] == gaps
