"""Rollouts that never happened: how soon a bad challenger is stopped, and how often a good one.

Requests arrive by chance (Poisson), go to the challenger by its share, and fail by the rates of the two sides. The
judge's own criteria look at the counts every minute, for all rollouts at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skylift.documents import Document
from skylift.experiment import evidence
from skylift.experiment.criteria import MEDIAN, P95, Criteria, reached
from skylift.experiment.evidence import Numbers, Truths

type Counts = NDArray[np.int64]
type Mode = Literal["canary", "shadow"]

ERROR_RATES = (0.01, 0.05, 0.5)
"""Error rates of the challengers that `skylift simulate` lets fail."""

_CHUNK = 16
"""Minutes that are drawn at once."""

_FIELDS = 7


@dataclass(frozen=True, slots=True)
class Rollout:
    """A rollout to simulate.

    Parameters
    ----------
    requests_per_minute
        Mean number of requests of a minute.
    error_rate
        Share of the requests that the champion fails.
    percent
        Share of the requests, in per cent, that the challenger answers, or scores in the shadow.
    challenger_error_rate
        Share of the requests that the challenger fails.
    mode
        Whether the challenger answers, or scores what the champion answers: then there are pairs.
    over_median, over_p95
        Share of the pairs in which the challenger takes longer by more than the budget of the median, and of the 95th
        percentile.
    other_labels
        Share of the pairs in which its label is another.
    """

    requests_per_minute: float
    error_rate: float
    percent: float
    challenger_error_rate: float
    mode: Mode = "canary"
    over_median: float = 0.1
    over_p95: float = 0.005
    other_labels: float = 0.01


class Case(Document):
    """What became of the rollouts of a challenger.

    Parameters
    ----------
    challenger_error_rate
        Share of the requests that it fails.
    stopped_share, promoted_share, inconclusive_share
        Shares of the rollouts.
    median_minutes_to_stop
        Half of those that were stopped were stopped so soon, or sooner; None if none was.
    """

    challenger_error_rate: float
    stopped_share: float
    median_minutes_to_stop: float | None
    promoted_share: float
    inconclusive_share: float


class Simulation(Document):
    """Rollouts of several challengers.

    Parameters
    ----------
    runs
        Number of rollouts of each.
    alpha
        Probability of stopping a good one that the judge promises.
    """

    runs: int
    alpha: float
    cases: tuple[Case, ...]


def simulate(
    requests_per_minute: float, error_rate: float, percent: float, *, runs: int, criteria: Criteria | None = None
) -> Simulation:
    """Simulate a challenger that fails as often as the champion, and those of `ERROR_RATES`."""
    limits = criteria or Criteria()
    rates = dict.fromkeys((error_rate, *ERROR_RATES))
    rollouts = [Rollout(requests_per_minute, error_rate, percent, rate) for rate in rates]
    return Simulation(
        runs=runs, alpha=limits.alpha, cases=tuple(run(rollout, runs=runs, criteria=limits) for rollout in rollouts)
    )


def run(rollout: Rollout, *, runs: int, criteria: Criteria | None = None, seed: int = 0) -> Case:
    """Simulate one challenger.

    Parameters
    ----------
    runs
        Number of rollouts.
    seed
        Seed of all draws.
    """
    limits = criteria or Criteria()
    random = np.random.default_rng(seed)
    stopped: list[Numbers] = []
    promoted, undecided = 0, runs
    totals: Counts = np.zeros((_FIELDS, runs), np.int64)
    last = round(limits.max_minutes)
    for begin in range(0, last, _CHUNK):
        minutes = min(_CHUNK, last - begin)
        counts = totals[:, :, None] + np.cumsum(_draw(random, rollout, (undecided, minutes)), axis=2)
        broken, held = _looks(counts, rollout, limits)
        first_broken, first_held = (np.where(looks.any(1), looks.T.argmax(0), minutes) for looks in (broken, held))
        rejected = (first_broken < minutes) & (first_broken <= first_held)
        kept = (first_held < minutes) & ~rejected
        stopped.append(begin + 1.0 + first_broken[rejected])
        promoted += int(kept.sum())
        totals = counts[:, ~(rejected | kept), -1]
        undecided = totals.shape[1]
        if not undecided:
            break
    times = np.concatenate(stopped)
    return Case(
        challenger_error_rate=rollout.challenger_error_rate,
        stopped_share=len(times) / runs,
        median_minutes_to_stop=float(np.median(times)) if len(times) else None,
        promoted_share=promoted / runs,
        inconclusive_share=undecided / runs,
    )


def _draw(random: np.random.Generator, rollout: Rollout, shape: tuple[int, int]) -> Counts:
    """Counts `[field, rollout, minute]` of each minute: `requests` and `errors` of both sides, then of pairs.

    Requests of each kind arrive by a Poisson process of their own, which is the same as drawing the kind of each.
    """
    share = rollout.percent / 100
    ours = rollout.requests_per_minute * share
    none = np.zeros(shape, np.int64)
    if rollout.mode == "canary":
        theirs = rollout.requests_per_minute - ours
        errors = random.poisson(ours * rollout.challenger_error_rate, shape)
        champion_errors = random.poisson(theirs * rollout.error_rate, shape)
        requests = errors + random.poisson(ours * (1 - rollout.challenger_error_rate), shape)
        champion_requests = champion_errors + random.poisson(theirs * (1 - rollout.error_rate), shape)
        return np.stack([requests, champion_requests, errors, champion_errors, none, none, none])
    champion_errors = random.poisson(ours * rollout.error_rate, shape)  # there is no pair
    paired = ours * (1 - rollout.error_rate)
    errors = random.poisson(paired * rollout.challenger_error_rate, shape)
    scored = paired * (1 - rollout.challenger_error_rate)
    far_over = random.poisson(scored * rollout.over_p95, shape)
    over = far_over + random.poisson(scored * (rollout.over_median - rollout.over_p95), shape)
    pairs = over + random.poisson(scored * (1 - rollout.over_median), shape)
    other = random.binomial(pairs, rollout.other_labels)
    requests = champion_errors + errors + pairs
    return np.stack([requests, requests, errors, champion_errors, over, far_over, other])


def _looks(counts: Counts, rollout: Rollout, criteria: Criteria) -> tuple[Truths, Truths]:
    """Whether the judge rejects, and whether it promotes, `[rollout, minute]`."""
    requests, champion_requests, errors, champion_errors, over_median, over_p95, other = counts
    share = rollout.percent / 100 if rollout.mode == "canary" else 0.5

    def errors_break(ours: Counts, theirs: Counts) -> Truths:
        return reached(evidence.log_excess(ours, theirs, share), criteria.errors_at)

    def errors_held(ours: Counts, of: Counts, theirs: Counts, of_theirs: Counts) -> Truths:
        return criteria.errors_held((ours, of), (theirs, of_theirs))

    broken = _where(errors > 0, errors_break, errors, champion_errors)
    held = _where(
        (requests >= criteria.min_requests) & ~broken, errors_held, errors, requests, champion_errors, champion_requests
    )
    if rollout.mode == "shadow":
        scored = requests - champion_errors - errors
        for over, quantile in ((over_median, MEDIAN), (over_p95, P95)):
            found = evidence.log_excess(over, scored - over, 1 - quantile)
            broken |= reached(found, criteria.latency_at)
            held &= criteria.share_held(over, scored, 1 - quantile)
        if criteria.max_disagreement is not None:
            found = evidence.log_excess(other, scored - other, criteria.max_disagreement)
            broken |= reached(found, criteria.answers_at)
            held &= criteria.share_held(other, scored, criteria.max_disagreement)
    return broken, held


def _where(places: Truths, question: Callable[..., Truths], *counts: Counts) -> Truths:
    """Ask where the answer may be yes; no elsewhere."""
    answers: Truths = np.zeros(places.shape, bool)
    answers[places] = question(*(each[places] for each in counts))
    return answers
