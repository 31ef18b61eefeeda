"""Chooses among candidates, each with its best parameters, by scores that no choice of parameters has seen.

For each outer fold, parameters are chosen by an inner cross-validation of that fold's training rows alone, and the
candidate is measured on the fold's test rows with them: the score of the whole way of choosing. The parameters that
the published model gets are chosen by one more inner cross-validation, of all training rows.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skylift.manifest import LeaderboardEntry, Spread
from training.config.search_space import Params
from training.metrics.registry import METRICS, selectable
from training.metrics.scores import fold_summary
from training.search.candidates import Built
from training.search.fitting import SURE_ROWS, Fit, Folds, Outcome
from training.search.meter import Leader, Meter, Step
from training.search.report import SearchReport, Trial

STOPPED = "the search was stopped before it was evaluated"

_LEAST_ROWS = 30
_MAX_REPORTED = 200


@dataclass(frozen=True, slots=True)
class Result:
    """A candidate after its search.

    Parameters
    ----------
    built
        Candidate with its estimator.
    entry
        Leaderboard entry of the candidate.
    params
        Parameters that were chosen on all training rows.
    rank
        Value to order candidates by, greater is better; minus infinity where the candidate failed.
    report
        Trials of the search; None where nothing was searched for.
    warned
        Warnings of its fits.
    """

    built: Built
    entry: LeaderboardEntry
    params: Params
    rank: float
    report: SearchReport | None = None
    warned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Round:
    """Trials that are tried on some rows; None for all of them."""

    trials: int
    rows: int | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is tried of a candidate: one set of parameters and no round where nothing is searched for."""

    built: Built
    trials: list[Params]
    rounds: list[_Round]


@dataclass(slots=True)
class _Standings:
    """What one inner cross-validation knows of its trials: the last round and the score in each fold, by trial."""

    metric: str
    round: dict[int, int] = field(default_factory=dict)
    scores: dict[int, list[float]] = field(default_factory=dict)

    def order(self) -> list[int]:
        """Trials that were tried, the best first: those of later rounds, then by their mean."""
        sign = METRICS[self.metric].sign
        return sorted(self.scores, key=lambda trial: (-self.round[trial], -sign * self.mean(trial), trial))

    def mean(self, trial: int) -> float:
        return float(np.mean(self.scores[trial]))


def search_candidates(
    folds: Folds, candidates: Sequence[Built], meter: Meter, *, select_by: str, announce: Callable[[str], None]
) -> list[Result]:
    """Evaluate candidates, in their order.

    Parameters
    ----------
    folds
        Training rows with their folds; with inner ones where a candidate searches.
    candidates
        Candidates with their estimators.
    meter
        Meter that runs the fits, and stops them.
    select_by
        Name of the metric that candidates and parameters are compared by.
    announce
        Function that is called with a phrase before each candidate.
    """
    plans = [_plan(folds, built) for built in candidates]
    meter.plan(sum(_count_fits(folds, plan) for plan in plans))
    results: list[Result] = []
    for number, plan in enumerate(plans, start=1):
        if meter.stopped and meter.best is not None:
            results.append(_failed(plan, STOPPED))
            continue
        name = plan.built.candidate.name
        meter.begin(name, number=number, candidates=len(plans))
        announce(f"candidate {number} of {len(plans)}: {name}")
        result = _evaluate(folds, plan, meter, select_by)
        if result.rank > max((other.rank for other in results), default=-math.inf):
            meter.best = Leader(select_by, result.entry.scores[select_by].mean, name)
        results.append(result)
    return results


def _plan(folds: Folds, built: Built) -> _Plan:
    search = built.candidate.search
    if search is None:
        return _Plan(built, [{}], [])
    trials = search.trials(folds.seed)
    rows = min(len(train) for inner in folds.inner for train, _ in inner)
    least = max(_LEAST_ROWS, SURE_ROWS * len(folds.contract.target.classes))
    *early, (count, _) = search.rounds(len(trials), rows, least)
    return _Plan(built, trials, [*(_Round(*planned) for planned in early), _Round(count, None)])


def _count_fits(folds: Folds, plan: _Plan) -> int:
    return len(folds.outer) + sum(planned.trials for planned in plan.rounds) * _count_inner(folds)


def _count_inner(folds: Folds) -> int:
    """Number of fits that one trial takes."""
    return sum(len(inner) for inner in folds.inner)


def _evaluate(folds: Folds, plan: _Plan, meter: Meter, select_by: str) -> Result:
    standings, failure = _search(folds, plan, meter, select_by)
    if not all(inner.scores for inner in standings):
        return _failed(plan, failure or STOPPED)
    outcomes = _cross_validate(folds, plan, meter, standings)
    if failures := [outcome.failure for outcome in outcomes if outcome.failure is not None]:
        return _failed(plan, failures[0])
    if len(outcomes) < len(folds.outer):
        return _failed(plan, STOPPED)
    scores = {
        metric.name: fold_summary([outcome.scores.get(metric.name, math.nan) for outcome in outcomes])
        for metric in selectable(folds.contract.task)
    }
    rank = _rank(select_by, scores[select_by].mean)
    params = _chosen(plan, standings[-1]) if standings else {}
    return Result(
        plan.built,
        _entry(plan, params, scores),
        params,
        rank if math.isfinite(rank) else -math.inf,
        _report(folds, plan, standings[-1]) if standings else None,
        tuple(dict.fromkeys(text for outcome in outcomes for text in outcome.warned)),
    )


def _search(folds: Folds, plan: _Plan, meter: Meter, select_by: str) -> tuple[list[_Standings], str | None]:
    """Try parameters in each inner cross-validation; with the first failure, if any."""
    standings = [_Standings(select_by) for _ in folds.inner] if plan.rounds else []
    failure: str | None = None
    for number in range(len(plan.rounds)):
        if meter.stopped and number:
            break
        failed = _try_round(folds, plan, meter, standings, number)
        failure = failure or failed
    return standings, failure


def _try_round(folds: Folds, plan: _Plan, meter: Meter, standings: list[_Standings], number: int) -> str | None:
    """Try the best so far in each inner cross-validation; a trial counts once every fold has measured it."""
    count, rows = plan.rounds[number].trials, plan.rounds[number].rows
    entrants = [inner.order()[:count] or list(range(count)) for inner in standings]
    estimators = {trial: plan.built.with_params(plan.trials[trial]) for trials in entrants for trial in trials}
    fits = [
        Fit(estimators[trials[place]], fold, inner, trials[place], rows)
        for place in range(count)  # trial by trial, so that a stop finds the same number in every inner one
        for inner, trials in enumerate(entrants)
        if place < len(trials)
        for fold in range(len(folds.inner[inner]))
    ]
    per_trial = _count_inner(folds)
    measured: dict[tuple[int | None, int], dict[int, float]] = {}
    failure: str | None = None
    for fit, outcome in meter.run(
        folds,
        fits,
        lambda done: Step("trial", min(done // per_trial + 1, count), count),
        keeps=lambda: all(inner.scores for inner in standings),
        stoppable=True,
    ):
        failure = failure or outcome.failure
        inner = standings[fit.inner or 0]
        scores = measured.setdefault((fit.inner, fit.trial), {})
        scores[fit.fold] = _rounded(outcome.scores.get(inner.metric, math.nan))
        if len(scores) == len(folds.inner[fit.inner or 0]) and all(map(math.isfinite, scores.values())):
            inner.round[fit.trial] = number
            inner.scores[fit.trial] = [scores[fold] for fold in sorted(scores)]
    return failure


def _cross_validate(folds: Folds, plan: _Plan, meter: Meter, standings: list[_Standings]) -> list[Outcome]:
    """Measure the candidate in each outer fold with the parameters chosen for it, up to the first failure."""
    count = len(folds.outer)
    chosen = [_chosen(plan, inner) for inner in standings] or [{}] * count
    fits = [Fit(plan.built.with_params(chosen[fold]), fold) for fold in range(count)]
    outcomes: dict[int, Outcome] = {}
    for fit, outcome in meter.run(
        folds,
        fits,
        lambda done: Step("fold", done, count),
        keeps=lambda: bool(standings),
        stoppable=not standings and meter.best is not None,  # there is something else to keep
    ):
        outcomes[fit.fold] = outcome
        if outcome.failure is not None:
            break
    return [outcomes[fold] for fold in sorted(outcomes)]


def _chosen(plan: _Plan, standings: _Standings) -> Params:
    return plan.trials[standings.order()[0]]


def _report(folds: Folds, plan: _Plan, standings: _Standings) -> SearchReport:
    search = plan.built.candidate.search
    assert search is not None, "only a search has standings"  # noqa: S101 (for the type checker)
    trials = tuple(
        Trial(
            params={name: plain(value) for name, value in plan.trials[trial].items()},
            mean=_rounded(standings.mean(trial)),
            std=float(np.std(standings.scores[trial])),
            rows=plan.rounds[standings.round[trial]].rows or len(folds.rows),
        )
        for trial in standings.order()[:_MAX_REPORTED]
    )
    return SearchReport(
        candidate=plan.built.candidate.name,
        strategy=search.strategy,
        planned=len(plan.trials),
        tried=len(standings.scores),
        trials=trials,
    )


def _failed(plan: _Plan, reason: str) -> Result:
    return Result(plan.built, _entry(plan, {}, {}, failure=reason), {}, -math.inf)


def _rounded(value: float) -> float:
    """A score as far as it may decide: equals may differ in the last digit, and no choice hangs on that."""
    return round(value, 12)


def _rank(metric: str, value: float) -> float:
    """A score as something of which more is better."""
    return METRICS[metric].sign * _rounded(value)


def _entry(plan: _Plan, chosen: Params, scores: dict[str, Spread], failure: str | None = None) -> LeaderboardEntry:
    candidate = plan.built.candidate
    return LeaderboardEntry(
        candidate=candidate.name,
        estimator=candidate.estimator,
        params={name: plain(value) for name, value in (candidate.params | chosen).items()},
        scores=scores,
        failure=failure,
    )


def plain(value: Any) -> Any:
    """A parameter as the leaderboard shows it: what is not a scalar or a list of them, as text."""
    scalars = value if isinstance(value, list) else [value]
    return value if all(item is None or isinstance(item, bool | int | float | str) for item in scalars) else str(value)
