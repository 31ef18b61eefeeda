"""How far a search is: fits done and planned, the best so far, who watches, and whether to stop."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Event
from typing import Literal

from skylift.figures import format_value
from training.search.fitting import Fit, Folds, Outcome, Runner


@dataclass(frozen=True, slots=True)
class Leader:
    """The best candidate so far.

    Parameters
    ----------
    metric
        Name of the metric that candidates are selected by.
    value
        Cross-validated mean of the metric.
    candidate
        Name of the candidate.
    """

    metric: str
    value: float
    candidate: str

    def __str__(self) -> str:
        return f"{self.metric} {format_value(self.value)} ({self.candidate})"


@dataclass(frozen=True, slots=True)
class Step:
    """Part of a candidate's evaluation.

    Parameters
    ----------
    kind
        Cross-validation fold of the chosen parameters, or trial of others.
    number, count
        Place of the fold or trial, from 1, and the number of them.
    """

    kind: Literal["fold", "trial"]
    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.kind} {self.number} of {self.count}"


@dataclass(frozen=True, slots=True)
class State:
    """How far a search is.

    Parameters
    ----------
    candidate
        Name of the candidate that is evaluated.
    number, candidates
        Place of this candidate, from 1, and the number of candidates.
    step
        Part of its evaluation that the last fit belongs to.
    done, planned
        Numbers of fits, of all candidates.
    best
        Best candidate so far; None before the first is complete.
    seconds_left
        Estimate from the mean duration of the fits so far.
    keeps
        Whether a stop now would keep something that was evaluated.
    """

    candidate: str
    number: int
    candidates: int
    step: Step
    done: int
    planned: int
    best: Leader | None
    seconds_left: float
    keeps: bool


class Meter:
    """Runs the fits of a search, counts them, and tells of each.

    Parameters
    ----------
    runner
        Runner of the fits.
    watch
        Function that is called after each fit.
    stop
        Event that ends the search with what was evaluated.
    budget
        Seconds after which it ends in the same way; None for no limit.

    Attributes
    ----------
    best
        Best candidate so far; None before the first is complete.
    """

    def __init__(
        self, runner: Runner, *, watch: Callable[[State], None], stop: Event, budget: float | None = None
    ) -> None:
        self.best: Leader | None = None
        self._runner = runner
        self._watch = watch
        self._stop = stop
        self._budget = budget
        self._planned = self._done = 0
        self._started = time.monotonic()
        self._candidate, self._number, self._candidates = "", 0, 0

    @property
    def stopped(self) -> bool:
        """Whether the search is to end."""
        return self._stop.is_set() or self.out_of_budget

    @property
    def out_of_budget(self) -> bool:
        """Whether the budget is used up."""
        return self._budget is not None and time.monotonic() - self._started > self._budget

    def plan(self, fits: int) -> None:
        """Start the clock before so many fits."""
        self._planned, self._started = fits, time.monotonic()

    def skip(self, fits: int) -> None:
        """So many of the planned fits are not needed."""
        self._planned -= fits

    def begin(self, candidate: str, *, number: int, candidates: int) -> None:
        """Name the candidate that the next fits are of."""
        self._candidate, self._number, self._candidates = candidate, number, candidates

    def run(
        self,
        folds: Folds,
        fits: Sequence[Fit],
        step: Callable[[int], Step],
        *,
        keeps: Callable[[], bool],
        stoppable: bool,
    ) -> Generator[tuple[Fit, Outcome]]:
        """Run fits, up to the stop where that is allowed.

        Parameters
        ----------
        step
            Function that gives the step for the number of these fits that are done.
        keeps
            Function that says whether a stop now would keep something of this candidate.
        stoppable
            Whether a stop ends these fits before all are done.
        """
        with closing(self._runner.run(folds, fits)) as outcomes:
            for number, (fit, outcome) in enumerate(outcomes, start=1):
                self._done += 1
                self._watch(self._state(step(number), keeps=self.best is not None or keeps()))
                yield fit, outcome
                if stoppable and self.stopped:
                    return

    def _state(self, step: Step, *, keeps: bool) -> State:
        spent = time.monotonic() - self._started
        return State(
            candidate=self._candidate,
            number=self._number,
            candidates=self._candidates,
            step=step,
            done=self._done,
            planned=self._planned,
            best=self.best,
            seconds_left=max(self._planned - self._done, 0) * spent / self._done,
            keeps=keeps,
        )
