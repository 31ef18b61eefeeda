"""The dummy baseline: a constant prediction, which a model must beat by more than noise."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract
from skylift.errors import TrainingError
from skylift.metrics import LeaderboardEntry, Spread
from skylift.scoring import Matrix
from training.config.table import RARE
from training.evaluation.chance import BETTER_BY_CHANCE, Part, knows_something
from training.evaluation.report import DummyBaseline
from training.metrics.intervals import difference
from training.metrics.registry import METRICS, Metric
from training.metrics.resamples import Clusters, ScoredRows
from training.metrics.scores import differ_by_noise, fold_summary, score_metrics
from training.search.fitting import Folds, smallest_class
from training.search.out_of_fold import OutOfFold

_ROUNDING_ERROR = 1e-12
_MOSTLY = 0.5
_ENOUGH_FOLDS = 5


def dummy_scores(contract: Contract, learned: NDArray[Any], rows: int, *, median: bool = False) -> Matrix:
    """Predictions of the dummy baseline: the classes' shares, the mean or the median.

    Parameters
    ----------
    learned
        Targets that it learned from, `[n]`.
    rows
        Number of rows to predict.
    median
        Whether a regression is answered with the median.
    """
    classes = len(contract.target.classes)
    if not classes:
        return np.full(rows, np.median(learned) if median else np.mean(learned))
    return np.tile(np.bincount(learned, minlength=classes) / len(learned), (rows, 1))


def dummy_folds(folds: Folds, metric: Metric) -> Spread:
    """The dummy baseline on the folds that candidates were measured on."""
    values = []
    for train, test in folds.outer:
        scores = dummy_scores(folds.contract, folds.targets[train], len(test), median=metric.dummy == "median")
        values.append(score_metrics(folds.contract, folds.targets[test], scores, [metric]).get(metric.name, np.nan))
    return fold_summary(values)


def against_dummy(
    folds: Folds,
    best: LeaderboardEntry,
    targets: NDArray[Any],
    scores: Matrix,
    *,
    metric: str,
    clusters: Clusters | None,
    out_of_fold: OutOfFold,
) -> DummyBaseline:
    """Compare a model with the dummy baseline.

    It is beaten if the model is better on the holdout by more than noise, and in half of the folds at least: chance
    does not give both. Of a holdout of few rows it is enough that the model is better there and on the folds by more
    than noise: in each of five (a sign test), or by the corrected paired t-test.

    In a metric that a model which knows nothing can be better in, it must be better than chance as well; see
    `training.evaluation.chance`.

    A rare class has too few rows to tell by any loss. There a model that is not worse by more than noise has beaten the
    dummy as well if it ranks rows better than chance does, which ROC-AUC tells by all pairs of rows.

    Parameters
    ----------
    folds, best
        Folds of the training rows, and the model's entry on the leaderboard.
    targets, scores
        Targets of the holdout, and scores of the model there.
    clusters
        Clusters of the holdout's rows, or None.
    out_of_fold
        The model's answers to the rows of the folds.
    """
    record, contract = METRICS[metric], folds.contract
    dummies = dummy_scores(contract, folds.targets, len(targets), median=record.dummy == "median")
    of_dummy, of_model = dummy_folds(folds, record), best.scores[metric]
    on_holdout = {
        name: score_metrics(contract, targets, side, [record]).get(metric)
        for name, side in (("dummy", dummies), ("model", scores))
    }
    value, challenger = on_holdout["dummy"], on_holdout["model"]
    if value is None or challenger is None:  # the folds decide alone
        return DummyBaseline(
            strategy=record.dummy,
            metric=metric,
            value=of_dummy.mean,
            challenger=of_model.mean,
            on="cross_validation",
            beaten=_told_by_folds(record, of_dummy, of_model)
            and (metric not in BETTER_BY_CHANCE or knows_something([*_parts(folds, out_of_fold)])),
        )
    told_by_folds = _told_by_folds(record, of_dummy, of_model)
    compared = difference(
        *(ScoredRows(contract.target, targets, side) for side in (dummies, scores)),
        metric=metric,
        seed=folds.seed,
        clusters=clusters,
    )
    ends = (compared.interval.low, compared.interval.high) if compared.interval else (0.0,)
    told_by_holdout = (
        all(record.sign * end > 0 for end in ends) and _share_better(record, of_dummy, of_model) >= _MOSTLY
    )
    beaten = _is_better(record, value, challenger) and (told_by_holdout or told_by_folds)
    by_ranking = not beaten and compared.within_noise and _has_rare_class(folds)
    if by_ranking or (beaten and metric in BETTER_BY_CHANCE):
        on_holdout_rows = ScoredRows(contract.target, targets, scores), clusters
        knows = knows_something([*_parts(folds, out_of_fold)], on_holdout_rows)
        beaten, by_ranking = beaten and knows, by_ranking and knows
    return DummyBaseline(
        strategy=record.dummy,
        metric=metric,
        value=value,
        challenger=challenger,
        beaten=beaten or by_ranking,
        by_ranking=by_ranking,
        difference=compared,
    )


def against_dummy_on_holdout(
    contract: Contract,
    targets: NDArray[Any],
    dummies: Matrix,
    scores: Matrix,
    *,
    metric: str,
    seed: int,
    clusters: Clusters | None,
) -> DummyBaseline:
    """Compare a model without cross-validation: it has to be better on the holdout by more than noise.

    Raises
    ------
    TrainingError
        The holdout cannot tell the metric.
    """
    record = METRICS[metric]
    values = [score_metrics(contract, targets, side, [record]).get(metric) for side in (dummies, scores)]
    value, challenger = values
    if value is None or challenger is None:
        raise TrainingError(f"the holdout cannot tell {metric}", "enlarge split.holdout, or name another select_by")
    constant, measured = (ScoredRows(contract.target, targets, side) for side in (dummies, scores))
    compared = difference(constant, measured, metric=metric, seed=seed, clusters=clusters)
    ends = (compared.interval.low, compared.interval.high) if compared.interval else (0.0,)
    return DummyBaseline(
        strategy=record.dummy,
        metric=metric,
        value=value,
        challenger=challenger,
        beaten=_is_better(record, value, challenger)
        and all(record.sign * end > 0 for end in ends)
        and (metric not in BETTER_BY_CHANCE or knows_something([], (measured, clusters))),
        difference=compared,
    )


def _has_rare_class(folds: Folds) -> bool:
    return bool(folds.contract.target.classes) and smallest_class(folds.targets) < RARE * len(folds.targets)


def _parts(folds: Folds, out_of_fold: OutOfFold) -> Iterator[Part]:
    """The rows of each fold, as the model that was not fitted on them answers."""
    for fold in np.unique(out_of_fold.folds).tolist():
        places = out_of_fold.folds == fold
        rows = out_of_fold.rows[places]
        scored = ScoredRows(folds.contract.target, folds.targets[rows], out_of_fold.scores[places])
        yield scored, folds.keys.take(rows).clusters() if folds.keys else None


def _is_better(record: Metric, dummy: float, model: float) -> bool:
    return record.sign * (model - dummy) > _ROUNDING_ERROR * max(abs(dummy), abs(model))


def _told_by_folds(record: Metric, dummy: Spread, model: Spread) -> bool:
    if _share_better(record, dummy, model) == 1 and len(model.folds) >= _ENOUGH_FOLDS:
        return True
    return _is_better(record, dummy.mean, model.mean) and not differ_by_noise(dummy, model)


def _share_better(record: Metric, dummy: Spread, model: Spread) -> float:
    """Share of the folds in which a model is better, of those that can tell."""
    pairs = [pair for pair in zip(dummy.folds, model.folds, strict=True) if np.isfinite(pair).all()]
    return float(np.mean([_is_better(record, *pair) for pair in pairs]))
