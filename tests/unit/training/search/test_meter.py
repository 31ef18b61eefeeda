"""The meter counts the fits of a search, tells of each, and ends them where a stop is allowed."""

from collections.abc import Generator, Sequence
from threading import Event
from typing import Any, cast

import pytest

from training.search.fitting import Fit, Folds, Outcome
from training.search.meter import Leader, Meter, State, Step

FOLDS = cast("Folds", None)
FITS = [Fit(None, fold) for fold in range(4)]
OUTCOME = Outcome({"accuracy": 0.9}, (), 0.1)


class InstantRunner:
    """Gives each fit the same outcome at once, and notes whether it was ended early."""

    def __init__(self) -> None:
        self.ended = False

    def run(self, folds: Folds, fits: Sequence[Fit]) -> Generator[tuple[Fit, Outcome]]:
        try:
            yield from ((fit, OUTCOME) for fit in fits)
        except GeneratorExit:
            self.ended = True
            raise


class Search:
    """A meter with all that is around it."""

    def __init__(self) -> None:
        self.runner, self.stop, self.states = InstantRunner(), Event(), list[State]()
        self.meter = Meter(self.runner, watch=self.states.append, stop=self.stop)
        self.meter.plan(8)
        self.meter.begin("tree", number=1, candidates=2)

    def run(self, *, keeps: bool = False, stoppable: bool = True) -> Any:
        return self.meter.run(
            FOLDS, FITS, lambda done: Step("fold", done, len(FITS)), keeps=lambda: keeps, stoppable=stoppable
        )


@pytest.fixture
def search() -> Search:
    return Search()


def test_each_fit_is_told_with_its_candidate_and_step(search: Search) -> None:
    assert [fit for fit, _ in search.run()] == FITS

    assert [(state.candidate, state.number, state.candidates, state.planned) for state in search.states] == [
        ("tree", 1, 2, 8)
    ] * 4
    assert [str(state.step) for state in search.states] == [f"fold {number} of 4" for number in (1, 2, 3, 4)]


def test_fits_are_counted_over_all_candidates_and_the_last_one_leaves_no_time(search: Search) -> None:
    list(search.run())
    search.meter.begin("forest", number=2, candidates=2)
    list(search.run())

    assert [state.done for state in search.states] == list(range(1, 9))
    assert search.states[-1].candidate == "forest"
    assert [state.seconds_left > 0 for state in search.states] == [True] * 7 + [False]


def test_the_time_left_is_estimated_from_the_fits_so_far(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("training.search.meter.time.monotonic", lambda: now[0])
    search.meter.plan(8)

    for _ in search.run():
        now[0] += 10

    assert [state.seconds_left for state in search.states] == [0, 30, 100 / 3, 30]


@pytest.mark.parametrize(("stoppable", "fits"), [(True, 2), (False, 4)])
def test_a_stop_ends_only_fits_that_may_stop(search: Search, stoppable: bool, fits: int) -> None:
    done = 0
    for _ in search.run(stoppable=stoppable):
        done += 1
        if done == 2:
            search.stop.set()

    assert done == len(search.states) == fits
    assert search.meter.stopped
    assert search.runner.ended is stoppable


def test_a_stop_keeps_something_once_there_is_a_best_candidate_or_a_whole_trial(search: Search) -> None:
    list(search.run())
    list(search.run(keeps=True))
    search.meter.best = Leader("accuracy", 0.91234, "tree")
    list(search.run())

    assert [state.keeps for state in search.states] == [False] * 4 + [True] * 8
    assert search.states[0].best is None
    assert str(search.states[-1].best) == "accuracy 0.9123 (tree)"
