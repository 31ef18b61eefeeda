"""The judge: promotes what is proved, rejects what is certain, and says when it would have."""

from collections.abc import Sequence

import pytest

from skylift.experiment.counters import Arm, Counters, Interval, Pairs, difference_bin
from skylift.experiment.criteria import Criteria
from skylift.experiment.judge import judge
from skylift.experiment.verdict import Finding, Verdict


def minute(
    errors: tuple[int, int] = (0, 0),
    *,
    requests: tuple[int, int] = (100, 900),
    share: float = 0.1,
    refusals: tuple[dict[str, int], dict[str, int]] = ({}, {}),
    pairs: Pairs | None = None,
) -> Interval:
    """A minute with counts of the challenger and of the champion."""
    ours, theirs = (
        Arm(number, failed, refused) for number, failed, refused in zip(requests, errors, refusals, strict=True)
    )
    return Interval(1, share, Counters(ours, theirs, pairs or Pairs()))


def shadow(milliseconds: float, *, pairs: int = 100, other: int = 0, right: tuple[int, int] = (0, 0)) -> Interval:
    """A minute in which both sides score, and the challenger takes longer by so much."""
    scored = Pairs(pairs, other, {difference_bin(milliseconds): pairs}, *right)
    return minute(requests=(pairs, pairs), share=0.5, pairs=scored)


def finding(verdict: Verdict, name: str) -> Finding:
    return next(one for one in verdict.findings if one.name == name)


def test_a_challenger_without_errors_is_promoted_when_its_traffic_proves_the_limit() -> None:
    outcomes = [judge([minute()] * minutes).outcome for minutes in (1, 9, 12)]

    assert outcomes == [None, None, "promote"]


def test_three_errors_that_are_all_the_challengers_reject_it_at_a_tenth() -> None:
    assert judge([minute((2, 0))]).outcome is None
    verdict = judge([minute((3, 0))])

    assert verdict.outcome == "reject"
    assert verdict.reason == "certainly worse: server errors"
    assert finding(verdict, "server errors").e_value == pytest.approx(250)


def test_errors_that_both_sides_have_by_their_share_reject_nothing() -> None:
    assert judge([minute((5, 45))] * 60).outcome != "reject"


def test_a_rejection_stands_and_names_the_minute_that_it_came_at() -> None:
    verdict = judge([minute(), minute((4, 0)), *[minute((0, 50))] * 20])

    assert verdict.outcome == "reject"
    assert verdict.stopped_after == 2
    assert verdict.minutes == 22


def test_steps_of_a_ramp_multiply() -> None:
    first, second = minute((2, 0)), minute((5, 0), share=0.5, requests=(500, 500))
    both = judge([first, second])

    assert finding(both, "server errors").e_value == pytest.approx(100 / 3 * 2**5 / 6)
    assert judge([second]).outcome is None
    assert judge([first, minute((7, 0), share=0.5)]).outcome == "reject"


def test_a_step_with_fewer_errors_than_expected_is_not_counted_against_the_challenger() -> None:
    verdict = judge([minute((0, 500)), minute((2, 0), share=0.5)])

    assert finding(verdict, "server errors").e_value == pytest.approx(4 / 3)
    assert verdict.outcome != "reject"


def test_refusals_are_judged_by_reason() -> None:
    refused = ({"unknown-field": 6}, {"unknown-field": 10, "not-json": 100})
    verdict = judge([minute(refusals=refused)])

    assert judge([minute(refusals=({"not-json": 11}, {"not-json": 99}))]).outcome != "reject"
    assert [one.name for one in verdict.findings][1:] == ["refusals: unknown-field", "refusals: not-json"]
    assert judge([minute(refusals=({"unknown-field": 12}, refused[1]))]).outcome == "reject"


def test_a_new_reason_has_to_weigh_more() -> None:
    one = finding(judge([minute(refusals=({"a": 1}, {}))]), "refusals: a")
    three = finding(judge([minute(refusals=({"a": 1, "b": 1}, {"c": 1}))]), "refusals: a")

    assert one.rejects_at is not None
    assert three.rejects_at == pytest.approx(6 * one.rejects_at)


@pytest.mark.parametrize(
    ("milliseconds", "outcome"), [([1.0], "promote"), ([9.0], "reject"), ([1.0, 1.0, 1.0, 40.0], "reject")]
)
def test_latency_is_judged_by_median_and_95th_percentile(milliseconds: Sequence[float], outcome: str) -> None:
    assert judge([shadow(value) for value in milliseconds] * 4 * (4 // len(milliseconds))).outcome == outcome


def test_a_quantile_has_bounds_from_the_bins() -> None:
    pairs = Pairs(1000, 0, {difference_bin(1.0): 600, difference_bin(4.0): 400})
    median = finding(judge([minute(pairs=pairs)]), "latency, median")

    assert (median.low, median.value, median.high) == (0.8, 1.0, 1.0)
    assert median.unit == "ms"


def test_a_pair_alone_says_nothing_of_a_quantile() -> None:
    p95 = finding(judge([shadow(1.0, pairs=1)]), "latency, 95th percentile")

    assert (p95.low, p95.high, p95.state) == (None, None, "open")


def test_other_labels_are_reported_unless_there_is_a_limit() -> None:
    half = [shadow(1.0, other=50)] * 15
    strict = Criteria(max_disagreement=0.02)

    assert judge(half).outcome == "promote"
    assert finding(judge(half), "other labels").state == "reported"
    assert judge(half, strict).outcome == "reject"
    assert judge([shadow(1.0)] * 15, strict).outcome == "promote"
    assert judge([shadow(1.0, other=2)] * 15, strict).outcome is None


def test_labels_reject_a_challenger_that_is_certainly_wrong_more_often() -> None:
    assert judge([shadow(1.0, right=(10, 10))] * 15).outcome == "promote"
    assert judge([shadow(1.0, right=(40, 0))] * 15).outcome == "promote"
    assert judge([shadow(1.0, right=(1, 4))] * 15).outcome == "reject"


def test_silence_ends_without_a_decision() -> None:
    silent = Interval(60, 0.05, Counters())

    assert judge([]).outcome is None
    assert judge([silent] * 71).outcome is None
    verdict = judge([silent] * 72)
    assert verdict.outcome == "inconclusive"
    assert "0 of 1,000 requests" in verdict.reason


def test_nothing_is_promoted_while_an_alarm_fires() -> None:
    good = [minute()] * 20
    alarms = ["skylift-prod-latency"]

    assert judge(good, alarms=alarms).outcome is None
    assert "in alarm: skylift-prod-latency" in judge(good, alarms=alarms).reason
    assert judge(good, Criteria(max_hours=0.1), alarms=alarms).outcome == "inconclusive"
    assert judge([minute((9, 0))], alarms=alarms).outcome == "reject"


def test_added_intervals_give_the_same_verdict_as_many_of_one_share() -> None:
    many = [minute((1, 9), pairs=Pairs(10, 1, {60: 10}))] * 7
    whole = Interval(7, 0.1, sum((one.counters for one in many), Counters()))

    assert judge(many).findings == judge([whole]).findings
