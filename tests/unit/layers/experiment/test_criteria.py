"""The limits: parts of alpha that add up, and promotion only where harm is certainly small."""

import numpy as np
import pytest

from skylift.experiment.criteria import Criteria, e_value, reached

CRITERIA = Criteria()
HELD = [(0, 999, False), (0, 1200, True), (2, 1200, False), (2, 1600, True)]


def test_the_parts_of_all_reasons_to_reject_add_up_to_alpha() -> None:
    refusals = (1 / CRITERIA.refusals_at(np.arange(1, 100_000))).sum()
    parts = 1 / CRITERIA.errors_at + refusals + 2 / CRITERIA.latency_at + 2 / CRITERIA.answers_at

    assert parts == pytest.approx(CRITERIA.alpha, rel=1e-4)


@pytest.mark.parametrize(("errors", "requests", "held"), HELD)
def test_a_challenger_is_held_to_the_limit_by_what_its_traffic_proves(errors: int, requests: int, held: bool) -> None:
    assert CRITERIA.errors_held((errors, requests), (0, 20_000)) == held


def test_a_champion_that_fails_as_often_makes_room() -> None:
    assert CRITERIA.errors_held((200, 10_000), (4_000, 200_000))
    assert not CRITERIA.errors_held((400, 10_000), (4_000, 200_000))


def test_a_challenger_beyond_the_limit_is_ever_let_pass_as_rarely_as_promised() -> None:
    random = np.random.default_rng(3)
    looks = np.arange(1, 31) * 200
    ours = np.cumsum(random.binomial(200, 0.01 + CRITERIA.max_error_increase, size=(1000, 30)), axis=1)
    theirs = np.cumsum(random.binomial(200, 0.01, size=(1000, 30)), axis=1)

    assert CRITERIA.errors_held((ours, looks), (theirs, looks)).any(axis=1).mean() <= CRITERIA.beta


def test_bounds_of_the_increase_hold_what_is_decided() -> None:
    low, high = CRITERIA.error_increase((10, 5000), (20, 50_000))

    assert low < 10 / 5000 - 20 / 50_000 < high <= 0.01
    assert CRITERIA.errors_held((10, 5000), (20, 50_000))


def test_an_e_value_beyond_all_floats_is_still_one() -> None:
    assert 1e300 < e_value(1e6) < np.inf
    assert reached(np.array([np.log(200.1)]), 200).all()
