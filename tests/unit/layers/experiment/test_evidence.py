"""Evidence: e-values as their formula has them, errors as rare as promised however often somebody looks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.experiment import evidence

counts = st.integers(0, 2000)
rates = st.floats(0.01, 0.99)


@given(counts, counts, rates)
def test_an_e_value_is_the_mean_likelihood_ratio(successes: int, failures: int, rate: float) -> None:
    beta = math.lgamma(successes + 1) + math.lgamma(failures + 1) - math.lgamma(successes + failures + 2)
    expected = beta - successes * math.log(rate) - failures * math.log(1 - rate)

    assert evidence.log_e(successes, failures, rate) == pytest.approx(expected, abs=1e-8)


@given(st.integers(0, 60), rates)
def test_the_mean_of_an_e_value_is_one_where_the_hypothesis_is_true(trials: int, rate: float) -> None:
    successes = np.arange(trials + 1)
    log_chance = [
        math.log(math.comb(trials, s)) + s * math.log(rate) + (trials - s) * math.log(1 - rate) for s in successes
    ]

    mean = np.exp(evidence.log_e(successes, trials - successes, rate) + log_chance).sum()

    assert mean == pytest.approx(1)


@pytest.mark.parametrize(("errors", "share", "e"), [(3, 0.1, 250), (2, 0.1, 33.33), (11, 0.5, 170.7), (10, 0.5, 93.1)])
def test_errors_that_are_all_the_challengers_weigh_as_its_share_is_small(errors: int, share: float, e: float) -> None:
    assert np.exp(evidence.log_e(errors, 0, share)) == pytest.approx(e, rel=0.001)


@given(counts, counts, rates)
def test_fewer_successes_than_expected_never_count_as_more(successes: int, failures: int, rate: float) -> None:
    excess = evidence.log_excess(successes, failures, rate)

    assert excess <= evidence.log_e(successes, failures, rate) + 1e-12
    if successes <= rate * (successes + failures):
        assert excess <= 0


@pytest.mark.parametrize("rate", [0.05, 0.5])
@pytest.mark.parametrize("true", [1.0, 0.8], ids=["as frequent", "rarer"])
def test_a_true_hypothesis_is_ever_rejected_as_rarely_as_promised(rate: float, true: float) -> None:
    runs, looks = 2000, 500
    successes = np.cumsum(np.random.default_rng(1).random((runs, looks), np.float32) < rate * true, axis=1)

    most = evidence.log_excess(successes, np.arange(1, looks + 1) - successes, rate).max(axis=1)

    for alpha in (0.05, 0.01):
        assert (most >= -np.log(alpha)).mean() <= alpha


@pytest.mark.parametrize("true", [1.0, 0.8, 0.3], ids=["as frequent", "rarer", "much rarer"])
def test_the_product_over_steps_is_ever_large_as_rarely_as_promised(true: float) -> None:
    random, runs, looks = np.random.default_rng(5), 2000, 150
    most, before = np.full(runs, -np.inf), np.zeros(runs)
    for share in (0.05, 0.25, 0.5):
        successes = np.cumsum(random.random((runs, looks)) < share * true, axis=1)
        found = before[:, None] + evidence.log_excess(successes, np.arange(1, looks + 1) - successes, share)
        most, before = np.maximum(most, found.max(axis=1)), found[:, -1]

    for alpha in (0.05, 0.01):
        assert (most >= -np.log(alpha)).mean() <= alpha


@pytest.mark.parametrize("rate", [0.02, 0.5, 0.95])
def test_bounds_hold_a_rate_at_all_times_at_once(rate: float) -> None:
    looks = np.array([1, 3, 10, 30, 100, 300, 1000])
    successes = np.cumsum(np.random.default_rng(2).random((2000, 1000)) < rate, axis=1)[:, looks - 1]

    assert (evidence.lower(successes, looks, 0.05) > rate).any(axis=1).mean() <= 0.05
    assert (evidence.upper(successes, looks, 0.05) < rate).any(axis=1).mean() <= 0.05


@given(st.integers(0, 500), st.integers(1, 500), st.sampled_from([0.05, 0.01]))
def test_a_bound_is_where_certainty_begins(successes: int, failures: int, alpha: float) -> None:
    trials = successes + failures
    low, high = float(evidence.lower(successes, trials, alpha)), float(evidence.upper(successes, trials, alpha))

    assert 0 <= low <= successes / trials <= high <= 1
    assert not evidence.certainly_above(successes, trials, min(low + 1e-6, 1 - 1e-9), alpha)
    assert low < 1e-6 or evidence.certainly_above(successes, trials, low - 1e-7, alpha)
    assert high > 1 - 1e-6 or evidence.certainly_below(successes, trials, high + 1e-7, alpha)


def test_without_a_trial_nothing_is_certain() -> None:
    assert not evidence.certainly_above(0, 0, 0.1, 0.05)
    assert not evidence.certainly_below(0, 0, 0.1, 0.05)
    assert float(evidence.lower(0, 0, 0.05)) == 0
    assert float(evidence.upper(0, 0, 0.05)) == 1


@pytest.mark.parametrize("number", [0, 1, 2, 255, 256, 1000, 10**6, 10**10])
def test_a_factorial_is_right_at_any_size(number: int) -> None:
    assert evidence.log_factorial(number) == pytest.approx(math.lgamma(number + 1), rel=1e-14, abs=1e-11)
