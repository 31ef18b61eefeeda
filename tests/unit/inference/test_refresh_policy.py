"""The pace of an environment: quick until it has read once, then as often as SSM lets it."""

import pytest

from inference.refresh_policy import RefreshPolicy


@pytest.fixture
def policy() -> RefreshPolicy:
    """Reads every 15 s, without jitter, and has not read yet."""
    return RefreshPolicy(15, 300, uniform=lambda _, longest: longest)


@pytest.fixture
def reading(policy: RefreshPolicy) -> RefreshPolicy:
    policy.answered()
    return policy


def throttled_readings(policy: RefreshPolicy, count: int) -> float:
    for _ in range(count):
        policy.throttled()
        policy.answered()
    return policy.interval


def test_an_environment_that_is_never_throttled_reads_once_in_the_refresh_time(reading: RefreshPolicy) -> None:
    assert [reading.until_next(), reading.until_next_after_end()] == [15, 15]


def test_the_first_reading_is_tried_again_each_second_however_long_ssm_throttles(policy: RefreshPolicy) -> None:
    for _ in range(5):
        policy.throttled()

    assert policy.until_next_after_end() == 1


def test_throttling_before_the_first_reading_makes_no_environment_read_less_afterwards(policy: RefreshPolicy) -> None:
    policy.throttled()
    policy.answered()

    assert policy.interval == 15


def test_a_throttled_environment_tries_again_after_the_refresh_time_and_reads_half_as_often_afterwards(
    reading: RefreshPolicy,
) -> None:
    reading.throttled()
    assert reading.until_next_after_end() == 15

    reading.answered()
    assert reading.until_next_after_end() == 30


def test_one_reading_halves_the_pace_once_however_often_it_is_throttled(reading: RefreshPolicy) -> None:
    for _ in range(5):
        reading.throttled()

    assert reading.interval == 30


def test_the_interval_ends_at_sixteen_refresh_times(reading: RefreshPolicy) -> None:
    assert [throttled_readings(reading, count) for count in (4, 1)] == [240, 240]


def test_readings_that_are_not_throttled_bring_the_refresh_time_back(reading: RefreshPolicy) -> None:
    throttled_readings(reading, 4)

    intervals = []
    for _ in range(50):
        reading.answered()
        intervals.append(reading.interval)

    assert intervals == sorted(intervals, reverse=True)
    assert intervals[-1] == 15


def test_a_failure_of_another_kind_before_the_first_reading_is_tried_again_after_the_refresh_time(
    policy: RefreshPolicy,
) -> None:
    policy.failed()

    assert policy.until_next_after_end() == 15


def test_jitter_only_shortens() -> None:
    lowest = RefreshPolicy(15, 300, uniform=lambda shortest, _: shortest)
    lowest.answered()

    assert lowest.until_next() == pytest.approx(12)


def test_a_refresh_time_of_zero_stays_zero() -> None:
    policy = RefreshPolicy(0, 300)
    throttled_readings(policy, 3)

    assert (policy.until_next(), policy.until_next_after_end()) == (0, 0)


@pytest.mark.parametrize(("age", "old"), [(None, True), (0, False), (300, False), (300.1, True)])
def test_a_pointer_is_too_old_above_the_limit_and_when_it_was_not_read(
    policy: RefreshPolicy, age: float | None, old: bool
) -> None:
    assert policy.too_old(age) is old
