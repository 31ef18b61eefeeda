"""Progress is one live line on a terminal, and plain lines elsewhere."""

import io

import pytest
from rich.console import Console

from training.cli import progress
from training.cli.progress import Display, about, duration
from training.search.meter import Leader, State, Step

MIDWAY = State("forest", 2, 5, Step("trial", 3, 20), 30, 200, Leader("accuracy", 0.975, "logistic"), 40.0, keeps=True)


def shown(*, terminal: bool) -> str:
    screen = io.StringIO()
    with Display(Console(file=screen, force_terminal=terminal, width=150), "starting") as display:
        display.step("reading Iris.csv")
        display.watch(MIDWAY)
    return screen.getvalue()


def test_steps_are_lines_where_nobody_watches() -> None:
    assert shown(terminal=False) == "reading Iris.csv\n"


def test_a_long_search_tells_where_it_is_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0)

    assert shown(terminal=False).splitlines()[1] == (
        "forest: trial 3 of 20, fit 30 of 200, best accuracy 0.9750 (logistic), 40 s left"
    )


def test_a_terminal_shows_candidate_trial_best_and_time_left_on_one_line() -> None:
    screen = shown(terminal=True)

    assert "candidate 2 of 5: forest, trial 3 of 20" in screen
    assert "fit 30 of 200, best accuracy 0.9750 (logistic), 40 s left" in screen


def test_before_the_first_result_there_is_no_best_and_after_the_last_no_time_left() -> None:
    assert about(State("forest", 1, 1, Step("fold", 5, 5), 5, 5, None, 0.0, keeps=False)) == "fit 5 of 5"


def test_a_search_can_be_stopped_once_it_would_keep_something() -> None:
    display = Display(Console(file=io.StringIO()), "starting")
    assert not display.can_stop

    display.watch(MIDWAY)
    assert display.can_stop

    display.step("refitting forest")
    assert not display.can_stop


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (119, "119 s"), (600, "10 min"), (9000, "2.5 h")])
def test_durations_are_told_as_people_tell_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said
