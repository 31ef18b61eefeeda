"""What anyone would expect of a model, whatever its metrics: a model that fails one of these is not published."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.base import clone

from skylift.contract import Contract
from skylift.errors import ConfigError
from skylift.figures import format_value
from skylift.golden import allowed_difference
from skylift.predictors import SklearnPredictor
from skylift.scoring import Matrix, Predictor
from training.compile.compilation import parity_tolerance
from training.config.table import FeatureSection
from training.data.table import Split, Table
from training.evaluation.baseline import dummy_scores
from training.evaluation.report import Check
from training.metrics.registry import DEFAULT_METRIC, METRICS
from training.metrics.scores import score_metrics
from training.search.fitting import fit_failures, stratified_head, threads, without_empty_columns

_ROWS = 20
_SWEPT_ROWS = 200
_STEPS = 20
_ROWS_PER_CLASS = 10
_TINY = 40
_LEAVES = 5
_ROWS_OF_A_LEAF = {"min_samples_leaf", "min_samples_split", "n_neighbors"}
_MAY_FALL_BACK = 0.01


def check_monotone(features: Mapping[str, FeatureSection], table: Table) -> None:
    """Refuse a direction that cannot be checked, before anything is fitted.

    Raises
    ------
    ConfigError
        The feature is a category or free text, or there are more than two classes.
    """
    known = {feature.name: feature for feature in table.contract.features}
    for name, section in features.items():
        if section.monotone is None or name not in known:
            continue
        if known[name].is_nominal or known[name].kind == "text":
            words = "free text" if known[name].kind == "text" else "a category"
            raise ConfigError(f"features.{name}.monotone: {words} has no direction", "leave monotone out")
        if len(table.contract.target.classes) > 2:
            raise ConfigError(
                f"features.{name}.monotone needs a regression or two classes, and there are more",
                "leave monotone out",
            )


def behaviours(
    features: Mapping[str, FeatureSection], table: Table, split: Split, estimator: Any, predictor: Predictor
) -> list[Check]:
    """Check a fitted model.

    Parameters
    ----------
    estimator
        Fitted estimator, a copy of which is fitted on a tiny table; None if it was fitted elsewhere.
    predictor
        Predictor that scores with the estimator.
    """
    rows = split.holdout[:_ROWS]
    instances = [table.instance(int(row)) for row in rows]
    expected = predictor.scores(table.rows[rows])
    backwards = [dict(reversed(instance.items())) for instance in instances]
    twice = predictor.scores(np.repeat(table.rows[rows], 2, axis=0))
    tolerance = parity_tolerance(predictor, table, split)
    allowed = allowed_difference(expected, tolerance, probability=table.contract.task == "classification")
    return [
        _alike(
            "golden rows",
            predictor.scores(table.encoder.encode(instances)) - expected,
            allowed,
            "rows sent as JSON are answered like those of the table",
        ),
        _alike(
            "column order",
            predictor.scores(table.encoder.encode(backwards)) - expected,
            allowed,
            "the order of the fields makes no difference",
        ),
        _alike(
            "duplicated rows",
            twice - np.repeat(expected, 2, axis=0),
            np.repeat(allowed, 2, axis=0),
            "a row is answered the same beside a copy of itself",
        ),
        *([] if estimator is None else [_minimum_function(table, split, estimator)]),
        *_directions(features, table, split, predictor),
    ]


def _alike(name: str, differences: Matrix, allowed: Matrix, meaning: str) -> Check:
    passed = bool((np.abs(differences) <= allowed).all())
    largest = float(np.max(np.abs(differences), initial=0.0))
    return Check(name=name, passed=passed, detail=meaning if passed else f"answers differ by up to {largest:.2g}")


def _minimum_function(table: Table, split: Split, estimator: Any) -> Check:
    """Whether a fresh copy fits a tiny table at least as well as the dummy baseline.

    Few rows are a hint, not a proof: the whole model is judged on the holdout. So only answers that are not numbers
    fail, and the rest is a doubt.
    """
    name = "minimum function"
    contract, targets = table.contract, table.targets[split.train]
    classifies = contract.task == "classification"
    tiny = split.train[stratified_head(targets, _tiny(contract, estimator), classifies=classifies, seed=0)]
    metric = METRICS[DEFAULT_METRIC[contract.task]]
    try:
        with threads(len(tiny)):
            rows = without_empty_columns(table.rows[tiny], contract)
            fresh = _without_sample(clone(estimator), len(tiny)).fit(rows, table.targets[tiny])
        scores = SklearnPredictor(fresh, contract.task).scores(table.rows[tiny])
        if not np.isfinite(scores).all():
            detail = (
                f"{len(tiny)} rows are answered with what is not a number: clean the table, or change the candidate"
            )
            return Check(name=name, passed=False, detail=detail)
        value = score_metrics(contract, table.targets[tiny], scores, [metric])[metric.name]
    except fit_failures() as error:
        detail = f"{len(tiny)} rows cannot be learned: {' '.join(str(error).split())[:200]}"
        return Check(name=name, passed=True, detail=detail, doubtful=True)
    dummies = dummy_scores(contract, table.targets[tiny], len(tiny))
    dummy = score_metrics(contract, table.targets[tiny], dummies, [metric])[metric.name]
    learned = metric.sign * (value - dummy) >= 0
    detail = (
        f"{len(tiny)} rows learned: {metric.name} {format_value(value)} on themselves, "
        f"{format_value(dummy)} by the dummy baseline"
    )
    return Check(name=name, passed=True, detail=detail, doubtful=not learned)


def _without_sample(estimator: Any, rows: int) -> Any:
    """An estimator that draws no more rows for each member than there are; returns it."""
    params = estimator.get_params()
    drawn = [name for name in params if name.rpartition("__")[2] == "max_samples" and isinstance(params[name], int)]
    return estimator.set_params(**{name: min(params[name], rows) for name in drawn})


def _tiny(contract: Contract, estimator: Any) -> int:
    """Number of rows that the estimator can learn anything from."""
    parameters = estimator.get_params()
    needs = [
        value
        for name, value in parameters.items()
        if name.rpartition("__")[2] in _ROWS_OF_A_LEAF and isinstance(value, int)
    ]
    return max(_TINY, _ROWS_PER_CLASS * len(contract.target.classes), _LEAVES * max(needs, default=0))


def _directions(
    features: Mapping[str, FeatureSection], table: Table, split: Split, predictor: Predictor
) -> Iterator[Check]:
    """Sweep each feature with a declared direction through its range, in rows of the holdout."""
    rows = table.rows[split.holdout[:_SWEPT_ROWS]]
    for place, feature in enumerate(table.contract.features):
        section = features.get(feature.name)
        if section is None or section.monotone is None:
            continue
        direction = 1 if section.monotone == "increasing" else -1
        answers = direction * sweep(predictor, rows, table.contract.blocks[place], feature_grid(table, split, place))
        extent = float(np.ptp(answers))
        steps = np.diff(answers, axis=0)
        mean_steps = np.diff(answers.mean(axis=1))
        against = float((steps.min(axis=0) < -_MAY_FALL_BACK * max(extent, 1e-12)).mean())
        passed = bool((mean_steps >= -_MAY_FALL_BACK * max(extent, 1e-12)).all())
        detail = f"{section.monotone}: the mean answer {'keeps' if passed else 'leaves'} this direction"
        if against:
            detail += f", {against:.0%} of the rows leave it somewhere"
        yield Check(name=f"monotone: {feature.name}", passed=passed, detail=detail)


def feature_grid(table: Table, split: Split, place: int) -> Matrix:
    """Blocks to set a feature to: its codes, or quantiles of the training rows; float64 `[grid, columns]`."""
    feature, block = table.contract.features[place], table.contract.blocks[place]
    if feature.is_nominal:
        return np.arange(min(len(feature.levels), _STEPS), dtype=float)[:, None]
    learned, every = table.rows[split.train, block], table.rows[:, block]
    values = every if np.isnan(learned[:, 0]).all() else learned
    known = values[~np.isnan(values[:, 0])]
    leads = known[:, 0]
    grid = np.unique(np.quantile(leads, np.linspace(0.02, 0.98, _STEPS), method="nearest"))
    grid = grid if len(grid) > 1 else np.unique([leads.min(), leads.max()])
    order = np.argsort(leads, kind="stable")
    return known[order[np.searchsorted(leads[order], grid)]]


def sweep(predictor: Predictor, rows: Matrix, block: slice, grid: Matrix) -> Matrix:
    """Answers with a feature set to each block of a grid, `[grid, rows]`: values, or the second class's probability."""
    scores = score_grid(predictor, rows, block, grid)
    return scores[..., 1] if scores.ndim == 3 else scores


def score_grid(predictor: Predictor, rows: Matrix, block: slice, grid: Matrix) -> Matrix:
    """Scores with a feature set to each block of a grid, `[grid, rows, ...]`."""
    many = np.tile(rows, (len(grid), 1))
    many[:, block] = np.repeat(grid, len(rows), axis=0)
    scores = predictor.scores(many)
    return scores.reshape(len(grid), len(rows), *scores.shape[1:])
