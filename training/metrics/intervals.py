"""What chance does to metrics: bootstrap over the holdout's rows, all resamples at once."""

import math
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract, Document
from skylift.manifest import Interval
from skylift.scoring import Matrix
from training.metrics.scores import log_losses, roc_and_pr_auc, score_metrics

LEVEL = 0.95
MAX_RESAMPLES = 2_000

_MIN_RESAMPLES = 200
_MAX_ROWS = 50_000
_BUDGET = 10**8  # rows times classes that all resamples together may have: about two seconds
_CHUNK = 2 * 10**6
_Z = 1.959964
_TELLING = 0.9

type Samples = dict[str, NDArray[np.float64]]
"""Values of a metric in each resample; those of a class are named `METRIC/CODE`."""


class Difference(Document):
    """Whether a difference on the same rows is more than chance.

    Parameters
    ----------
    metric
        What was compared.
    before, after
        Its values.
    interval
        Of after minus before: paired bootstrap.
    p_value
        By `test`; None where there is none.
    test
        `mcnemar` (exact) on right and wrong answers, or `paired bootstrap` alone.
    within_noise
        Whether chance alone explains it, at 95%.
    """

    metric: str
    before: float
    after: float
    interval: Interval | None = None
    p_value: float | None = None
    test: Literal["mcnemar", "paired bootstrap"]
    within_noise: bool


def resamples(contract: Contract, rows: int) -> int:
    """How many resamples are drawn: fewer from many rows, whose intervals are narrow anyway."""
    columns, rows = max(len(contract.target.classes), 1), min(rows, _MAX_ROWS)
    return int(np.clip(_BUDGET // max(rows * columns, 1), _MIN_RESAMPLES, MAX_RESAMPLES))


def bootstrap_counts(rows: int, number: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """How often each row is in each resample, `[some resamples, rows]` at a time."""
    generator = np.random.default_rng(seed)
    chunk = max(1, _CHUNK // max(rows, 1))
    for first in range(0, number, chunk):
        size = min(chunk, number - first)
        drawn = generator.integers(rows, size=(size, rows)) + rows * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * rows).reshape(size, rows)


def measure(contract: Contract, targets: NDArray[Any], scores: Matrix, counts: NDArray[np.int64]) -> Samples:
    """Metrics in each resample; NaN where its rows cannot tell."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if contract.task == "regression":
            return _regression(targets, scores, counts)
        return _classification(len(contract.target.classes), targets, scores, counts)


def bootstrap(contract: Contract, targets: NDArray[Any], scores: Matrix, *, seed: int) -> dict[str, Interval]:
    """Intervals of all metrics, by their names and, for classes, by `METRIC/CODE`.

    A percentile interval of a share without a single miss, or hit, has no width: there it is Wilson's. Of other
    metrics whose resamples are all alike there is none.

    Parameters
    ----------
    targets, scores
        Of the holdout.
    """
    found = _percentiles(
        contract, len(targets), lambda rows, counts: measure(contract, targets[rows], scores[rows], counts), seed
    )
    return _with_wilson(found, contract, targets, scores)


def _percentiles(
    contract: Contract,
    rows: int,
    statistic: Callable[[NDArray[np.int64], NDArray[np.int64]], Samples],
    seed: int,
) -> dict[str, Interval]:
    """Intervals of what a statistic says of resamples.

    Of many rows some are drawn and resampled, and the interval is narrowed by the root of their share: the spread of
    every metric here shrinks so.

    Parameters
    ----------
    statistic
        Takes rows, and how often each is in each resample.
    """
    every = np.arange(rows)
    kept = every
    if rows > _MAX_ROWS:
        kept = np.sort(np.random.default_rng(seed).choice(every, _MAX_ROWS, replace=False))
    chunks = [statistic(kept, counts) for counts in bootstrap_counts(len(kept), resamples(contract, len(kept)), seed)]
    found: dict[str, Interval] = {}
    for name in chunks[0]:
        if interval := percentile(np.concatenate([chunk[name] for chunk in chunks])):
            found[name] = interval
    if len(kept) == rows:
        return found
    narrowing = math.sqrt(len(kept) / rows)
    whole, part = (statistic(some, np.ones((1, len(some)), dtype=np.int64)) for some in (every, kept))
    for name, interval in found.items():
        low, high = (float(whole[name][0] + narrowing * (end - part[name][0])) for end in (interval.low, interval.high))
        found[name] = Interval(low=low, high=high, level=LEVEL)
    return found


def percentile(values: NDArray[np.float64]) -> Interval | None:
    """The middle 95% of resampled values; None where they are all alike, or mostly could not be told."""
    known = values[np.isfinite(values)]
    if len(known) < _TELLING * len(values) or np.ptp(known) <= 1e-12 * max(1.0, float(np.abs(known).max())):
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(low=float(low), high=float(high), level=LEVEL)


def wilson(hits: int, rows: int) -> Interval:
    """Wilson's interval of a share.

    Examples
    --------
    >>> print(wilson(30, 30))
    0.8865 to 1.0000
    """
    share, z2 = hits / rows, _Z**2
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = _Z * math.sqrt(share * (1 - share) / rows + z2 / (4 * rows**2)) / (1 + z2 / rows)
    # At the ends the bound is exact, which floats miss by a digit.
    low = max(middle - half, 0.0) if hits else 0.0
    high = min(middle + half, 1.0) if hits < rows else 1.0
    return Interval(low=low, high=high, level=LEVEL, method="wilson")


def difference(
    contract: Contract, targets: NDArray[Any], before: Matrix, after: Matrix, *, metric: str, seed: int
) -> Difference:
    """Whether two models differ by more than chance on the same rows.

    Right and wrong answers are compared by McNemar's exact test, every other metric by a paired bootstrap: both
    models are measured on the same resamples.

    Parameters
    ----------
    before, after
        Scores of the two, as predictors give them.
    """
    values = [score_metrics(contract, targets, scores)[0].get(metric, math.nan) for scores in (before, after)]

    def gain(rows: NDArray[np.int64], counts: NDArray[np.int64]) -> Samples:
        sides = [measure(contract, targets[rows], scores[rows], counts)[metric] for scores in (before, after)]
        return {metric: sides[1] - sides[0]}

    interval = _percentiles(contract, len(targets), gain, seed).get(metric)
    p_value = _mcnemar(targets, before, after) if metric == "accuracy" else None
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


def _mcnemar(targets: NDArray[Any], before: Matrix, after: Matrix) -> float:
    from scipy.stats import binomtest

    was_right, is_right = before.argmax(axis=1) == targets, after.argmax(axis=1) == targets
    gained, lost = int((is_right & ~was_right).sum()), int((was_right & ~is_right).sum())
    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def _regression(targets: NDArray[Any], values: Matrix, counts: NDArray[np.int64]) -> Samples:
    rows = len(targets)
    errors, centred = values - targets, targets - targets.mean()
    columns = np.column_stack([np.abs(errors), errors**2, centred, centred**2])
    absolute, squared, total, total_squared = (counts @ columns).T
    variation = total_squared - total**2 / rows
    r2 = np.where(variation > 1e-12 * max(float((centred**2).sum()), 1e-300), 1 - squared / variation, np.nan)
    return {"mae": absolute / rows, "rmse": np.sqrt(squared / rows), "r2": r2}


def _classification(classes: int, targets: NDArray[Any], scores: Matrix, counts: NDArray[np.int64]) -> Samples:
    rows = len(targets)
    confusion = _confusions(classes, targets, scores.argmax(axis=1), counts)
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    support, named = confusion.sum(axis=2), confusion.sum(axis=1)
    recall = np.where(support > 0, hits / support, np.nan)
    precision = np.where(named > 0, hits / named, 0.0)
    f1 = np.where(support + named > 0, 2 * hits / (support + named), 0.0)
    samples: Samples = {
        "accuracy": hits.sum(axis=1) / rows,
        "balanced_accuracy": np.where(support > 0, recall, 0.0).sum(axis=1) / (support > 0).sum(axis=1),
        "f1_macro": f1.mean(axis=1),
        "log_loss": counts @ log_losses(targets, scores) / rows,
        "brier": counts @ brier_losses(targets, scores) / rows,
    }
    by_class = [roc_and_pr_auc(targets == code, scores[:, code], counts) for code in range(classes)]
    samples["roc_auc"] = by_class[1][0] if classes == 2 else np.mean([roc for roc, _ in by_class], axis=0)
    samples["average_precision"] = (
        by_class[1][1] if classes == 2 else np.mean([average for _, average in by_class], axis=0)
    )
    for code, (roc, average) in enumerate(by_class):
        samples |= {
            f"precision/{code}": precision[:, code],
            f"recall/{code}": recall[:, code],
            f"f1/{code}": f1[:, code],
            f"roc_auc/{code}": roc,
            f"average_precision/{code}": average,
        }
    return samples


def brier_losses(targets: NDArray[Any], scores: Matrix) -> Matrix:
    """The squared error of each row's probabilities: 0 to 1 for two classes, 0 to 2 for more, as in scikit-learn."""
    right = np.zeros_like(scores)
    right[np.arange(len(targets)), targets] = 1
    losses: Matrix = ((scores - right) ** 2).sum(axis=1) / (2 if scores.shape[1] == 2 else 1)
    return losses


def _confusions(
    classes: int, targets: NDArray[Any], predicted: NDArray[Any], counts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Confusion matrices `[resamples, true, predicted]`."""
    cells = targets * classes + predicted
    order = np.argsort(cells, kind="stable")
    present, starts = np.unique(cells[order], return_index=True)
    confusion = np.zeros((len(counts), classes * classes), dtype=np.int64)
    confusion[:, present] = np.add.reduceat(counts[:, order], starts, axis=1)
    return confusion.reshape(len(counts), classes, classes)


def _with_wilson(
    found: dict[str, Interval], contract: Contract, targets: NDArray[Any], scores: Matrix
) -> dict[str, Interval]:
    if contract.task == "regression":
        return found
    predicted = scores.argmax(axis=1)
    shares = {"accuracy": predicted == targets}
    for code in range(len(contract.target.classes)):
        shares[f"recall/{code}"] = predicted[targets == code] == code
        shares[f"precision/{code}"] = targets[predicted == code] == code
    for name, hits in shares.items():
        if len(hits) and (hits.all() or not hits.any()):
            found[name] = wilson(int(hits.sum()), len(hits))
    return found
