"""Chooses among candidates, each with its best parameters, by scores that no choice of parameters has seen.

For each outer fold, parameters are chosen by an inner cross-validation of that fold's training rows alone, and the
candidate is measured on the fold's test rows with them: the score of the whole way of choosing. The parameters that
the published model gets are chosen by one more inner cross-validation, of all training rows.
"""

import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np

from skylift.manifest import LeaderboardEntry, Spread
from training.config.search_space import Params
from training.metrics.registry import METRICS, selectable
from training.metrics.scores import fold_summary
from training.search.candidates import Built
from training.search.fitting import SURE_ROWS, Fit, Folds, Outcome, Runner
from training.search.report import SearchReport, Trial

STOPPED = "the search was stopped before it was evaluated"

_LEAST_ROWS = 30
_MAX_REPORTED = 200


@dataclass(frozen=True, slots=True)
class State:
    """Where a search is.

    Parameters
    ----------
    candidate, number, candidates
        The one in work, and its place among all.
    step
        What is done with it: `fold 3 of 5`, or `trial 12 of 60`.
    done, planned
        Fits of all candidates.
    best
        The best cross-validated score so far and whose it is; empty before the first.
    seconds_left
        By the mean of the fits so far.
    keeps
        Whether a stop now would keep something that was evaluated.
    """

    candidate: str
    number: int
    candidates: int
    step: str
    done: int
    planned: int
    best: str
    seconds_left: float
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """A candidate after its search.

    Parameters
    ----------
    entry
        For the leaderboard.
    params
        Found on all training rows.
    rank
        Greater is better; minus infinity where it failed.
    report
        None where nothing was searched for.
    warned
        What its fits warned of.
    """

    built: Built
    entry: LeaderboardEntry
    params: Params
    rank: float
    report: SearchReport | None = None
    warned: tuple[str, ...] = ()


@dataclass(slots=True)
class _Standings:
    """What one scope knows of its trials: mean and spread over the inner folds, by trial."""

    round: dict[int, int] = field(default_factory=dict)
    scores: dict[int, list[float]] = field(default_factory=dict)

    def order(self) -> list[int]:
        """Trials that were tried, the best first: those of later rounds, then by their mean."""
        return sorted(self.scores, key=lambda trial: (-self.round[trial], -self.mean(trial), trial))

    def mean(self, trial: int) -> float:
        return float(np.mean(self.scores[trial]))


class Search:
    """A search over candidates that can be watched and stopped.

    Parameters
    ----------
    folds
        See `cut_folds`; with inner ones where a candidate searches.
    runner
        What fits.
    select_by
        The metric.
    watch
        Told after each fit.
    stop
        When it is set, the search ends with what was evaluated.
    """

    def __init__(
        self,
        folds: Folds,
        runner: Runner,
        *,
        select_by: str,
        watch: Callable[[State], None],
        stop: Event,
    ) -> None:
        self._folds = folds
        self._runner = runner
        self._select_by = select_by
        self._watch = watch
        self._stop = stop
        self._done = 0
        self._planned = 0
        self._started = time.monotonic()
        self._best = (-math.inf, "")
        self._now = ("", 0, 0)
        self._scopes: list[_Standings] = []

    def run(self, candidates: Sequence[Built], *, begin: Callable[[str], None]) -> list[Result]:
        """Evaluate the candidates, in their order.

        Parameters
        ----------
        begin
            Told of each before it begins.
        """
        plans = [self._plan(built) for built in candidates]
        self._planned = sum(
            len(self._folds.outer) + sum(count * self._inner_cuts for count, _ in rounds) for _, rounds in plans
        )
        self._started = time.monotonic()
        results: list[Result] = []
        for number, (built, (trials, rounds)) in enumerate(zip(candidates, plans, strict=True), start=1):
            if self._stop.is_set() and any(math.isfinite(result.rank) for result in results):
                results.append(self._failed(built, STOPPED))
                continue
            self._now = (built.candidate.name, number, len(candidates))
            begin(f"candidate {number} of {len(candidates)}: {built.candidate.name}")
            result = self._evaluate(built, trials, rounds)
            results.append(result)
            if result.rank > self._best[0]:
                mean = result.entry.scores[self._select_by].mean
                self._best = (result.rank, f"{self._select_by} {mean:.4f} ({built.candidate.name})")
        return results

    @property
    def _inner_cuts(self) -> int:
        return sum(len(cuts) for cuts in self._folds.inner)

    def _plan(self, built: Built) -> tuple[list[Params], list[tuple[int, int]]]:
        search = built.candidate.search
        if search is None:
            return [{}], []
        trials = search.trials(self._folds.seed)
        rows = min(len(train) for cuts in self._folds.inner for train, _ in cuts)
        least = max(_LEAST_ROWS, SURE_ROWS * len(self._folds.contract.target.classes))
        return trials, search.rounds(len(trials), rows, least)

    def _evaluate(self, built: Built, trials: list[Params], rounds: list[tuple[int, int]]) -> Result:
        scopes = self._scopes = [_Standings() for _ in self._folds.inner] if rounds else []
        failures: list[str] = []
        for number, (count, rows) in enumerate(rounds):
            if self._stop.is_set() and number:
                break
            everything = number == len(rounds) - 1
            self._round(built, trials, scopes, number, count, None if everything else rows, failures)
        if scopes and not all(scope.scores for scope in scopes):
            return self._failed(built, failures[0] if failures else STOPPED)
        chosen = [trials[scope.order()[0]] for scope in scopes] or [{}] * len(self._folds.outer)
        outcomes: dict[int, Outcome] = {}
        fits = [Fit(built.with_params(chosen[cut]), cut) for cut in range(len(self._folds.outer))]
        droppable = not rounds and bool(self._best[1])
        for fit, outcome in self._watched(fits, lambda done: f"fold {done} of {len(fits)}", stoppable=droppable):
            if outcome.failure is not None:
                return self._failed(built, outcome.failure)
            outcomes[fit.cut] = outcome
        if len(outcomes) < len(fits):
            return self._failed(built, STOPPED)
        return self._result(built, trials, scopes, [outcomes[cut] for cut in range(len(fits))])

    def _round(
        self,
        built: Built,
        trials: list[Params],
        scopes: list[_Standings],
        number: int,
        count: int,
        rows: int | None,
        failures: list[str],
    ) -> None:
        """Try the best so far in each scope; a trial counts once every inner fold has measured it."""
        entrants = [scope.order()[:count] or list(range(count)) for scope in scopes]
        estimators = {trial: built.with_params(trials[trial]) for trial in {trial for of in entrants for trial in of}}
        fits = [
            Fit(estimators[of_scope[place]], cut, scope, of_scope[place], rows)
            for place in range(count)  # trial by trial, so that a stop finds the same number in every scope
            for scope, of_scope in enumerate(entrants)
            if place < len(of_scope)
            for cut in range(len(self._folds.inner[scope]))
        ]
        found: dict[tuple[int, int], dict[int, float]] = {}
        per_trial = self._inner_cuts
        for fit, outcome in self._watched(
            fits, lambda done: f"trial {min(done // per_trial + 1, count)} of {count}", stoppable=True
        ):
            if outcome.failure is not None:
                failures.append(outcome.failure)
            scope = fit.scope or 0
            measured = found.setdefault((scope, fit.trial), {})
            measured[fit.cut] = _rank(self._select_by, outcome.scores.get(self._select_by, math.nan))
            if len(measured) == len(self._folds.inner[scope]) and all(map(math.isfinite, measured.values())):
                scopes[scope].round[fit.trial] = number
                scopes[scope].scores[fit.trial] = [measured[cut] for cut in sorted(measured)]

    def _watched(
        self, fits: list[Fit], step: Callable[[int], str], *, stoppable: bool = False
    ) -> Generator[tuple[Fit, Outcome]]:
        """Run fits and tell of each; where that is allowed, up to the stop only."""
        name, number, candidates = self._now
        with closing(self._runner.run(self._folds, fits)) as outcomes:
            for done, (fit, outcome) in enumerate(outcomes, start=1):
                self._done += 1
                spent = time.monotonic() - self._started
                left = max(self._planned - self._done, 0) * spent / self._done
                keeps = bool(self._best[1]) or (bool(self._scopes) and all(scope.scores for scope in self._scopes))
                self._watch(
                    State(name, number, candidates, step(done), self._done, self._planned, self._best[1], left, keeps)
                )
                yield fit, outcome
                if stoppable and self._stop.is_set():
                    return

    def _result(self, built: Built, trials: list[Params], scopes: list[_Standings], outcomes: list[Outcome]) -> Result:
        scores: dict[str, Spread] = {
            metric.name: fold_summary([outcome.scores.get(metric.name, math.nan) for outcome in outcomes])
            for metric in selectable(self._folds.contract.task)
        }
        rank = _rank(self._select_by, scores[self._select_by].mean)
        params = trials[scopes[-1].order()[0]] if scopes else {}
        return Result(
            built,
            _entry(built, params, scores),
            params,
            rank if math.isfinite(rank) else -math.inf,
            self._report(built, trials, scopes[-1]) if scopes else None,
            tuple(dict.fromkeys(text for outcome in outcomes for text in outcome.warned)),
        )

    def _report(self, built: Built, trials: list[Params], found: _Standings) -> SearchReport:
        search = built.candidate.search
        assert search is not None, "only a search has standings"  # noqa: S101 (for the type checker)
        _, rounds = self._plan(built)
        every = len(self._folds.rows)
        reported = tuple(
            Trial(
                params={name: plain(value) for name, value in trials[trial].items()},
                mean=_rank(self._select_by, found.mean(trial)),
                std=float(np.std(found.scores[trial])),
                rows=every if found.round[trial] == len(rounds) - 1 else rounds[found.round[trial]][1],
            )
            for trial in found.order()[:_MAX_REPORTED]
        )
        return SearchReport(
            candidate=built.candidate.name,
            strategy=search.strategy,
            planned=len(trials),
            tried=len(found.scores),
            trials=reported,
        )

    def _failed(self, built: Built, reason: str) -> Result:
        return Result(built, _entry(built, {}, {}, failure=reason), {}, -math.inf)


def _rank(metric: str, value: float) -> float:
    """A metric's value as something of which more is better, and back."""
    return METRICS[metric].sign * round(value, 12)  # equals may differ in the last digit: no choice hangs on that


def _entry(built: Built, found: Params, scores: dict[str, Spread], failure: str | None = None) -> LeaderboardEntry:
    candidate = built.candidate
    return LeaderboardEntry(
        candidate=candidate.name,
        estimator=candidate.estimator,
        params={name: plain(value) for name, value in (candidate.params | found).items()},
        scores=scores,
        failure=failure,
    )


def plain(value: Any) -> Any:
    """A parameter as the leaderboard shows it: what is not a scalar or a list of them, as text."""
    scalars = value if isinstance(value, list) else [value]
    return value if all(item is None or isinstance(item, bool | int | float | str) for item in scalars) else str(value)
