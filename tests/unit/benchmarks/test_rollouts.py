"""The proof of docs/benchmarks/rollouts.md at a tenth of its size: good challengers pass, bad ones are stopped soon."""

import pytest

from benchmarks.rollouts import CRITERIA, GOOD, rollouts, row, too_often
from skylift.experiment.simulation import Case, run

RUNS = 1000


@pytest.mark.parametrize("label", GOOD)
@pytest.mark.parametrize("traffic", [100, 5000])
def test_good_challengers_are_stopped_as_rarely_as_promised_and_promoted(label: str, traffic: float) -> None:
    case = run(rollouts(traffic)[label], runs=RUNS, criteria=CRITERIA)

    assert too_often({(label, traffic): case}, RUNS) == []
    assert case.promoted_share > 0.98


@pytest.mark.parametrize(
    ("label", "minutes"),
    [
        ("fails 1%", 100),
        ("fails 5%", 10),
        ("fails 50%", 3),
        ("slow: 60% of the pairs over the budget", 45),
        ("another label for 5%", 80),
    ],
)
def test_bad_challengers_are_stopped_within_minutes_at_a_hundred_requests_a_minute(label: str, minutes: float) -> None:
    case = run(rollouts(100)[label], runs=RUNS, criteria=CRITERIA)

    assert case.stopped_share > 0.95
    assert case.promoted_share < CRITERIA.beta
    assert case.median_minutes_to_stop is not None
    assert case.median_minutes_to_stop <= minutes


def test_a_rate_above_the_promise_is_told() -> None:
    case = Case(
        challenger_error_rate=0.002,
        stopped_share=0.03,
        median_minutes_to_stop=7,
        promoted_share=0.97,
        inconclusive_share=0,
    )

    assert too_often({("good", 20): case, ("fails 1%", 20): case}, RUNS) == [
        "good at 20 requests a minute: 3.00% stopped"
    ]
    assert row("good", 20, case) == "| good | 20 | 3.00% | 7 | 97.0% | 0.0% |\n"
