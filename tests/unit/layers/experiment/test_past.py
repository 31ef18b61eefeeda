"""Experiments by SSM's history: the champion of their time, and how they ended, whoever wrote that."""

from datetime import UTC, datetime, timedelta

import pytest

from skylift.challenger import Challenger
from skylift.experiment.past import challenger_in, last_ended, trial_of
from skylift.parameter import Change
from skylift.pointer import Move
from skylift.references import NOTHING, Reference

START = datetime(2026, 11, 26, tzinfo=UTC)
V7, V8, V9 = (Reference(number, str(number) * 64) for number in (7, 8, 9))
STEPS = {
    name: Challenger(id=name, reference=reference, mode="canary", percent=5, started=START, by="anna")
    for name, reference in (("v8-1", V8), ("v9-1", V9))
}


def _changes(*values: str, description: str = "", before: str = NOTHING, first: int = 1) -> list[Change]:
    """Changes a minute apart; names of experiments stand for their challengers."""
    held = [str(STEPS[value]) if value in STEPS else value for value in (before, *values)]
    return [
        Change(first + place, START + timedelta(minutes=place), "bob", held[place], held[place + 1], description)
        for place in range(len(values))
    ]


def _moves(*made: tuple[float, str, str]) -> list[Move]:
    return [Move(START + timedelta(minutes=at), "anna", before, after) for at, before, after in made]


def test_an_experiment_that_is_under_way_has_no_ending() -> None:
    trial = trial_of("v8-1", _changes("v8-1"), _moves((-5, NOTHING, str(V7))))

    assert trial is not None
    assert (trial.challenger, trial.champion, trial.ending) == (STEPS["v8-1"], V7, None)


def test_the_champion_is_what_was_active_when_it_began() -> None:
    moves = _moves((-9, NOTHING, str(V9)), (-5, str(V9), str(V7)), (0.5, str(V7), str(V8)))

    trial = trial_of("v8-1", _changes("v8-1", NOTHING), moves)

    assert trial is not None
    assert trial.champion == V7


def test_where_ssm_has_forgotten_the_earlier_moves_the_oldest_known_value_was_active() -> None:
    trial = trial_of("v8-1", _changes("v8-1"), _moves((7, str(V7), str(V8))))

    assert trial is not None
    assert trial.champion == V7


@pytest.mark.parametrize("value", [NOTHING, "garbage"])
def test_where_the_pointer_named_no_version_the_champion_is_unknown(value: str) -> None:
    trial = trial_of("v8-1", _changes("v8-1"), _moves((-5, str(V7), value)))

    assert trial is not None
    assert trial.champion is None


@pytest.mark.parametrize(
    ("description", "told"),
    [
        ("promoted by skylift promote", ("promoted", "promoted by skylift promote")),
        ("rejected by rollout: certainly worse: server errors", ("rejected", "certainly worse: server errors")),
        ("begun by skylift challenge", ("failed", "bob wrote the parameter past Skylift")),
        ("", ("failed", "bob wrote the parameter past Skylift")),
    ],
)
def test_its_end_is_what_the_last_writer_said(description: str, told: tuple[str, str]) -> None:
    trial = trial_of("v8-1", _changes("v8-1", NOTHING, description=description), [])

    assert trial is not None
    assert trial.told == told


def test_an_experiment_that_nobody_began_is_not_known() -> None:
    assert trial_of("v7-1", _changes("v8-1"), []) is None


@pytest.mark.parametrize(
    ("values", "ended"),
    [
        ((), None),
        (("v8-1",), None),
        (("v8-1", NOTHING), "v8-1"),
        (("v8-1", NOTHING, "v9-1"), None),
        (("v8-1", NOTHING, "v9-1", "garbage"), "v9-1"),
        (("v8-1", NOTHING, "garbage", NOTHING), "v8-1"),
        ((NOTHING,), None),
    ],
)
def test_the_last_one_that_ended(values: tuple[str, ...], ended: str | None) -> None:
    assert last_ended(_changes(*values)) == ended


def test_what_cannot_be_read_names_no_challenger() -> None:
    assert challenger_in("garbage") is None
    assert challenger_in(NOTHING) is None
