"""Fleets that read one pointer: the bounds of docs/benchmarks/fleet.md, at a tenth of the rate and of the size."""

import math

import pytest

from benchmarks.fleet import Outcome, Scenario, simulate

RATE = 4.0


def share_throttled(outcome: Outcome) -> float:
    return outcome.throttled / outcome.calls


def test_a_fleet_within_the_limit_follows_within_the_refresh_time() -> None:
    outcome = simulate(Scenario(25, RATE))

    assert max(outcome.followed) <= 15
    assert share_throttled(outcome) < 0.01


@pytest.mark.parametrize("environments", [100, 200, 500])
def test_a_fleet_of_up_to_nine_times_the_limit_asks_less_and_follows_sooner_than_one_that_does_not_care(
    environments: int,
) -> None:
    now, before = (simulate(Scenario(environments, RATE, backs_off=backs_off)) for backs_off in (True, False))

    assert share_throttled(now) < share_throttled(before) * 2 / 3
    assert math.isfinite(max(now.followed))
    assert sum(now.followed) <= sum(before.followed) * 1.2


def test_a_fleet_beyond_what_a_sixteenth_of_the_rate_allows_follows_sooner_but_is_mostly_refused() -> None:
    now, before = (simulate(Scenario(250, 1.0, backs_off=backs_off)) for backs_off in (True, False))

    assert share_throttled(now) > 0.9
    assert sorted(now.followed)[246] < sorted(before.followed)[246] / 2


def test_a_burst_of_starts_passes_within_a_few_times_what_the_limit_needs() -> None:
    outcome = simulate(Scenario(100, RATE, starts_within=10))

    assert sorted(outcome.first_read)[89] < 2 * 100 / RATE
    assert outcome.too_old == 0


def test_after_an_outage_of_ten_minutes_every_environment_reads_again() -> None:
    outcome = simulate(Scenario(25, RATE, outage=(540, 1140)))

    assert outcome.too_old == 25
    assert outcome.oldest < 600 + 4 * 15
    assert max(outcome.followed) <= 15


def test_the_same_seed_gives_the_same_outcome() -> None:
    assert simulate(Scenario(100, RATE), seed=3) == simulate(Scenario(100, RATE), seed=3)
