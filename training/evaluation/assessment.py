"""Assesses a fitted model on the holdout: everything that `evaluation.json` holds, and the gates it decides."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract
from skylift.figures import exact_text, format_value
from skylift.intervals import LEVEL
from skylift.metrics import ClassMetrics, Gate, LeaderboardEntry, Metrics
from skylift.names import listed
from skylift.predictors import SklearnPredictor
from skylift.scoring import Matrix, Predictor
from training.config import GatesSection
from training.config.answers import DecisionSection
from training.config.table import RARE, FeatureSection, SplitSection
from training.data.table import Split, Table
from training.evaluation.baseline import against_dummy, against_dummy_on_holdout, dummy_scores
from training.evaluation.behaviour import behaviours
from training.evaluation.champion import ActiveVersion, compare_with
from training.evaluation.class_report import Decision, Recalibration
from training.evaluation.conformal import coverage
from training.evaluation.decision import measured_on_holdout
from training.evaluation.gates import is_excused, judge, standing_gates
from training.evaluation.inspection import (
    calibration,
    class_reports,
    confusion,
    effects,
    importances,
    residuals,
    slices,
)
from training.evaluation.report import Champion, Coverage, Evaluation, MetricReport
from training.metrics.intervals import bootstrap, resample_count
from training.metrics.registry import DEFAULT_METRIC, METRICS, metrics_of
from training.metrics.resamples import Clusters
from training.metrics.scores import class_metrics, score_metrics
from training.search.calibration import Calibration, reliability
from training.search.fitting import Folds
from training.search.out_of_fold import OutOfFold
from training.search.report import SearchReport

_TOO_GOOD = 0.01
_ENOUGH_CLUSTERS = 10
_ENOUGH_ROWS = 10
_SHOWN_CLASSES = 5


@dataclass(frozen=True, slots=True)
class Assessment:
    """A model with all that was found out about it.

    Parameters
    ----------
    evaluation
        Document to publish.
    metrics, gates
        Metrics and gates of the manifest.
    """

    evaluation: Evaluation
    metrics: Metrics
    gates: tuple[Gate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The model that the search selected.

    Parameters
    ----------
    entry
        Leaderboard entry of the model.
    select_by
        Metric that selected it.
    estimator
        Estimator fitted on the training rows; None if it was fitted elsewhere.
    predictor
        Predictor of the form that is served: everything is measured with it.
    folds
        Folds of the training rows that it was measured on; None if nothing was cross-validated.
    out_of_fold
        Answers of the model in these folds; None without them.
    searches
        Searches of all candidates.
    decision
        Choice of its threshold; None if its label is the most probable class.
    calibration
        Calibration of its probabilities; None if they are as the candidate gives them.
    """

    entry: LeaderboardEntry
    select_by: str
    estimator: Any
    predictor: Predictor
    folds: Folds | None
    out_of_fold: OutOfFold | None = None
    searches: tuple[SearchReport, ...] = ()
    decision: Decision | None = None
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What `model.yaml` says of the assessment.

    Parameters
    ----------
    split, features, gates, decision
        Sections of these names.
    slices
        Features by whose values the holdout is cut.
    """

    split: SplitSection
    features: Mapping[str, FeatureSection]
    slices: tuple[str, ...]
    gates: GatesSection
    decision: DecisionSection | None = None


def assess(
    model: Selected, table: Table, split: Split, criteria: Criteria, *, champion: ActiveVersion | None = None
) -> Assessment:
    """Measure, inspect and judge a model.

    Parameters
    ----------
    champion
        Active version, which the model must not be much worse than.
    """
    contract, seed, holdout = table.contract, criteria.split.seed, split.holdout
    predictor, best, select_by = model.predictor, model.entry, model.select_by
    targets = table.targets[holdout]
    scores = predictor.scores(table.rows[holdout])
    values, per_class = score_metrics(contract, targets, scores), class_metrics(contract, targets, scores)
    clusters = table.clusters(holdout)
    intervals = bootstrap(contract, targets, scores, seed=seed, clusters=clusters)
    median = METRICS[select_by].dummy == "median"
    dummies = dummy_scores(contract, table.targets[split.train], len(holdout), median=median)
    baseline = (
        against_dummy(
            model.folds,
            best,
            targets,
            scores,
            metric=select_by,
            clusters=clusters,
            out_of_fold=model.out_of_fold,
        )
        if model.folds and model.out_of_fold
        else against_dummy_on_holdout(
            contract, targets, dummies, scores, metric=select_by, seed=seed, clusters=clusters
        )
    )
    checks = tuple(behaviours(criteria.features, table, split, model.estimator, predictor))
    limit = criteria.gates.max_regression
    compared = (
        compare_with(champion, criteria.split, table, holdout, scores, metric=select_by, max_regression=limit)
        if champion
        else None
    )
    metric_shown = select_by if select_by in values else next(iter(values))
    important = importances(table, split, predictor, metric=metric_shown, seed=seed)
    decision = model.decision
    if decision is not None and criteria.decision is not None:
        decision = measured_on_holdout(decision, criteria.decision, contract, targets, scores)
    covered = coverage(contract, targets, scores, seed=seed, clusters=clusters)
    evaluation = Evaluation(
        task=contract.task,
        selected=best.candidate,
        select_by=select_by,
        rows=len(holdout),
        train_rows=len(split.train),
        folds=len(best.scores[select_by].folds) if model.folds else 0,
        level=LEVEL,
        clusters=None if clusters is None else len(np.unique(clusters)),
        resamples=resample_count(len(contract.target.classes), len(holdout)),
        metrics=_measures(contract, targets, scores, dummies, best, intervals),
        recalibration=_recalibration(model, table, split, scores),
        decision=decision,
        coverage=covered,
        importance=important,
        effects=effects(table, split, predictor, [importance.feature for importance in important]),
        slices=slices(criteria.slices, table, holdout, scores, select_by=metric_shown, seed=seed),
        baseline=baseline,
        champion=compared,
        behaviour=checks,
        searches=model.searches,
        notes=(
            *_notes(compared, metric_shown, select_by),
            *_few_clusters(criteria.split, clusters),
            *few_rows(contract, targets),
            *_missed(covered),
            *_doubts(contract, targets, dummies, values, select_by),
            *_too_good(contract, targets, dummies, values, [one.feature for one in important if one.mean > 0]),
            *(f"behaviour: {check.detail}" for check in checks if check.doubtful),
        ),
        **_by_task(contract, targets, scores, per_class, intervals, seed),
    )
    return Assessment(
        evaluation=evaluation,
        metrics=Metrics(
            cross_validated=best.scores,
            holdout=values,
            per_class=per_class,
            intervals={name: interval for name, interval in intervals.items() if name in values},
        ),
        gates=(*judge(criteria.gates.bounds, values), *standing_gates(evaluation)),
    )


def _recalibration(model: Selected, table: Table, split: Split, scores: Matrix) -> Recalibration | None:
    """What calibration changed out of fold and on the holdout."""
    if (found := model.calibration) is None:
        return None
    uncalibrated = SklearnPredictor(found.inside(model.estimator), table.contract.task)
    targets = table.targets[split.holdout]
    before, after = (
        reliability(table.contract, targets, each) for each in (uncalibrated.scores(table.rows[split.holdout]), scores)
    )
    return Recalibration(
        method=found.method, before=found.before, after=found.after, holdout_before=before, holdout_after=after
    )


def _by_task(
    contract: Contract,
    targets: NDArray[Any],
    scores: Matrix,
    per_class: tuple[ClassMetrics, ...],
    intervals: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    if contract.task == "regression":
        return {"residuals": residuals(targets, scores, seed=seed)}
    return {
        "classes": class_reports(targets, scores, per_class, intervals),
        "confusion": confusion(contract, targets, scores),
        "calibration": calibration(contract, targets, scores),
    }


def _measures(
    contract: Contract,
    targets: NDArray[Any],
    scores: Matrix,
    dummies: Matrix,
    best: LeaderboardEntry,
    intervals: dict[str, Any],
) -> dict[str, MetricReport]:
    values = score_metrics(contract, targets, scores, metrics_of(contract.task))
    of_dummy = score_metrics(contract, targets, dummies, metrics_of(contract.task))
    names = dict.fromkeys([*best.scores, *values])
    return {
        name: MetricReport(
            value=values.get(name),
            interval=intervals.get(name),
            cross_validated=spread if (spread := best.scores.get(name)) and np.isfinite(spread.folds).all() else None,
            baseline=of_dummy.get(name),
            higher_is_better=METRICS[name].higher_is_better,
        )
        for name in names
    }


def _doubts(
    contract: Contract, targets: NDArray[Any], dummies: Matrix, holdout: dict[str, float], select_by: str
) -> list[str]:
    """A note where labels were chosen by and the probabilities are worse than none."""
    name = DEFAULT_METRIC[contract.task]
    if contract.task == "regression" or select_by == name:
        return []
    dummy = score_metrics(contract, targets, dummies, [METRICS[name]])[name]
    if holdout[name] <= dummy:
        return []
    values = f"{name} {format_value(holdout[name])}, {format_value(dummy)} by the dummy baseline"
    return [f"the probabilities are worse than constant ones ({values}): rely on labels alone, or leave select_by out"]


def _too_good(
    contract: Contract, targets: NDArray[Any], dummies: Matrix, holdout: dict[str, float], important: list[str]
) -> list[str]:
    """A note of a holdout that is answered nearly without error: few things that are not yet known can be."""
    name = DEFAULT_METRIC[contract.task]
    dummy = score_metrics(contract, targets, dummies, [METRICS[name]])[name]
    if holdout[name] >= _TOO_GOOD * dummy or not important:
        return []
    values = f"{name} {format_value(holdout[name])}, {format_value(dummy)} by the dummy baseline"
    features = " or ".join(important[:2])
    return [
        f"the holdout is answered nearly without error ({values}): is {features} known before {contract.target.name}?"
    ]


def _few_clusters(split: SplitSection, clusters: Clusters | None) -> list[str]:
    """A note where intervals rest on little, whatever the number of rows."""
    if clusters is None or (count := len(np.unique(clusters))) >= _ENOUGH_CLUSTERS:
        return []
    units = f"groups of {split.column}" if split.kind == "group" else f"blocks of time by {split.column}"
    return [f"the holdout has only {count} {units}, so its intervals are rough: enlarge split.holdout"]


def _missed(covered: Coverage | None) -> Iterator[str]:
    """A note where intervals or sets hold less of the holdout than they promise, by more than chance."""
    if covered is not None and covered.interval.high < covered.level:
        what = "sets hold" if covered.bins is None else "intervals hold"
        yield f"{what} {covered.covered:.1%} of the holdout, less than their level {exact_text(covered.level)}"


def few_rows(contract: Contract, targets: NDArray[Any]) -> Iterator[str]:
    """Notes of rare classes of which the holdout has so few rows that their figures are rough."""
    if contract.task == "regression":
        return
    counts = np.bincount(targets, minlength=len(contract.target.classes)).tolist()
    fewest = min(_ENOUGH_ROWS, RARE * len(targets))
    few = [(count, name) for name, count in zip(contract.target.keys, counts, strict=True) if count < fewest]
    if len(few) > _SHOWN_CLASSES:
        named = listed([name for _, name in sorted(few)[:_SHOWN_CLASSES]])
        few_rows = f"the holdout has fewer than {math.ceil(fewest)} rows of {len(few)} classes, fewest of {named}"
        yield f"{few_rows}, so what it says of each of them is rough: enlarge split.holdout"
        return
    for count, name in few:
        rows = f"{count} row{'' if count == 1 else 's'}"
        yield f"the holdout has only {rows} of {name}, so what it says of them is rough: enlarge split.holdout"


def _notes(champion: Champion | None, metric_shown: str, select_by: str) -> tuple[str, ...]:
    notes = []
    if metric_shown != select_by:
        notes.append(f"the holdout cannot tell {select_by}: importance and slices are by {metric_shown}")
    if champion is not None and champion.reason is not None:
        notes.append(f"the active {champion.version} was not compared: {champion.reason}")
    if champion is not None and champion.difference is not None and is_excused(champion):
        notes.append(
            f"{champion.difference.metric} is worse than that of the active {champion.version} by more than "
            "gates.max_regression, but within noise: enlarge split.holdout to tell"
        )
    if champion is not None and champion.unseen is False:
        notes.append(f"the active {champion.version} may have been trained on some of the holdout rows")
    return tuple(notes)
