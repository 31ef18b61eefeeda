"""The judge: what counts of an experiment say of its challenger. No clock, no AWS, no chance.

It may look as often as it likes: see `evidence` for why its errors stay as rare as `criteria` promises.

- Errors. Of the errors seen, the challenger's share should be its share of the traffic, p. Every error is a trial, and
  a success if it is the challenger's: the e-value is B(1 + e_c, 1 + e_s) / (p^e_c (1 - p)^e_s). No rate is assumed for
  either side, and it may change by the hour. Steps of a ramp multiply, and one with fewer errors than expected counts
  1 at most. Refusals are judged the same, by reason.
- Latency. A quantile q of the paired differences is above a budget if more than 1 - q of the pairs are: every pair is a
  trial, and a success if it is beyond the budget. The bounds of a quantile are the edges of the bins at which the share
  of the pairs below is certain (S. Howard and A. Ramdas, Sequential estimation of quantiles, Bernoulli 28, 2022).
- Answers. Every row that both scored is a trial, and a success if its label is another. With labels McNemar's test: of
  the rows that one side alone answers right, either side is as likely.

Requests count as independent. With a sticky key those of one caller are not: see docs/challengers.md.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np

from skylift.experiment import evidence
from skylift.experiment.counters import EDGES_MS, Counters, Interval
from skylift.experiment.criteria import MEDIAN, P95, Criteria, e_value, reached
from skylift.experiment.evidence import Numbers, Truths
from skylift.experiment.verdict import Finding, Outcome, State, Verdict

_EVEN = 0.5


def judge(intervals: Sequence[Interval], criteria: Criteria | None = None, *, alarms: Sequence[str] = ()) -> Verdict:
    """Judge an experiment.

    Parameters
    ----------
    intervals
        All that was counted since it began, in the order of time. The judge looks at the end of each.
    criteria
        Limits of the experiment; by default those of `Criteria`.
    alarms
        Names of the stack's alarms that are in ALARM. One that fires already would not notice a promotion.

    Returns
    -------
    Verdict
        Its outcome is None while the experiment has to go on.
    """
    limits = criteria or Criteria()
    minutes = [*accumulate(interval.minutes for interval in intervals)]
    total = sum((interval.counters for interval in intervals), Counters())
    judged = list(_judged(intervals, total, limits))
    findings = tuple(finding for finding, _ in judged)
    broken = np.logical_or.reduce([truths for _, truths in judged]) if intervals else np.zeros(0, bool)
    stopped = minutes[int(np.argmax(broken))] if broken.any() else None
    elapsed = minutes[-1] if minutes else 0.0
    outcome, reason = _outcome(findings, total, elapsed, limits, stopped=stopped is not None, alarms=alarms)
    return Verdict(
        outcome=outcome,
        reason=reason,
        minutes=elapsed,
        stopped_after=stopped,
        alpha=limits.alpha,
        beta=limits.beta,
        challenger_requests=total.challenger.requests,
        champion_requests=total.champion.requests,
        findings=findings,
    )


def _outcome(
    findings: Sequence[Finding],
    total: Counters,
    minutes: float,
    criteria: Criteria,
    *,
    stopped: bool,
    alarms: Sequence[str],
) -> tuple[Outcome | None, str]:
    """What to do, and why."""
    if stopped:
        names = [finding.name for finding in findings if finding.state == "broken"]
        return "reject", f"certainly worse: {', '.join(names)}"
    missing = []
    if total.challenger.requests < criteria.min_requests:
        missing.append(f"{total.challenger.requests:,} of {criteria.min_requests:,.0f} requests")
    missing += [f"{finding.name} not certain" for finding in findings if finding.state == "open"]
    missing += [f"in alarm: {name}" for name in alarms]
    if not missing:
        return "promote", "traffic enough, and every limit is kept for certain"
    waiting = "; ".join(missing)
    return ("inconclusive" if minutes >= criteria.max_minutes else None), waiting


def _judged(intervals: Sequence[Interval], total: Counters, criteria: Criteria) -> Iterator[tuple[Finding, Truths]]:
    """Each finding, and whether it rejects at each look."""
    yield _errors(intervals, total, criteria)
    yield from _refusals(intervals, criteria)
    if total.pairs.differences:
        yield _latency("median", MEDIAN, criteria.median_ms, intervals, total, criteria)
        yield _latency("95th percentile", P95, criteria.p95_ms, intervals, total, criteria)
    if total.pairs.rows:
        yield _other_labels(intervals, total, criteria)
    if total.pairs.challenger_right or total.pairs.champion_right:
        yield _labels(intervals, total, criteria)


def _errors(intervals: Sequence[Interval], total: Counters, criteria: Criteria) -> tuple[Finding, Truths]:
    counts = [(one.counters.challenger.errors, one.counters.champion.errors) for one in intervals]
    found = _over_steps(counts, intervals)
    broken = reached(found, criteria.errors_at)
    challenger, champion = ((arm.errors, arm.requests) for arm in (total.challenger, total.champion))
    low, high = criteria.error_increase(challenger, champion)
    finding = Finding(
        name="server errors",
        state=_state(broken, held=bool(criteria.errors_held(challenger, champion))),
        challenger=total.challenger.errors,
        champion=total.champion.errors,
        e_value=_last(found),
        rejects_at=criteria.errors_at,
        value=_rate(*challenger) - _rate(*champion),
        low=float(low),
        high=float(high),
        limit=criteria.max_error_increase,
    )
    return finding, broken


def _refusals(intervals: Sequence[Interval], criteria: Criteria) -> Iterator[tuple[Finding, Truths]]:
    """The reasons of refusals, the most evidence against the challenger first."""
    arms = [(one.counters.challenger.refusals, one.counters.champion.refusals) for one in intervals]
    reasons = sorted({reason for pair in arms for refusals in pair for reason in refusals})
    counts = {reason: [(ours.get(reason, 0), theirs.get(reason, 0)) for ours, theirs in arms] for reason in reasons}
    seen = sum((np.cumsum([sum(pair) for pair in each]) > 0 for each in counts.values()), np.zeros(len(arms), np.int64))
    thresholds = criteria.refusals_at(np.maximum(seen, 1))
    judged = []
    for reason, each in counts.items():
        found = _over_steps(each, intervals)
        broken = reached(found, thresholds)
        ours, theirs = (sum(side) for side in zip(*each, strict=True))
        finding = Finding(
            name=f"refusals: {reason}",
            state="broken" if broken.any() else "reported",
            challenger=ours,
            champion=theirs,
            e_value=_last(found),
            rejects_at=float(thresholds[-1]),
        )
        judged.append((finding, broken))
    yield from sorted(judged, key=lambda pair: -pair[0].e_value)


def _latency(
    words: str, quantile: float, budget: float, intervals: Sequence[Interval], total: Counters, criteria: Criteria
) -> tuple[Finding, Truths]:
    each = [one.counters.pairs for one in intervals]
    over = np.cumsum([pairs.slower_than(budget)[0] for pairs in each])
    pairs = np.cumsum([sum(pairs.differences.values()) for pairs in each])
    found = evidence.log_excess(over, pairs - over, 1 - quantile)
    broken = reached(found, criteria.latency_at)
    _, perhaps = total.pairs.slower_than(budget)
    value, low, high = _quantile(total, quantile, criteria.beta / 2)
    finding = Finding(
        name=f"latency, {words}",
        state=_state(broken, held=bool(criteria.share_held(perhaps, int(pairs[-1]), 1 - quantile))),
        challenger=int(over[-1]),
        champion=int(pairs[-1] - over[-1]),
        e_value=_last(found),
        rejects_at=criteria.latency_at,
        value=value,
        low=low,
        high=high,
        limit=budget,
        unit="ms",
        of_pairs=True,
    )
    return finding, broken


def _quantile(total: Counters, quantile: float, alpha: float) -> tuple[float, float | None, float | None]:
    """A quantile of the differences in ms, rounded up to an edge, with its bounds; None beyond all edges."""
    counts = np.array([total.pairs.differences.get(place, 0) for place in range(len(EDGES_MS) + 1)])
    below, pairs = np.cumsum(counts)[:-1], counts.sum()
    under = np.flatnonzero(evidence.certainly_below(below, pairs, quantile, alpha))
    above = np.flatnonzero(evidence.certainly_above(below, pairs, quantile, alpha))
    place = min(int(np.searchsorted(below, quantile * pairs)), len(EDGES_MS) - 1)
    return (
        EDGES_MS[place],
        EDGES_MS[under[-1]] if len(under) else None,
        EDGES_MS[above[0]] if len(above) else None,
    )


def _other_labels(intervals: Sequence[Interval], total: Counters, criteria: Criteria) -> tuple[Finding, Truths]:
    limit = criteria.max_disagreement
    rows = np.cumsum([one.counters.pairs.rows for one in intervals], dtype=np.float64)
    other = np.cumsum([one.counters.pairs.other_label for one in intervals], dtype=np.float64)
    last = total.pairs.other_label, total.pairs.rows
    if limit is None:
        found, broken, state = np.zeros(len(rows)), np.zeros(len(rows), bool), "reported"
    else:
        found = evidence.log_excess(other, rows - other, limit)
        broken = reached(found, criteria.answers_at)
        state = _state(broken, held=bool(criteria.share_held(*last, limit)))
    finding = Finding(
        name="other labels",
        state=state,
        challenger=total.pairs.other_label,
        champion=total.pairs.rows - total.pairs.other_label,
        e_value=_last(found),
        rejects_at=None if limit is None else criteria.answers_at,
        value=_rate(*last),
        low=float(evidence.lower(*last, criteria.beta / 2)),
        high=float(evidence.upper(*last, criteria.beta / 2)),
        limit=limit,
        of_pairs=True,
    )
    return finding, broken


def _labels(intervals: Sequence[Interval], total: Counters, criteria: Criteria) -> tuple[Finding, Truths]:
    ours = np.cumsum([one.counters.pairs.challenger_right for one in intervals])
    theirs = np.cumsum([one.counters.pairs.champion_right for one in intervals])
    found = evidence.log_excess(theirs, ours, _EVEN)
    broken = reached(found, criteria.answers_at)
    finding = Finding(
        name="right by labels, alone",
        state="broken" if broken.any() else "reported",
        challenger=total.pairs.challenger_right,
        champion=total.pairs.champion_right,
        e_value=_last(found),
        rejects_at=criteria.answers_at,
    )
    return finding, broken


def _over_steps(counts: Sequence[tuple[int, int]], intervals: Sequence[Interval]) -> Numbers:
    """Logarithm of the evidence at each look: the product over the steps of a ramp, each with a share of its own."""
    found: Numbers = np.zeros(len(intervals))
    shares = [interval.share for interval in intervals]
    begin, before = 0, 0.0
    while begin < len(shares):
        end = next((place for place in range(begin, len(shares)) if shares[place] != shares[begin]), len(shares))
        ours, theirs = np.cumsum(counts[begin:end], axis=0).T
        found[begin:end] = before + evidence.log_excess(ours, theirs, shares[begin])
        begin, before = end, float(found[end - 1])
    return found


def _state(broken: Truths, *, held: bool) -> State:
    return "broken" if broken.any() else "held" if held else "open"


def _last(found: Numbers) -> float:
    return e_value(float(found[-1])) if len(found) else 1.0


def _rate(successes: float, trials: float) -> float:
    return float(successes / trials) if trials else 0.0
