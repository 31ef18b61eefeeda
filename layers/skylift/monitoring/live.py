"""How right answers were, by the labels that arrived for them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skylift.contract import ClassName, Target
from skylift.documents import Document
from skylift.figures import apart, exact_text
from skylift.intervals import LEVEL, Z, wilson
from skylift.metrics import Gate
from skylift.monitoring.join import Labelled
from skylift.monitoring.labels import Label

ENOUGH_REQUESTS = 30
"""Requests with a label from which a gate can be missed: fewer may all be of one kind."""

_RESAMPLES = 400
_MOST_RESAMPLED = 10_000
_TELLING = 0.9
_SLICE_ROWS = 20
_MAX_SLICES = 20
_SEED = 0

type Words = Callable[[int, int], str]
"""Function from the place of a feature and a bin to the bin in the words of the contract."""


class Measure(Document):
    """A metric by labels.

    Parameters
    ----------
    low, high
        95% interval; None where resampling cannot tell.
    """

    value: float
    low: float | None = None
    high: float | None = None


class LiveSlice(Measure):
    """The rows of one bin of a feature.

    Parameters
    ----------
    rows
        The bin in the words of the contract.
    labels
        Number of labelled rows.
    """

    rows: str
    labels: int


class Live(Measure):
    """What labels say of one version.

    Parameters
    ----------
    metric
        `accuracy`, or `mae` of a regression: what `value`, `low`, `high` and slices are of.
    labels, predictions
        Numbers of labelled rows, and of rows that were answered in the time that labels are joined with.
    coverage
        Share of the predictions that have a label.
    delay_seconds
        Half of the labels were observed so soon after the answer, or sooner.
    metrics
        All metrics that labels alone can tell, by name.
    slices
        Bins of features whose rows are answered worse than all, the worst first.
    missed
        Gates of the version that the whole interval is beyond, in words.
    """

    version: str
    metric: Literal["accuracy", "mae"]
    labels: int
    predictions: int
    coverage: float
    delay_seconds: float
    metrics: dict[str, Measure]
    slices: tuple[LiveSlice, ...] = ()
    missed: tuple[str, ...] = ()


def measure(
    labelled: Labelled,
    target: Target,
    *,
    version: str,
    predictions: int,
    gates: Sequence[Gate] = (),
    words: Words | None = None,
) -> Live | None:
    """Measure labelled rows of a version.

    A label that is not among the version's classes was answered wrongly. A prediction that is not a number has no
    error, and is left out.

    Parameters
    ----------
    predictions
        Number of rows that it answered in the time that labels are joined with.
    gates
        Gates of the version.
    words
        Words for its bins; None for no slices.

    Returns
    -------
    Live or None
        None without a row that can be measured.
    """
    classifies = bool(target.classes)
    truth = _codes(labelled.labels, target.classes) if classifies else np.array([one.value for one in labelled.labels])
    answers, requests = np.array(labelled.answers), np.array(labelled.requests)
    known = np.isfinite(answers) | classifies
    if not known.any():
        return None
    truth, answers, requests = truth[known], answers[known], np.unique(requests[known], return_inverse=True)[1]
    hits = (truth == answers).astype(np.float64) if classifies else np.abs(truth - answers)
    values = _classified(truth, answers, len(target.classes)) if classifies else _regressed(truth, answers)
    metric: Literal["accuracy", "mae"] = "accuracy" if classifies else "mae"
    metrics = _with_intervals(values, requests)
    if classifies:
        metrics["accuracy"] = _share(hits, requests)
    enough = requests.max() + 1 >= ENOUGH_REQUESTS
    bins = [one for one, measured in zip(labelled.bins, known.tolist(), strict=True) if measured]
    return Live(
        **metrics[metric].model_dump(),
        version=version,
        metric=metric,
        labels=len(hits),
        predictions=predictions,
        coverage=len(hits) / predictions,
        delay_seconds=float(np.median(np.array(labelled.delays)[known])),
        metrics=metrics,
        slices=_slices(hits, bins, words, worse=-1 if classifies else 1) if words else (),
        missed=tuple(_missed(metrics, gates)) if enough else (),
    )


def _codes(labels: Sequence[Label], classes: Sequence[ClassName]) -> NDArray[np.float64]:
    """Codes of true classes; one more for those that the version does not know."""
    codes: dict[tuple[bool, object], int] = {(isinstance(name, bool), name): code for code, name in enumerate(classes)}
    keys = [(isinstance(label.value, bool), label.value) for label in labels]
    return np.array([codes.get(key, len(classes)) for key in keys], dtype=np.float64)


type Values = Callable[[NDArray[np.float64]], dict[str, float]]
"""Function from the weight of each row to metrics by name."""


def _classified(truth: NDArray[Any], answers: NDArray[Any], classes: int) -> Values:
    """Metrics as `training.metrics` has them, of the classes that the version knows."""
    true_codes = truth.astype(np.intp)
    answered = np.where(np.isfinite(answers), answers, classes + 1).astype(np.intp)
    right = true_codes == answered

    def values(weights: NDArray[np.float64]) -> dict[str, float]:
        hits = np.bincount(true_codes, weights * right, minlength=classes)[:classes]
        support = np.bincount(true_codes, weights, minlength=classes)[:classes]
        predicted = np.bincount(answered, weights, minlength=classes)[:classes]
        present = support > 0
        recall = hits[present] / support[present]
        f1 = 2 * hits / np.maximum(support + predicted, 1e-300)
        return {
            "accuracy": float(hits.sum() / weights.sum()),
            "balanced_accuracy": float(recall.mean()) if len(recall) else np.nan,
            "f1_macro": float(f1.mean()),
        }

    return values


def _regressed(truth: NDArray[np.float64], answers: NDArray[np.float64]) -> Values:
    errors, centred = answers - truth, truth - truth.mean()

    def values(weights: NDArray[np.float64]) -> dict[str, float]:
        rows = weights.sum()
        squared = float(weights @ errors**2)
        variation = float(weights @ centred**2 - (weights @ centred) ** 2 / rows)
        return {
            "mae": float(weights @ np.abs(errors) / rows),
            "rmse": float(np.sqrt(squared / rows)),
            "r2": 1 - squared / variation if variation > 1e-12 * float(centred @ centred) else np.nan,
        }

    return values


def _with_intervals(values: Values, requests: NDArray[np.intp]) -> dict[str, Measure]:
    """Metrics with percentile intervals of a bootstrap that draws whole requests.

    Of many requests some are drawn, and the interval is narrowed by the root of their share.
    """
    once = {name: value for name, value in values(np.ones(len(requests))).items() if np.isfinite(value)}
    count = int(requests.max()) + 1
    drawn = min(count, _MOST_RESAMPLED)
    if count < 2:
        return {name: Measure(value=value) for name, value in once.items()}
    generator = np.random.default_rng(_SEED)
    resamples: list[dict[str, float]] = []
    while len(resamples) < _RESAMPLES:
        weights = np.bincount(generator.integers(count, size=drawn), minlength=count)[requests]
        resamples.append(values(weights.astype(np.float64)))
    measures = {}
    for name, value in once.items():
        found = np.array([resample[name] for resample in resamples])
        told = found[np.isfinite(found)]
        if len(told) < _TELLING * len(found):
            measures[name] = Measure(value=value)
            continue
        ends = np.quantile(told, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        low, high = (value + (ends - value) * np.sqrt(drawn / count)).tolist()
        measures[name] = Measure(value=value, low=low, high=high)
    return measures


def _share(hits: NDArray[np.float64], requests: NDArray[np.intp]) -> Measure:
    """A share with Wilson's interval, of fewer rows where those of a request are right or wrong together.

    The number is divided by the design effect (Kish, 1965): the variance of the mean of whole requests against that of
    independent rows.
    """
    rows, share = len(hits), float(hits.mean())
    sums = np.bincount(requests, hits - share)
    independent = rows * share * (1 - share) * rows / max(rows - 1, 1)
    clustered = float((sums**2).sum()) * len(sums) / max(len(sums) - 1, 1)
    effect = max(clustered / independent, 1.0) if independent else rows / len(sums)
    interval = wilson(float(hits.sum()) / effect, rows / effect)
    return Measure(value=share, low=interval.low, high=interval.high)


def _missed(metrics: Mapping[str, Measure], gates: Sequence[Gate]) -> Iterator[str]:
    for gate in gates:
        found = metrics.get(gate.metric)
        if found is None or found.low is None or found.high is None:
            continue
        bounds = [(gate.min, found.high, -1, ">="), (gate.max, found.low, 1, "<=")]
        for bound, end, beyond, sign in bounds:
            if bound is not None and beyond * (end - bound) > 0:
                value, low, high = (apart(number, bound) for number in (found.value, found.low, found.high))
                yield f"{gate.metric} {value} ({low} to {high}), not {sign} {exact_text(bound)}"


def _slices(
    hits: NDArray[np.float64], bins: Sequence[Sequence[int] | None], words: Words, *, worse: Literal[-1, 1]
) -> tuple[LiveSlice, ...]:
    """Bins whose whole interval is worse than the mean of all rows, the worst first."""
    alone = np.array([one is not None for one in bins])
    if not alone.any():
        return ()
    places = np.array([one for one in bins if one is not None])
    measured, mean = hits[alone], float(hits.mean())
    slices = []
    for feature in range(places.shape[1]):
        for place in np.unique(places[:, feature]).tolist():
            inside = measured[places[:, feature] == place]
            if len(inside) < _SLICE_ROWS:
                continue
            found = _share(inside, np.arange(len(inside))) if worse < 0 else _mean(inside)
            nearest = found.high if worse < 0 else found.low
            if nearest is not None and worse * (nearest - mean) > 0:
                slices.append(LiveSlice(**found.model_dump(), rows=words(feature, place), labels=len(inside)))
    return tuple(sorted(slices, key=lambda one: -worse * one.value)[:_MAX_SLICES])


def _mean(errors: NDArray[np.float64]) -> Measure:
    value, half = float(errors.mean()), Z * float(errors.std(ddof=1)) / np.sqrt(len(errors))
    return Measure(value=value, low=value - half, high=value + half)
