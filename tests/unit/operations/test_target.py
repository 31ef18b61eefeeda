"""The target follows the active version within a minute, and outlives faults of SSM and S3."""

import pytest

from operations.target import SECONDS, ActiveTarget
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
def target(pointer: MemoryPointer, store: MemoryStore, clock: Clock) -> ActiveTarget:
    return ActiveTarget(pointer, store, clock=clock)


def test_it_is_that_of_the_active_version(target: ActiveTarget, pointer: MemoryPointer, store: MemoryStore) -> None:
    pointer.holds = store.add(iris_package())

    assert target().classes == ("setosa", "versicolor", "virginica")


def test_it_is_read_once_a_minute(
    target: ActiveTarget, pointer: MemoryPointer, store: MemoryStore, clock: Clock
) -> None:
    pointer.holds = store.add(iris_package())
    target()
    clock.advance(SECONDS - 1)
    target()
    assert pointer.reads == 1

    clock.advance(1)
    target()

    assert pointer.reads == 2


def test_one_that_was_read_outlives_a_failure_and_is_not_asked_for_at_once(
    target: ActiveTarget, pointer: MemoryPointer, store: MemoryStore, clock: Clock
) -> None:
    pointer.holds = store.add(iris_package())
    before = target()
    pointer.holds = AwsUnavailable("SSM is down")
    clock.advance(SECONDS)

    assert (target(), target()) == (before, before)
    assert pointer.reads == 2


def test_without_a_version_there_is_no_target(target: ActiveTarget) -> None:
    with pytest.raises(NoActiveVersion):
        target()


def test_the_first_failure_is_told_and_the_next_call_reads_again(
    target: ActiveTarget, pointer: MemoryPointer, store: MemoryStore
) -> None:
    pointer.holds = AwsUnavailable("SSM is down")
    with pytest.raises(AwsUnavailable):
        target()
    pointer.holds = store.add(iris_package())

    assert target().name == "species"
