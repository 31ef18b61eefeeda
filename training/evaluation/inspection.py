"""What a model attends to, and where it is wrong: importance, partial dependence, slices, curves, residuals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from skylift.contract import Contract
from skylift.errors import ConfigError
from skylift.feature import Feature
from skylift.metrics import ClassMetrics, Interval
from skylift.names import did_you_mean
from skylift.scoring import Matrix, Predictor
from training.data.table import Split, Table
from training.evaluation.behaviour import feature_grid, score_grid
from training.evaluation.class_report import Calibration, CalibrationBin, ClassReport, Curve
from training.evaluation.report import Effect, Importance, Residuals, Slice, Slices
from training.metrics.intervals import bootstrap
from training.metrics.registry import METRICS
from training.metrics.resamples import CALIBRATION_BINS, ScoredRows, calibration_bins
from training.metrics.resamples import CalibrationBin as ResampledBin
from training.metrics.scores import score_metrics

_REPEATS = 5
_IMPORTANCE_ROWS = 500
_EFFECT_FEATURES = 4
_EFFECT_ROWS = 200
_EFFECT_CLASSES = 10
_CURVE_POINTS = 200
_CURVE_CLASSES = 20
_PAIRS = 500
_ERROR_LEVELS = (0.5, 0.75, 0.9, 0.95, 0.99, 1)
_SLICE_BINS = 4
_MAX_SLICES = 30
_TELLING_ROWS = 5
_DIGITS = 6


def importances(table: Table, split: Split, predictor: Predictor, *, metric: str, seed: int) -> tuple[Importance, ...]:
    """Permutation importance on the holdout, most important first.

    Parameters
    ----------
    metric
        Name of the metric whose loss is measured.
    """
    generator = np.random.default_rng(seed)
    holdout = split.holdout
    if len(holdout) > _IMPORTANCE_ROWS:
        holdout = np.sort(generator.choice(holdout, _IMPORTANCE_ROWS, replace=False))
    rows, targets, record = table.rows[holdout], table.targets[holdout], METRICS[metric]

    def value(scores: Matrix) -> float:
        return record.sign * score_metrics(table.contract, targets, scores, [record])[metric]

    whole = value(predictor.scores(rows))
    ranking = []
    for feature, block in zip(table.contract.features, table.contract.blocks, strict=True):
        shuffled = np.tile(rows, (_REPEATS, 1))
        order = np.concatenate([generator.permutation(len(rows)) for _ in range(_REPEATS)])
        shuffled[:, block] = rows[order, block]
        losses = [whole - value(scores) for scores in np.split(predictor.scores(shuffled), _REPEATS)]
        ranking.append(
            Importance(
                feature=feature.name,
                mean=float(np.mean(losses)),
                std=float(np.std(losses)),
                repeats=_rounded(losses),
            )
        )
    return tuple(sorted(ranking, key=lambda importance: -importance.mean))


def effects(table: Table, split: Split, predictor: Predictor, names: Sequence[str]) -> tuple[Effect, ...]:
    """Partial dependence on the first few of some features; free text has no order to follow."""
    contract = table.contract
    places = {feature.name: place for place, feature in enumerate(contract.features)}
    rows = table.rows[split.holdout[:_EFFECT_ROWS]]
    partial_dependence = []
    ordered = [name for name in names if contract.features[places[name]].kind != "text"]
    for name in ordered[:_EFFECT_FEATURES]:
        place = places[name]
        feature, grid = contract.features[place], feature_grid(table, split, place)
        means = score_grid(predictor, rows, contract.blocks[place], grid).mean(axis=1)
        keys = contract.target.keys[:_EFFECT_CLASSES]
        answers = (
            {key: _rounded(means[:, code]) for code, key in enumerate(keys)} if keys else {"value": _rounded(means)}
        )
        partial_dependence.append(
            Effect(feature=name, grid=tuple(feature.decode(value) for value in grid[:, 0].tolist()), answers=answers)
        )
    return tuple(partial_dependence)


def class_reports(
    targets: NDArray[Any],
    scores: Matrix,
    per_class: Sequence[ClassMetrics],
    intervals: dict[str, Interval],
) -> tuple[ClassReport, ...]:
    """Each class against the others; curves for the classes with most rows."""
    by_support = sorted(range(len(per_class)), key=lambda code: -per_class[code].support)
    drawn = set(by_support[:_CURVE_CLASSES])
    reports = []
    for code, metrics in enumerate(per_class):
        members, probabilities = targets == code, scores[:, code]
        curves: dict[str, Any] = {}
        if code in drawn and metrics.roc_auc is not None:
            false, true, _ = roc_curve(members, probabilities)
            precision, recall, _ = precision_recall_curve(members, probabilities)
            curves = {"roc": _curve(false, true), "precision_recall": _curve(recall[::-1], precision[::-1])}
        if code in drawn:
            once = np.ones((1, len(targets)), dtype=np.int64)
            curves["calibration"] = _bins(calibration_bins(probabilities, members, once))
        names = ("precision", "recall", "f1", "roc_auc", "average_precision")
        known = {name: intervals[f"{name}/{code}"] for name in names if f"{name}/{code}" in intervals}
        reports.append(ClassReport.model_validate(metrics.model_dump() | {"intervals": known} | curves))
    return tuple(reports)


def confusion(contract: Contract, targets: NDArray[Any], scores: Matrix) -> tuple[tuple[int, ...], ...]:
    """Rows of the holdout by true class, then by predicted class."""
    return tuple(map(tuple, ScoredRows(contract.target, targets, scores).once().confusion[0].tolist()))


def calibration(contract: Contract, targets: NDArray[Any], scores: Matrix) -> Calibration:
    """Whether the predicted class is right as often as its probability says."""
    resamples = ScoredRows(contract.target, targets, scores).once()
    return Calibration(ece=float(METRICS["ece"].compute(resamples)[0]), bins=_bins(resamples.calibration))


def residuals(targets: NDArray[Any], values: Matrix, *, seed: int) -> Residuals:
    """The errors of a regression."""
    errors = values - targets
    quantiles = np.quantile(np.abs(errors), _ERROR_LEVELS).tolist()
    chosen = np.arange(len(targets))
    if len(chosen) > _PAIRS:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, _PAIRS, replace=False))
    return Residuals(
        quantiles={f"{level:g}": value for level, value in zip(_ERROR_LEVELS, quantiles, strict=True)},
        bias=float(errors.mean()),
        true=_rounded(targets[chosen]),
        predicted=_rounded(values[chosen]),
    )


def check_slices(columns: Sequence[str], contract: Contract) -> None:
    """Refuse a column that is not a feature.

    Raises
    ------
    ConfigError
    """
    known = [feature.name for feature in contract.features]
    if unknown := [name for name in columns if name not in known]:
        raise ConfigError(
            f"evaluation.slices names {unknown[0]!r}, which is not a feature", did_you_mean(unknown[0], known)
        )


def slices(
    columns: Sequence[str], table: Table, holdout: NDArray[np.int64], scores: Matrix, *, select_by: str, seed: int
) -> Slices | None:
    """Cut the holdout by the values of columns, numbers by quantiles, and measure each part."""
    if not columns:
        return None
    contract, targets = table.contract, table.targets[holdout]
    metric = METRICS[METRICS[select_by].slice_metric or select_by]
    clusters = table.clusters(holdout)
    parts: list[Slice] = []
    for name in columns:
        for value, inside in _parts(table, holdout, name)[:_MAX_SLICES]:
            metrics = score_metrics(contract, targets[inside], scores[inside])
            intervals = bootstrap(
                contract,
                targets[inside],
                scores[inside],
                seed=seed,
                metrics=[metric],
                clusters=clusters[inside] if clusters is not None else None,
            )
            parts.append(
                Slice(
                    column=name,
                    value=value,
                    rows=int(inside.sum()),
                    metrics=metrics,
                    interval=intervals.get(metric.name),
                )
            )
    telling = [part for part in parts if part.rows >= _TELLING_ROWS] or parts
    worst = min(telling, key=lambda part: metric.sign * part.metrics[metric.name], default=None)
    return Slices(metric=metric.name, slices=tuple(parts), worst=worst)


def _parts(table: Table, holdout: NDArray[np.int64], name: str) -> list[tuple[str, NDArray[np.bool_]]]:
    """Values of a column in words, and which rows of the holdout have them; none is empty."""
    place = [feature.name for feature in table.contract.features].index(name)
    feature, values = table.contract.features[place], table.rows[holdout, table.contract.leads[place]]
    if feature.levels:
        present = np.unique(values[~np.isnan(values)]).astype(int).tolist()
        parts = [(feature.levels[code], values == code) for code in present]
    else:
        parts = _parts_of_numbers(feature, values)
    parts.append(("missing", np.isnan(values)))
    return [(text, inside) for text, inside in parts if inside.any()]


def _parts_of_numbers(feature: Feature, values: Matrix) -> list[tuple[str, NDArray[np.bool_]]]:
    """Each value if there are few, otherwise quarters, named by the values in them so that no two names overlap."""
    known = ~np.isnan(values)
    levels = np.unique(values[known])
    if len(levels) <= _SLICE_BINS:
        places = np.searchsorted(levels, values)
    else:
        edges = np.unique(np.quantile(values[known], np.linspace(0, 1, _SLICE_BINS + 1)[1:-1]))
        # where most rows have the lowest or highest value, one of the two sides would put all into one part
        cuts = [np.searchsorted(edges, values, side=side) for side in ("right", "left")]
        places = max(cuts, key=lambda cut: len(np.unique(cut[known])))
    parts = []
    for place in np.unique(places[known]):
        inside = known & (places == place)
        low, high = values[inside].min(), values[inside].max()
        bounds = [feature.describe(bound, digits=4) for bound in ([low] if low == high else [low, high])]
        parts.append((" to ".join(bounds), inside))
    return parts


def _bins(bins: Sequence[ResampledBin]) -> tuple[CalibrationBin, ...]:
    """The first resample's bins, as they are published."""
    return tuple(
        CalibrationBin(
            low=part.number / CALIBRATION_BINS,
            high=(part.number + 1) / CALIBRATION_BINS,
            rows=int(part.rows[0]),
            predicted=float(part.predicted[0]),
            observed=float(part.observed[0]),
        )
        for part in bins
    )


def _curve(x: Matrix, y: Matrix) -> Curve:
    chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), _CURVE_POINTS)).round().astype(int))
    return Curve(x=_rounded(x[chosen]), y=_rounded(y[chosen]))


def _rounded(values: Sequence[float] | Matrix) -> tuple[float, ...]:
    """To six significant digits, of which a picture shows three."""
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)
