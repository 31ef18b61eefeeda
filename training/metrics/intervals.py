"""What chance does to metrics: bootstrap over the holdout's rows, all resamples at once."""

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract
from skylift.documents import Document
from skylift.intervals import LEVEL, wilson
from skylift.metrics import Interval
from skylift.scoring import Matrix
from training.metrics.registry import CLASS_METRICS, METRICS, ClassMetric, Metric, compute, metrics_of
from training.metrics.resamples import Clusters, Counts, Resamples, ScoredRows, bootstrap_counts

MAX_RESAMPLES = 2_000

_MIN_RESAMPLES = 200
_MAX_ROWS = 50_000
_BUDGET = 10**8  # rows times classes that all resamples together may have: about two seconds
_TELLING = 0.9
_ROUNDING_ERROR = 1e-12

type Samples = dict[str, NDArray[np.float64]]
"""Values of a metric in each resample; those of a class are named `METRIC/CODE`."""


class Difference(Document):
    """Whether a difference on the same rows is more than chance.

    Parameters
    ----------
    metric
        Metric that was compared.
    before, after
        Values of the metric for the two models.
    interval
        Paired bootstrap interval of after minus before.
    p_value
        Probability of such a difference by chance; None if the test has none.
    test
        `mcnemar` (exact) on right and wrong answers of independent rows, or `paired bootstrap` alone.
    within_noise
        Whether chance alone explains the difference, at 95%.
    """

    metric: str
    before: float
    after: float
    interval: Interval | None = None
    p_value: float | None = None
    test: Literal["mcnemar", "paired bootstrap"]
    within_noise: bool


def resample_count(classes: int, rows: int) -> int:
    """How many resamples are drawn: fewer from many rows, whose intervals are narrow anyway.

    Parameters
    ----------
    classes
        Number of classes; 0 for regression.
    rows
        Number of rows that are measured.
    """
    cells = max(min(rows, _MAX_ROWS) * max(classes, 1), 1)
    return int(np.clip(_BUDGET // cells, _MIN_RESAMPLES, MAX_RESAMPLES))


def bootstrap(
    contract: Contract,
    targets: NDArray[Any],
    scores: Matrix,
    *,
    seed: int,
    metrics: Iterable[Metric] | None = None,
    clusters: Clusters | None = None,
) -> dict[str, Interval]:
    """Intervals of metrics.

    A percentile interval of a share without a single miss, or hit, has no width: there it is Wilson's, of as many
    trials as there are clusters. Of other metrics whose resamples are all equal none is given.

    Parameters
    ----------
    targets
        Class codes or values of the holdout, `[n]`.
    scores
        Scores of the same rows, as a predictor gives them.
    metrics
        Metrics to give intervals of; by default all of the task and of each class.
    clusters
        Clusters that are drawn as a whole, `[n]`; None if rows are independent.

    Returns
    -------
    Intervals by metric name, and by `METRIC/CODE` for classes.
    """
    rows = ScoredRows(contract.target, targets, scores)
    of_model = [metric for metric in metrics or metrics_of(contract.task) if metric.has_interval]
    of_classes = CLASS_METRICS if metrics is None and rows.classes else ()

    def statistic(places: NDArray[np.int64]) -> Callable[[Counts], Samples]:
        chosen = rows.take(places)
        return lambda counts: _samples(of_model, of_classes, chosen.resampled(counts))

    intervals = _percentiles(rows, statistic, seed, clusters)
    most = len(targets) if clusters is None else len(np.unique(clusters))
    return intervals | _wilson_intervals(of_model, of_classes, rows, most)


def share_interval(hits: NDArray[np.bool_], *, seed: int, clusters: Clusters | None) -> Interval:
    """Interval of a share of rows: Wilson's of independent ones, otherwise by a bootstrap of their clusters.

    Parameters
    ----------
    hits
        Whether each row counts, `[n]`.
    clusters
        Clusters that are drawn as a whole, `[n]`; None if rows are independent.
    """
    if clusters is None:
        return wilson(int(hits.sum()), len(hits))
    chunks = bootstrap_counts(len(hits), resample_count(0, len(hits)), seed, clusters)
    shares = np.concatenate([counts @ hits / counts.sum(axis=1) for counts in chunks])
    units = len(np.unique(clusters))
    return percentile(shares) or wilson(round(float(hits.mean()) * units), units)


def _samples(of_model: Iterable[Metric], of_classes: Iterable[ClassMetric], resamples: Resamples) -> Samples:
    samples = compute(of_model, resamples)
    for name, values in compute(of_classes, resamples).items():
        samples |= {f"{name}/{code}": values[:, code] for code in range(resamples.rows.classes)}
    return samples


def _wilson_intervals(
    of_model: Iterable[Metric], of_classes: Iterable[ClassMetric], rows: ScoredRows, most: int
) -> dict[str, Interval]:
    """Wilson's intervals of the shares that no resample changes, of at most so many trials."""
    point = rows.once()
    shares: dict[str, tuple[int, int]] = {}
    for metric in of_model:
        if metric.proportion:
            hits, trials = metric.proportion(point)
            shares[metric.name] = int(hits[0]), int(trials[0])
    for of_class in of_classes:
        if of_class.proportion:
            hits, trials = of_class.proportion(point)
            shares |= {
                f"{of_class.name}/{code}": pair
                for code, pair in enumerate(zip(hits[0].tolist(), trials[0].tolist(), strict=True))
            }
    return {
        name: wilson(min(hits, most), min(trials, most))
        for name, (hits, trials) in shares.items()
        if trials and hits in {0, trials}
    }


def _percentiles(
    rows: ScoredRows,
    statistic: Callable[[NDArray[np.int64]], Callable[[Counts], Samples]],
    seed: int,
    clusters: Clusters | None,
    *,
    certain: bool = False,
) -> dict[str, Interval]:
    """Intervals of a statistic; none if all rows are of one cluster.

    Of many rows some are drawn and resampled, and the interval is narrowed by the root of their share, or of their
    clusters' share: the spread of every metric here shrinks so.

    Parameters
    ----------
    rows
        Rows that the statistic is of.
    statistic
        Function from row places to one that computes the statistic from how often each is in each resample.
    certain
        Whether what no resample changes has an interval without width.
    """
    every = np.arange(len(rows.targets))
    units = every if clusters is None else clusters
    if len(np.unique(units)) < 2:
        return {}
    chosen = every
    if len(every) > _MAX_ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(every, _MAX_ROWS, replace=False))
    of_chosen = statistic(chosen)
    number = resample_count(rows.classes, len(chosen))
    of_clusters = None if clusters is None else clusters[chosen]
    chunks = [of_chosen(counts) for counts in bootstrap_counts(len(chosen), number, seed, of_clusters)]
    intervals = {
        name: interval
        for name in chunks[0]
        if (interval := percentile(np.concatenate([chunk[name] for chunk in chunks]), certain=certain))
    }
    if len(chosen) == len(every):
        return intervals
    narrowing = math.sqrt(len(np.unique(units[chosen])) / len(np.unique(units)))
    whole = statistic(every)(np.ones((1, len(every)), dtype=np.int64))
    part = of_chosen(np.ones((1, len(chosen)), dtype=np.int64))
    for name, interval in intervals.items():
        low, high = (float(whole[name][0] + narrowing * (end - part[name][0])) for end in (interval.low, interval.high))
        intervals[name] = Interval(low=low, high=high, level=LEVEL)
    return intervals


def percentile(values: NDArray[np.float64], *, certain: bool = False) -> Interval | None:
    """The middle 95% of resampled values; None if they are all equal, unless certain, or mostly could not be told."""
    known = values[np.isfinite(values)]
    if len(known) < _TELLING * len(values):
        return None
    if np.ptp(known) <= _ROUNDING_ERROR * max(1.0, float(np.abs(known).max())) and not certain:
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(low=float(low), high=float(high), level=LEVEL)


def difference(
    before: ScoredRows, after: ScoredRows, *, metric: str, seed: int, clusters: Clusters | None = None
) -> Difference:
    """Whether two models differ by more than chance on the same rows.

    Right and wrong answers of independent rows are compared by McNemar's exact test, everything else by a paired
    bootstrap: both models are measured on the same resamples.

    Parameters
    ----------
    before, after
        The same rows, with the scores of the two models.
    clusters
        Clusters that are drawn as a whole, `[n]`; None if rows are independent.
    """
    sides = (before, after)
    records = [METRICS[metric]]
    values = [float(compute(records, side.once())[metric][0]) for side in sides]

    def statistic(places: NDArray[np.int64]) -> Callable[[Counts], Samples]:
        chosen = [side.take(places) for side in sides]

        def gain(counts: Counts) -> Samples:
            earlier, later = (compute(records, side.resampled(counts))[metric] for side in chosen)
            return {metric: later - earlier}

        return gain

    interval = _percentiles(sides[0], statistic, seed, clusters, certain=True).get(metric)
    if interval is not None and max(-interval.low, interval.high) <= _ROUNDING_ERROR * max(map(abs, values)):
        interval = None
    p_value = _mcnemar(*sides) if metric == "accuracy" and clusters is None else None
    noise = p_value >= 1 - LEVEL if p_value is not None else interval is None or interval.low <= 0 <= interval.high
    return Difference(
        metric=metric,
        before=values[0],
        after=values[1],
        interval=interval,
        p_value=p_value,
        test="paired bootstrap" if p_value is None else "mcnemar",
        within_noise=noise,
    )


def _mcnemar(before: ScoredRows, after: ScoredRows) -> float:
    from scipy.stats import binomtest

    was_right, is_right = (side.labels == side.targets for side in (before, after))
    gained, lost = int((is_right & ~was_right).sum()), int((was_right & ~is_right).sum())
    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
