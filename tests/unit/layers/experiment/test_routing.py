"""Routing: sticky, monotone, as many as asked for, and different in every experiment."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.experiment.routing import BUCKETS, bucket, is_challenged

DIGEST, OTHER = (hashlib.sha256(name).hexdigest() for name in (b"v8", b"v9"))
KEYS = [f"caller {number}" for number in range(20_000)]

percents = st.integers(0, BUCKETS).map(lambda hundredths: hundredths / 100)


@given(st.text(), percents, percents)
def test_whoever_is_in_stays_in_while_the_share_grows(key: str, one: float, other: float) -> None:
    less, more = sorted((one, other))

    assert is_challenged(DIGEST, key, less) <= is_challenged(DIGEST, key, more)


@given(st.text(), percents)
def test_a_key_is_in_when_its_bucket_is_below_the_percentage_in_hundredths(key: str, percent: float) -> None:
    assert 0 <= bucket(DIGEST, key) < BUCKETS
    assert is_challenged(DIGEST, key, percent) == (bucket(DIGEST, key) < round(100 * percent))


@given(st.text())
def test_a_share_of_nothing_takes_nobody_and_a_share_of_all_everybody(key: str) -> None:
    assert not is_challenged(DIGEST, key, 0)
    assert is_challenged(DIGEST, key, 100)


@pytest.mark.parametrize("percent", [0.5, 5, 25, 50])
def test_the_share_of_the_keys_is_the_percentage(percent: float) -> None:
    share = sum(is_challenged(DIGEST, key, percent) for key in KEYS) / len(KEYS)

    assert share == pytest.approx(percent / 100, abs=4 * (percent / 100 / len(KEYS)) ** 0.5)


def test_two_experiments_do_not_meet_the_same_callers() -> None:
    both = sum(is_challenged(DIGEST, key, 50) and is_challenged(OTHER, key, 50) for key in KEYS)

    assert both / len(KEYS) == pytest.approx(0.25, abs=0.015)


def test_a_place_does_not_change_with_a_release() -> None:
    assert [bucket(DIGEST, key) for key in ("anna", "", "\udc80")] == [2824, 2652, 9694]
