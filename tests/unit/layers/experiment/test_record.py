"""Looks as the judge reads them: time that passed, and shares that are somebody's."""

from datetime import UTC, datetime, timedelta

import pytest

from skylift.experiment.counters import Arm, Counters
from skylift.experiment.record import Look, StepCounts, intervals_of

START = datetime(2026, 11, 26, 2, tzinfo=UTC)


def _look(begin: float, end: float, *steps: tuple[str, float]) -> Look:
    counts = Counters(Arm(1), Arm(1))
    return Look(
        start=START + timedelta(minutes=begin),
        end=START + timedelta(minutes=end),
        steps=tuple(
            StepCounts.model_validate({"mode": mode, "percent": percent, "counters": counts}) for mode, percent in steps
        ),
    )


def _told(*looks: Look) -> list[tuple[float, float, int]]:
    return [(each.minutes, each.share, each.counters.challenger.requests) for each in intervals_of(looks)]


@pytest.mark.parametrize(("mode", "percent", "share"), [("canary", 5, 0.05), ("shadow", 100, 0.5), ("shadow", 5, 0.5)])
def test_the_share_of_a_shadow_is_a_half_whatever_its_sample(mode: str, percent: float, share: float) -> None:
    assert _told(_look(0, 1, (mode, percent))) == [(1, share, 1)]


def test_two_steps_in_one_look_are_two_intervals_of_one_time() -> None:
    assert _told(_look(0, 2, ("canary", 5), ("canary", 25))) == [(0, 0.05, 1), (2, 0.25, 1)]


def test_silence_between_looks_belongs_to_the_next_step() -> None:
    told = _told(_look(0, 1, ("canary", 5)), _look(1, 5), _look(5, 6, ("canary", 5)))

    assert told == [(1, 0.05, 1), (5, 0.05, 1)]


def test_silence_at_the_end_has_the_share_of_before() -> None:
    assert _told(_look(0, 1, ("canary", 5)), _look(1, 5), _look(5, 6)) == [(1, 0.05, 1), (5, 0.05, 0)]


def test_time_that_nobody_looked_at_passed_nevertheless() -> None:
    assert _told(_look(0, 1, ("canary", 5)), _look(10, 11, ("canary", 5))) == [(1, 0.05, 1), (10, 0.05, 1)]


def test_silence_alone_is_time_without_requests() -> None:
    assert _told(_look(0, 3), _look(3, 60)) == [(60, 0.5, 0)]


def test_without_looks_there_are_intervals_of_nothing() -> None:
    assert _told() == []
