"""Chooses among candidates, each with its best parameters, by scores that no choice of parameters has seen.

For each outer fold, parameters are chosen by an inner cross-validation of that fold's training rows alone, and the
candidate is measured on the fold's test rows with them: the score of the whole way of choosing. The parameters that
the published model gets are chosen by one more inner cross-validation, of all training rows.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from skylift.metrics import LeaderboardEntry, Spread
from training.config.candidates import in_words
from training.config.search_space import Params
from training.metrics.registry import METRICS, selectable
from training.metrics.scores import fold_summary
from training.search.candidates import Built
from training.search.fitting import Fit, Folds, Outcome
from training.search.meter import Leader, Meter, Step
from training.search.out_of_fold import OutOfFold
from training.search.plan import Plan, Standings, count_fits, count_inner, plan_of
from training.search.race import cannot_win, heats
from training.search.report import SearchReport, Trial

STOPPED = "the search was stopped before it was evaluated"
OUT_OF_BUDGET = "the budget ended before it was evaluated"

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
    out_of_fold
        Scores of the rows of all outer folds; None where the candidate failed or was dropped.
    """

    built: Built
    entry: LeaderboardEntry
    params: Params
    rank: float
    report: SearchReport | None = None
    warned: tuple[str, ...] = ()
    out_of_fold: OutOfFold | None = None


def search_candidates(
    folds: Folds,
    candidates: Sequence[Built],
    meter: Meter,
    *,
    select_by: str,
    announce: Callable[[str], None],
    race: bool = False,
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
    race
        Whether a candidate without a search of its own is dropped once it cannot win.
    """
    plans = [plan_of(folds, built) for built in candidates]
    meter.plan(sum(count_fits(folds, plan) for plan in plans))
    results: list[Result] = []
    for number, plan in enumerate(plans, start=1):
        if meter.stopped and meter.best is not None:
            results.append(_failed(plan, _why_stopped(meter)))
            continue
        name = plan.built.candidate.name
        meter.begin(name, number=number, candidates=len(plans))
        announce(f"candidate {number} of {len(plans)}: {name}")
        best = max(results, key=lambda other: other.rank, default=None)
        rival = best.entry if race and best is not None and math.isfinite(best.rank) else None
        result = _evaluate(folds, plan, meter, select_by, rival)
        if result.rank > (best.rank if best else -math.inf):
            meter.best = Leader(select_by, result.entry.scores[select_by].mean, name)
        results.append(result)
    return results


def _evaluate(folds: Folds, plan: Plan, meter: Meter, select_by: str, rival: LeaderboardEntry | None) -> Result:
    standings, failure = _search(folds, plan, meter, select_by)
    if not all(inner.scores for inner in standings):
        return _failed(plan, failure or _why_stopped(meter))
    rival = None if standings else rival
    outcomes = _cross_validate(folds, plan, meter, standings, select_by, rival)
    if failures := [outcome.failure for outcome in outcomes.values() if outcome.failure is not None]:
        return _failed(plan, failures[0])
    left = len(folds.outer) - len(outcomes)
    lost = bool(left) and rival is not None and _has_lost(folds, outcomes, select_by, rival)
    if left and not lost:
        return _failed(plan, _why_stopped(meter))
    measured = [outcomes[fold] for fold in sorted(outcomes)]
    scores = {
        metric.name: fold_summary([outcome.scores.get(metric.name, math.nan) for outcome in measured])
        for metric in selectable(folds.contract.task)
    }
    warned = tuple(dict.fromkeys(text for outcome in measured for text in outcome.warned))
    params = _chosen(plan, standings[-1]) if standings else {}
    if lost and rival is not None:
        meter.skip(left)
        dropped = f"after {len(outcomes)} of {len(folds.outer)} folds it cannot beat {rival.candidate}"
        return Result(plan.built, _entry(plan, params, scores, dropped=dropped), params, -math.inf, warned=warned)
    return Result(
        plan.built,
        _entry(plan, params, scores),
        params,
        rank_of(select_by, scores[select_by].mean),
        _report(folds, plan, standings[-1]) if standings else None,
        warned,
        _out_of_fold(folds, measured),
    )


def _out_of_fold(folds: Folds, measured: list[Outcome]) -> OutOfFold:
    answers = [outcome.answers for outcome in measured if outcome.answers is not None]
    return OutOfFold.joined([(test, part) for (_, test), part in zip(folds.outer, answers, strict=True)])


def _why_stopped(meter: Meter) -> str:
    return OUT_OF_BUDGET if meter.out_of_budget else STOPPED


def _search(folds: Folds, plan: Plan, meter: Meter, select_by: str) -> tuple[list[Standings], str | None]:
    """Try parameters in each inner cross-validation; with the first failure, if any."""
    standings = [Standings(select_by) for _ in folds.inner] if plan.rounds else []
    failure: str | None = None
    for number in range(len(plan.rounds)):
        if meter.stopped and number:
            break
        failed = _try_round(folds, plan, meter, standings, number)
        failure = failure or failed
    return standings, failure


def _try_round(folds: Folds, plan: Plan, meter: Meter, standings: list[Standings], number: int) -> str | None:
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
    per_trial = count_inner(folds)
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


def _cross_validate(
    folds: Folds,
    plan: Plan,
    meter: Meter,
    standings: list[Standings],
    select_by: str,
    rival: LeaderboardEntry | None,
) -> dict[int, Outcome]:
    """Measure the candidate in the outer folds, with the parameters chosen for each, until it fails or has lost."""
    count = len(folds.outer)
    chosen = [_chosen(plan, inner) for inner in standings] or [{}] * count
    outcomes: dict[int, Outcome] = {}
    for heat in heats(count) if rival else [range(count)]:
        step = partial(_fold_step, before=len(outcomes), count=count)
        for fit, outcome in meter.run(
            folds,
            [Fit(plan.built.with_params(chosen[fold]), fold) for fold in heat],
            step,
            keeps=lambda: bool(standings),
            stoppable=not standings and meter.best is not None,  # there is something else to keep
        ):
            outcomes[fit.fold] = outcome
            if outcome.failure is not None:
                return outcomes
        if len(outcomes) < len(heat) or (rival and _has_lost(folds, outcomes, select_by, rival)):
            break
    return outcomes


def _fold_step(done: int, *, before: int, count: int) -> Step:
    return Step("fold", before + done, count)


def _has_lost(folds: Folds, outcomes: dict[int, Outcome], select_by: str, rival: LeaderboardEntry) -> bool:
    """Whether the first heat says that the candidate cannot beat its rival."""
    first = heats(len(folds.outer))[0]
    if not all(fold in outcomes for fold in first):
        return False
    measured = {fold: outcomes[fold].scores.get(select_by, math.nan) for fold in first}
    return cannot_win(select_by, rival.scores[select_by], measured)


def _chosen(plan: Plan, standings: Standings) -> Params:
    return plan.trials[standings.order()[0]]


def _report(folds: Folds, plan: Plan, standings: Standings) -> SearchReport:
    search = plan.built.candidate.search
    assert search is not None, "only a search has standings"  # noqa: S101 (for the type checker)
    trials = tuple(
        Trial(
            params={name: in_words(value) for name, value in plan.trials[trial].items()},
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


def _failed(plan: Plan, reason: str) -> Result:
    return Result(plan.built, _entry(plan, {}, {}, failure=reason), {}, -math.inf)


def _rounded(value: float) -> float:
    """A score as far as it may decide: equals may differ in the last digit, and no choice hangs on that."""
    return round(value, 12)


def rank_of(metric: str, value: float) -> float:
    """A mean of a metric over the folds as something of which more is better; see `Result.rank`."""
    return METRICS[metric].sign * _rounded(value) if math.isfinite(value) else -math.inf


def _entry(
    plan: Plan, chosen: Params, scores: dict[str, Spread], *, failure: str | None = None, dropped: str | None = None
) -> LeaderboardEntry:
    candidate = plan.built.candidate
    return LeaderboardEntry(
        candidate=candidate.name,
        estimator=candidate.estimator,
        params={name: in_words(value) for name, value in (candidate.params | chosen).items()},
        scores=scores,
        failure=failure,
        dropped=dropped,
    )
