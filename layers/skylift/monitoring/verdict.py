"""Counts of a window beside counts of a reference: which features drift, and whether the rows suffice to say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from skylift.contract import Contract
from skylift.figures import per_cent
from skylift.monitoring import statistics
from skylift.monitoring.baseline import Baseline, Bins
from skylift.monitoring.counts import Counts, Histogram

State = Literal["insufficient", "stable", "watch", "drift"]

MATERIAL = 0.1
"""Distance from which a shift matters, however certain it is."""

LEAST_ROWS = 30
"""Fewer rows never drift: they may be one caller's trials, and say nothing of the traffic."""

_SEVERITY: dict[State, int] = {"stable": 0, "insufficient": 1, "watch": 2, "drift": 3}
_YEAR = timedelta(days=365)
_MOST_MOVED = 3
_LEAST_MOVED = 0.02


@dataclass(frozen=True, slots=True)
class Shift:
    """How one feature, or the mix of predictions, differs from the reference.

    Parameters
    ----------
    name
        Name of the feature, or of the target.
    state
        `drift`: certain and material; `watch`: one of the two; `insufficient`: neither, but the rows are too few to
        say so; `stable`: neither.
    rows_needed
        Rows of a window that show the least material shift with a probability of 80 %.
    detectable
        Distance that the window's rows show with that probability; 1 for nothing less than a complete change.
    distance
        Jensen-Shannon distance to base 2, less what chance gives; for a number, the largest difference of cumulative
        shares if that is larger.
    psi, critical_psi
        Population stability index, and its value that samples of these sizes reach by chance with probability alpha.
    p_value
        Probability of such a difference by chance.
    missing, outside
        Shares of the window's rows without a value, and with one that training never saw.
    moved
        Bins that moved most, in the contract's words, with their shares before and now; only if not by chance.
    """

    name: str
    state: State
    rows_needed: int
    detectable: float
    distance: float
    psi: float
    critical_psi: float
    p_value: float
    missing: float
    outside: float
    moved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a window's counts say.

    Parameters
    ----------
    state
        The gravest of all shifts.
    rows, rows_needed
        Rows of the window, and how many all features need.
    alpha
        Probability of a false `drift` per look.
    features
        Shifts of the features: the gravest state first, then by importance times distance.
    predictions
        Shift of the predictions.
    """

    state: State
    rows: int
    rows_needed: int
    alpha: float
    features: tuple[Shift, ...]
    predictions: Shift

    @property
    def drifted(self) -> tuple[Shift, ...]:
        """The features that drift."""
        return tuple(shift for shift in self.features if shift.state == "drift")


def alpha_per_look(every: timedelta) -> float:
    """Probability of a false `drift` that a look may have, so that there is one a year.

    Looks at the same training rows are not independent, so that nothing is gained from two in a row.

    Parameters
    ----------
    every
        Time from look to look.

    Examples
    --------
    >>> round(alpha_per_look(timedelta(hours=1)), 7)
    0.0001142
    """
    return min(0.05, every / _YEAR)


def judge(window: Counts, reference: Counts, baseline: Baseline, contract: Contract, *, alpha: float) -> Verdict:
    """Compare a window with training, or with another window of the same version.

    Parameters
    ----------
    window, reference
        Counts in the bins of the baseline.
    baseline
        The bins, and the importance of the features.
    contract
        Names of what is counted.
    alpha
        Probability of a false `drift` or `watch`; see `alpha_per_look`.
    """
    bins = [*(feature.bins for feature in baseline.counted.values()), baseline.predictions.bins]
    names = [*baseline.counted, contract.target.name]
    whole = [
        *(feature.kind == "integer" for feature in contract.features),
        *(False for _ in baseline.words or ()),
        False,
    ]
    pairs = list(zip((*window.features, window.predictions), (*reference.features, reference.predictions), strict=True))
    p_values = [
        statistics.p_value(now, before, ordered=each.ordered) for (now, before), each in zip(pairs, bins, strict=True)
    ]
    certain = statistics.significant(p_values, alpha)
    *features, predictions = [
        _shift(_Words(*words), *pair, p_value=p_value, certain=sure, alpha=alpha / len(pairs))
        for words, pair, p_value, sure in zip(
            zip(names, bins, whole, strict=True), pairs, p_values, certain, strict=True
        )
    ]
    shifts = (*features, predictions)
    return Verdict(
        state=max((shift.state for shift in shifts), key=_SEVERITY.__getitem__),
        rows=window.rows,
        rows_needed=max(shift.rows_needed for shift in shifts),
        alpha=alpha,
        features=tuple(sorted(features, key=lambda shift: _rank(shift, baseline), reverse=True)),
        predictions=predictions,
    )


def alarm(states: Sequence[State]) -> bool:
    """Whether two of the last three windows drift.

    Parameters
    ----------
    states
        States of the windows, the latest last.
    """
    return list(states[-3:]).count("drift") >= 2


@dataclass(frozen=True, slots=True)
class _Words:
    """What is counted, and in which bins."""

    name: str
    bins: Bins
    whole: bool

    def of(self, place: int) -> str:
        return self.bins.words(place, self.name, whole=self.whole)


def _shift(words: _Words, now: Histogram, before: Histogram, *, p_value: float, certain: bool, alpha: float) -> Shift:
    bins = words.bins
    rows = int(now.sum())
    distance = statistics.distance(now, before, ordered=bins.ordered)
    least = statistics.detectable(max(1, int(before.sum())), before, ordered=bins.ordered, alpha=alpha)
    least = max(MATERIAL, least)  # what as many rows as the reference has cannot show is asked of none
    needed = max(LEAST_ROWS, statistics.rows_needed(least, before, ordered=bins.ordered, alpha=alpha))
    state: State
    if rows < LEAST_ROWS:
        state = "insufficient"
    elif certain and distance >= MATERIAL:
        state = "drift"
    elif rows < needed:
        state = "insufficient"
    else:
        state = "watch" if certain or distance >= least else "stable"
    share = statistics.shares(now)
    return Shift(
        name=words.name,
        state=state,
        rows_needed=needed,
        detectable=statistics.detectable(max(1, rows), before, ordered=bins.ordered, alpha=alpha),
        distance=distance,
        psi=statistics.psi(now, before),
        critical_psi=statistics.critical_psi(now, before, alpha),
        p_value=p_value,
        missing=float(share[bins.missing]),
        outside=float(share[[*bins.outside]].sum()),
        moved=_moved(words, now, before) if state in {"watch", "drift"} else (),
    )


def _moved(words: _Words, now: Histogram, before: Histogram) -> tuple[str, ...]:
    """The bins that moved most: `district = Nord: 12% -> 31%`."""
    old, new = statistics.shares(before), statistics.shares(now)
    change = [round(float(difference), 6) for difference in new - old]
    largest = sorted(range(len(change)), key=lambda place: (abs(change[place]), change[place]), reverse=True)
    moved = [place for place in largest[:_MOST_MOVED] if abs(change[place]) >= _LEAST_MOVED] or largest[:1]
    return tuple(f"{words.of(place)}: {per_cent(old[place])} -> {per_cent(new[place])}" for place in moved)


def _rank(shift: Shift, baseline: Baseline) -> tuple[int, float, float]:
    importance = baseline.counted[shift.name].importance
    weight = 1.0 if importance is None else max(0.0, importance)
    return _SEVERITY[shift.state], weight * shift.distance, shift.distance
