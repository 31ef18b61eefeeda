"""The active version is known within a minute, and outlives faults of SSM and S3."""

import pytest

from operations.active import SECONDS, ActiveVersion
from skylift.errors import AwsUnavailable, NoActiveVersion
from tests.support.fakes import Clock, MemoryPointer, MemoryStore
from tests.support.models import iris_package


@pytest.fixture
def pointer() -> MemoryPointer:
    return MemoryPointer()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def active(pointer: MemoryPointer, store: MemoryStore, clock: Clock) -> ActiveVersion:
    return ActiveVersion(pointer, store, clock=clock)


def test_it_is_that_of_the_active_version(active: ActiveVersion, pointer: MemoryPointer, store: MemoryStore) -> None:
    pointer.holds = store.add(iris_package())

    assert active().reference == pointer.holds


def test_it_is_read_once_a_minute(
    active: ActiveVersion, pointer: MemoryPointer, store: MemoryStore, clock: Clock
) -> None:
    pointer.holds = store.add(iris_package())
    active()
    clock.advance(SECONDS - 1)
    active()
    assert pointer.reads == 1

    clock.advance(1)
    active()

    assert pointer.reads == 2


def test_one_that_was_read_outlives_a_failure_and_is_not_asked_for_at_once(
    active: ActiveVersion, pointer: MemoryPointer, store: MemoryStore, clock: Clock
) -> None:
    pointer.holds = store.add(iris_package())
    before = active()
    pointer.holds = AwsUnavailable("SSM is down")
    clock.advance(SECONDS)

    assert (active(), active()) == (before, before)
    assert pointer.reads == 2


def test_without_a_version_there_is_no_version_to_name(active: ActiveVersion) -> None:
    with pytest.raises(NoActiveVersion):
        active()


def test_the_first_failure_is_told_and_the_next_call_reads_again(
    active: ActiveVersion, pointer: MemoryPointer, store: MemoryStore
) -> None:
    pointer.holds = AwsUnavailable("SSM is down")
    with pytest.raises(AwsUnavailable):
        active()
    pointer.holds = store.add(iris_package())

    assert active().reference.name == "v1"
