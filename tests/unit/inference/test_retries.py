"""Pauses between the tries of a version that cannot be loaded."""

from datetime import UTC, datetime

import pytest

from inference.degradation import Degradation
from inference.retries import Retries
from skylift.references import Reference
from tests.support.fakes import Clock

V1 = Reference(1, "1" * 64)
V2 = Reference(2, "2" * 64)


def broken(reference: Reference) -> Degradation:
    return Degradation("integrity-error", "altered", datetime.now(UTC), reference)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def retries(clock: Clock) -> Retries:
    return Retries(15, clock)


def pause(retries: Retries, clock: Clock) -> float:
    """Seconds until the version is tried again."""
    started = clock.now
    while retries.reason_to_wait(V1):
        clock.advance(1)
    return clock.now - started


def test_a_version_that_did_not_fail_is_tried(retries: Retries) -> None:
    assert retries.reason_to_wait(V1) is None


def test_a_version_that_failed_waits_and_says_why(retries: Retries) -> None:
    retries.failed(broken(V1))

    reason = retries.reason_to_wait(V1)

    assert reason is not None
    assert reason.code == "integrity-error"


def test_pauses_double_up_to_sixteen_times_and_end_before_the_refresh_that_is_due(
    retries: Retries, clock: Clock
) -> None:
    pauses = []
    for _ in range(7):
        retries.failed(broken(V1))
        pauses.append(pause(retries, clock))

    assert pauses == [12, 24, 48, 96, 192, 192, 192]


def test_another_version_is_tried_at_once(retries: Retries) -> None:
    retries.failed(broken(V1))

    assert retries.reason_to_wait(V2) is None


def test_a_version_that_returns_has_no_failures_left(retries: Retries, clock: Clock) -> None:
    for reference in (V1, V1, V2, V1):
        retries.failed(broken(reference))

    assert pause(retries, clock) == 12


def test_what_is_forgotten_is_tried_at_once(retries: Retries) -> None:
    retries.failed(broken(V1))
    retries.forget()

    assert retries.reason_to_wait(V1) is None
