"""The training distribution of a version, `baseline.json`: shares for people, and bins with counts for the monitor."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from skylift.feature import Feature
from skylift.monitoring.baseline import Baseline, Bins, Distribution, FeatureDistribution
from skylift.scoring import Matrix, predicted_classes
from skylift.text_encoder import TermEncoder
from training.evaluation.confidence import expectation
from training.job import Trained

_DECILES = 10
_MAX_BINS = 10
_OWN_BIN = 0.05
_SAME = 1e-6
"""Predictions that differ by less of their range are one."""


def training_distribution(trained: Trained) -> bytes:
    """The training distribution as JSON.

    Per feature its share of missing values, shares by decile or by category, and the members of
    `skylift.monitoring.baseline.Baseline`; shares of the target as well.
    """
    table, train = trained.table, trained.split.train
    counted = baseline_of(trained).model_dump(mode="json", exclude_none=True)
    numbers = table.leads(train)
    for feature, column in zip(table.contract.features, numbers.T, strict=True):
        counted["features"][feature.name] |= _described(feature, column)
    targets = table.targets[train]
    classes = table.contract.target.classes
    counted["target"] = {"shares": _shares(targets, len(classes))} if classes else _deciles(targets)
    return to_json(counted, indent=2) + b"\n"


def baseline_of(trained: Trained) -> Baseline:
    """What the monitor compares with.

    Predictions are those of the served model on the holdout: on training rows it would be surer than on others, and the
    fits of a cross-validation are other models, with other leaves.
    """
    table, train = trained.table, trained.split.train
    importance = {entry.feature: entry.mean for entry in trained.evaluation.importance}
    features = {}
    numbers = table.leads(train)
    for feature, column in zip(table.contract.features, numbers.T, strict=True):
        whole = feature.json_type == "integer" or feature.kind == "text"
        bins = Bins(levels=feature.counted) if feature.levels else bins_of_numbers(column, whole=whole)
        bins = bins.model_copy(update={"origin": feature.origin}) if feature.origin else bins
        counts = tuple(bins.counts(column).tolist())
        features[feature.name] = FeatureDistribution(bins=bins, counts=counts, importance=importance.get(feature.name))
    holdout = trained.split.holdout
    encoded_by: dict[str, TermEncoder] = {**table.vocabularies, **table.encodings}
    words = {
        feature.name: _unknown_words(encoded_by[feature.name], table.texts[feature.name][holdout].tolist())
        for feature in table.contract.features
        if feature.directions is not None
    }
    scores = trained.compiled.predictor.scores(table.rows[holdout])
    answers = scores if scores.ndim == 1 else predicted_classes(table.contract.target, scores).astype(np.float64)
    keys = table.contract.target.keys
    predicted = Bins(levels=keys) if keys else bins_of_predictions(answers)
    return Baseline(
        rows=len(train),
        features=features,
        predictions=Distribution(bins=predicted, counts=tuple(predicted.counts(answers).tolist())),
        words=words or None,
        confidence=trained.out_of_fold
        and expectation(
            trained.out_of_fold,
            table.contract.target,
            numbers,
            table.targets[train],
            keys=table.keys.take(train) if table.keys else None,
            features=[feature.bins for feature in features.values()],
            predictions=predicted,
        ),
    )


def _unknown_words(vocabulary: TermEncoder, texts: Sequence[str | None]) -> FeatureDistribution:
    """Texts of the holdout by the share of their words that it lacks."""
    shares = np.array([vocabulary.unknown(text) for text in texts])
    bins = bins_of_numbers(shares)
    return FeatureDistribution(bins=bins, counts=tuple(bins.counts(shares).tolist()))


def bins_of_numbers(values: Matrix, *, whole: bool = False) -> Bins:
    """Bins in which numbers can be compared: at most ten with about as many values each.

    A value that holds more than a twentieth of them has a bin of its own; those between two such values have a bin for
    each tenth of all, but at least one.

    Parameters
    ----------
    values
        Numbers, NaN for missing, float64 `[n]`.
    whole
        Whether there are integers only, so that none is between two neighbours.

    Examples
    --------
    >>> bins_of_numbers(np.array([0.0] * 6 + [1.0, 2.0, 3.0])).edges
    (0.0, 5e-324, 2.0, 3.0, 3.0000000000000004)
    """
    known = np.sort(values[np.isfinite(values)])
    if not len(known):
        return Bins(edges=())
    distinct, counts = np.unique(known, return_counts=True)
    own = distinct[(counts > _OWN_BIN * len(known)) & (counts > 1)]
    others = known[~np.isin(known, own)]
    starts = []
    for run in np.split(others, np.searchsorted(others, own)):
        parts = _MAX_BINS * len(run) // len(known)
        starts += [run[len(run) * part // parts] for part in range(1, parts)]
    end = np.nextafter(known[-1], np.inf)
    ends = np.minimum(own + 1, end) if whole else np.nextafter(own, np.inf)
    return Bins(edges=tuple(np.unique([known[0], *starts, *own, *ends, end]).tolist()))


def bins_of_predictions(values: Matrix) -> Bins:
    """Bins of predicted values: at most ten, with about as many values each, the outer ones open.

    Edges are where no prediction is near, and short to read: another machine rounds the same prediction otherwise.

    Parameters
    ----------
    values
        Predicted values, float64 `[n]`.

    Examples
    --------
    >>> bins_of_predictions(np.array([1.0, 1.0 + 1e-12, 2.03, 3.0])).edges
    (1.5, 2.5)
    """
    known = np.sort(values[np.isfinite(values)])
    gaps = np.diff(known)
    starts = 1 + np.flatnonzero(gaps > _SAME * gaps.sum())
    if not len(starts):
        return Bins(edges=())
    wanted = len(known) * np.arange(1, _MAX_BINS) / _MAX_BINS
    chosen = np.unique(starts[np.abs(starts[:, None] - wanted).argmin(axis=0)])
    return Bins(edges=tuple(_between(known[start - 1], known[start]) for start in chosen.tolist()))


def _between(low: float, high: float) -> float:
    """A number in the middle of two others, with as few digits as that allows."""
    middle, near = (low + high) / 2, (high - low) / 4
    rounded = (float(f"{middle:.{digits}g}") for digits in range(1, 17))
    return next((number for number in rounded if abs(number - middle) <= near), float(middle))


def _described(feature: Feature, column: Matrix) -> dict[str, Any]:
    known = column[~np.isnan(column)]
    described: dict[str, Any] = {"missing": float(np.isnan(column).mean())}
    if feature.levels:
        counted = feature.counted
        shares = _shares(np.minimum(known, len(counted) - 1), len(counted))
        return described | {"shares": dict(zip(counted, shares, strict=True))}
    return described | _deciles(known)


def _shares(codes: NDArray[Any], size: int) -> list[float]:
    counts = np.bincount(codes.astype(int), minlength=size)
    return [float(share) for share in counts / max(int(counts.sum()), 1)]


def _deciles(values: NDArray[Any]) -> dict[str, Any]:
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _DECILES + 1))) if len(values) else np.array([])
    counts = np.histogram(values, edges)[0] if len(edges) > 1 else np.array([len(values)])
    return {"edges": edges.tolist(), "shares": [float(share) for share in counts / max(int(counts.sum()), 1)]}
