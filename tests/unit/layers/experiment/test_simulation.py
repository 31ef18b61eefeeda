"""Simulated rollouts: the judge's own answers, found for thousands at once."""

import numpy as np
import pytest

from skylift.experiment.counters import EDGES_MS, Arm, Counters, Interval, Pairs, difference_bin
from skylift.experiment.criteria import Criteria
from skylift.experiment.judge import judge
from skylift.experiment.simulation import Case, Mode, Rollout, _draw, _looks, run, simulate

CRITERIA = Criteria(max_disagreement=0.02)


@pytest.mark.parametrize("mode", ["canary", "shadow"])
@pytest.mark.parametrize(
    "rollout",
    [
        Rollout(400, 0.002, 50, 0.002),
        Rollout(400, 0.002, 50, 0.01),
        Rollout(400, 0.002, 50, 0.002, over_median=0.6, over_p95=0.1),
        Rollout(400, 0.002, 50, 0.002, other_labels=0.05),
    ],
)
def test_every_look_is_the_judges(rollout: Rollout, mode: Mode) -> None:
    rollout = Rollout(**{name: getattr(rollout, name) for name in Rollout.__slots__} | {"mode": mode})
    drawn = _draw(np.random.default_rng(4), rollout, (3, 12))
    broken, held = _looks(np.cumsum(drawn, axis=2), rollout, CRITERIA)

    for place in range(3):
        intervals = [_interval(drawn[:, place, minute].tolist(), mode) for minute in range(12)]
        verdicts = [judge(intervals[: minute + 1], CRITERIA) for minute in range(12)]
        assert [verdict.outcome == "reject" for verdict in verdicts] == np.logical_or.accumulate(broken[place]).tolist()
        assert [verdict.outcome == "promote" for verdict in verdicts] == (
            held[place] & ~np.logical_or.accumulate(broken[place])
        ).tolist()


def _interval(counts: list[int], mode: Mode) -> Interval:
    requests, champion_requests, errors, champion_errors, over, far_over, other = counts
    arms = Arm(requests, errors), Arm(champion_requests, champion_errors)
    if mode == "canary":
        return Interval(1, 0.5, Counters(*arms))
    scored = requests - errors - champion_errors
    times = {
        difference_bin(CRITERIA.median_ms): scored - over,
        difference_bin(CRITERIA.p95_ms): over - far_over,
        len(EDGES_MS): far_over,
    }
    return Interval(1, 0.5, Counters(*arms, Pairs(scored, other, times)))


def test_shares_add_up_and_the_same_seed_gives_the_same_case() -> None:
    rollout = Rollout(50, 0.02, 5, 0.05)
    case = run(rollout, runs=300)

    assert case == run(rollout, runs=300)
    assert case.stopped_share + case.promoted_share + case.inconclusive_share == pytest.approx(1)


def test_without_traffic_nothing_is_decided() -> None:
    assert run(Rollout(0.01, 0.002, 1, 0.5), runs=100, criteria=Criteria(max_hours=1)) == Case(
        challenger_error_rate=0.5,
        stopped_share=0,
        median_minutes_to_stop=None,
        promoted_share=0,
        inconclusive_share=1,
    )


def test_a_good_challenger_comes_first_and_rates_come_once() -> None:
    rates = [[case.challenger_error_rate for case in simulate(5000, rate, 20, runs=100).cases] for rate in (0, 0.01)]

    assert rates == [[0, 0.01, 0.05, 0.5], [0.01, 0.05, 0.5]]
