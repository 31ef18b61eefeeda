"""The training job: read, clean, split, compare candidates, refit the best, measure it once."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

from skylift.errors import ConfigError, TrainingError
from skylift.figures import format_value
from skylift.manifest import Adopted
from skylift.metrics import Gate, LeaderboardEntry, Metrics
from skylift.own_code import NO_CODE, OwnCode
from skylift.predictors import SklearnPredictor
from training.compile.compilation import CompiledModel
from training.config import ModelConfig
from training.data.checks import examine, refuse_failed
from training.data.prepare import table_and_split
from training.data.reader import Progress
from training.data.split import split_rows
from training.data.table import Split, Table
from training.data.target import positive_class
from training.evaluation.assessment import Criteria, Selected, assess
from training.evaluation.behaviour import check_monotone
from training.evaluation.champion import ActiveVersion
from training.evaluation.conformal import check_conformal
from training.evaluation.decision import check_decision, labelled_by
from training.evaluation.gates import check_gates
from training.evaluation.inspection import check_slices
from training.evaluation.report import Evaluation
from training.job.entrants import built, configured_or_default, folds_of
from training.job.finish import finish
from training.metrics.registry import DEFAULT_METRIC, METRICS, selectable
from training.metrics.scores import differ_by_noise, is_better, regression_from, score_metrics
from training.search.ensemble import averaged, cost_of_average
from training.search.finalists import Finalist
from training.search.fitting import (
    Folds,
    LocalRunner,
    Runner,
    threads,
)
from training.search.loop import Result, rank_of, search_candidates
from training.search.meter import Meter, State
from training.search.out_of_fold import OutOfFold
from training.search.own_modules import own_code

type Watch = Callable[[State], None]
"""Told how far the search is, after each fit."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model with all that was learned about it on the way.

    Parameters
    ----------
    config, table, split
        Configuration, table and split that the model was trained from.
    estimator
        Estimator fitted on the training rows.
    compiled
        Compiled form of the estimator, and the predictor of the form that is served.
    selected
        Name of the candidate it is.
    select_by
        Metric that selected the candidate.
    leaderboard
        Every candidate, best first.
    metrics, gates
        Metrics on the folds and the holdout, and the gates that judge them.
    evaluation
        Detailed evaluation on the holdout.
    out_of_fold
        Scores that the selected candidate gives training rows, each by a fit that did not see the row; None if it was
        trained elsewhere.
    notes
        Notes for people who use the model.
    adopted
        File that the model was taken from; None if it was trained here.
    code
        The user's own modules, which the estimator may be made of.
    """

    config: ModelConfig
    table: Table
    split: Split
    estimator: Any
    compiled: CompiledModel
    selected: str
    select_by: str
    leaderboard: tuple[LeaderboardEntry, ...]
    metrics: Metrics
    gates: tuple[Gate, ...]
    notes: tuple[str, ...]
    evaluation: Evaluation
    out_of_fold: OutOfFold | None
    adopted: Adopted | None = None
    code: OwnCode = NO_CODE

    def check_gates(self, *, hint: str = "nothing was published; improve the model or the data") -> None:
        """Refuse a model that is not good enough.

        Parameters
        ----------
        hint
            Next step, for the message.

        Raises
        ------
        GateFailed
            With the metrics and their bounds.
        """
        check_gates(self.gates, rows="holdout", hint=hint)


def train(
    config: ModelConfig,
    *,
    prepared: Path | None = None,
    progress: Progress = lambda _: None,
    watch: Watch = lambda _: None,
    stop: Event | None = None,
    runner: Runner | None = None,
    champion: ActiveVersion | None = None,
) -> Trained:
    """Run the job.

    The same data, configuration and code give the same model and metrics to the byte, whatever it runs on; unless a
    budget ends the search, which a note then says.

    Parameters
    ----------
    prepared
        Folder of prepared files, to read instead of the raw table.
    progress, watch
        Callbacks for the next step in words, and for the state of the search after each fit.
    stop
        Event that ends the search; the job continues with the best candidate so far.
    runner
        Runner of the fits; the local cores if absent.
    champion
        Active version, which the new one must not be much worse than.

    Raises
    ------
    DataError, ConfigError
        See `table_and_split` and `build`; or the table failed a check of `training.data.checks`.
    TrainingError
        No candidate could be fitted.
    """
    stop = stop or Event()
    code = own_code(config.folder, config.candidates)
    table, split = table_and_split(config.table, prepared=prepared, progress=progress)
    select_by = checked(config, table)
    findings = examine(table, split, config.validation)
    refuse_failed(findings)
    folds = replace(folds_of(config, table, split), code=code)
    configured = configured_or_default(config, folds)
    candidates = built(config, folds, configured.candidates)
    meter = Meter(runner or LocalRunner(), watch=watch, stop=stop, budget=config.budget)
    by_labels = config.decision is not None and METRICS[select_by].decides  # which only a whole candidate can have
    race = (not config.candidates or config.budget is not None) and not by_labels
    results = search_candidates(folds, candidates, meter, select_by=select_by, announce=progress, race=race)
    cut = meter.stopped
    results = [_labelled(result, config, folds, select_by) for result in results]
    results.sort(key=lambda result: (-result.rank, not result.entry.scores))  # stable: of equals, the first configured
    best = results[0]
    if best.out_of_fold is None or not math.isfinite(best.rank):
        reasons = "; ".join(f"{result.entry.candidate}: {_reason(result, select_by)}" for result in results)
        raise TrainingError(f"no candidate could be fitted ({reasons})", "fix candidates in model.yaml, or the data")

    finalists, average = [Finalist.of(best, best.out_of_fold)], None
    if _tries(config.ensemble, config):
        average = averaged(folds, results, select_by=select_by)
        if average is not None and config.decision is not None:
            labelled = labelled_by(config.decision, folds.contract, average.entry, average.out_of_fold, folds.targets)
            average = replace(average, entry=labelled)
        if average is not None and is_better(select_by, average.entry.scores[select_by], best.entry.scores[select_by]):
            finalists.insert(0, average)
    if _tries(config.calibrate, config) and table.contract.task == "classification":
        finalists = [finalist.calibrated(folds, select_by=select_by) for finalist in finalists]
    finished = finish(finalists, config, table, split, folds, progress)
    table, entry = finished.table, finished.entry
    board = _leaderboard(results, average, entry.candidate, select_by)
    folds = replace(folds, contract=table.contract)
    searches = tuple(result.report for result in results if result.report is not None)
    with warnings.catch_warnings(), threads(len(folds.rows)):
        warnings.simplefilter("ignore")
        progress("evaluating on the holdout")
        selected = Selected(
            entry=entry,
            select_by=select_by,
            estimator=finished.estimator,
            predictor=finished.compiled.predictor,
            folds=folds,
            out_of_fold=finished.finalist.out_of_fold,
            searches=searches,
            decision=finished.decision,
            calibration=finished.finalist.calibration,
        )
        assessed = assess(selected, table, split, criteria_of(config), champion=champion)
    cut_short = [
        f"{report.candidate}: stopped after {report.tried} of {report.planned} trials"
        for report in searches
        if report.tried < report.planned
    ]
    warned = [f"{result.entry.candidate}: {text}" for result in results for text in result.warned]
    return Trained(
        config=config,
        table=table,
        split=split,
        estimator=finished.estimator,
        compiled=finished.compiled,
        selected=entry.candidate,
        select_by=select_by,
        leaderboard=board,
        metrics=assessed.metrics,
        gates=assessed.gates,
        notes=(
            *table.notes,
            *positive_class(table.contract.target, config.table.target),
            *map(str, findings),
            *configured.notes,
            *_ends(results, cut, config.budget),
            *(cut_short if cut else ()),
            *warned,
            *finished.notes,
            *_calibrated(finished.finalist),
            *_ties(board, select_by),
            *cost_of_average(board, select_by),
            *assessed.evaluation.notes,
            *_beside_random(
                config, table, finished.finalist, folds, assessed.metrics.holdout.get(select_by), select_by
            ),
        ),
        evaluation=assessed.evaluation,
        out_of_fold=finished.finalist.out_of_fold,
        code=code,
    )


def checked(config: ModelConfig, table: Table) -> str:
    """The metric to choose by, once `model.yaml` is known to fit the table.

    Raises
    ------
    ConfigError
        It names a metric of the other task, or a column that cannot be used so.
    """
    task = table.contract.task
    known = [metric.name for metric in selectable(task)]
    select_by = config.select_by or DEFAULT_METRIC[task]
    for key, named in (("select_by is", (select_by,)), ("gates names", tuple(config.gates.bounds))):
        if unknown := [metric for metric in named if metric not in known]:
            raise ConfigError(f"{key} {unknown[0]}, not a {task} metric", f"choose from {', '.join(known)}")
    check_slices(config.evaluation.slices, table.contract)
    check_monotone(config.features, table)
    check_decision(config.decision, table.contract)
    check_conformal(config.intervals, config.sets, table.contract)
    return select_by


def _tries(asked: bool | None, config: ModelConfig) -> bool:
    """Whether more is tried than candidates: those that `model.yaml` names are taken as they are, unless it asks."""
    return not config.candidates if asked is None else asked


def criteria_of(config: ModelConfig) -> Criteria:
    """What the assessment takes from `model.yaml`."""
    return Criteria(
        split=config.split,
        features=config.features,
        slices=config.evaluation.slices,
        gates=config.gates,
        decision=config.decision,
    )


def _labelled(result: Result, config: ModelConfig, folds: Folds, select_by: str) -> Result:
    """A candidate whose labels were measured as they would be served."""
    if config.decision is None or result.out_of_fold is None:
        return result
    entry = labelled_by(config.decision, folds.contract, result.entry, result.out_of_fold, folds.targets)
    return replace(result, entry=entry, rank=rank_of(select_by, entry.scores[select_by].mean))


def _leaderboard(
    results: list[Result], average: Finalist | None, selected: str, select_by: str
) -> tuple[LeaderboardEntry, ...]:
    """Candidates and their average: the selected one, then the others from the best on."""
    entries = [result.entry for result in results]
    if average is not None:
        sign, score = METRICS[select_by].sign, average.entry.scores[select_by].mean
        better = [
            sign * result.entry.scores[select_by].mean >= sign * score
            for result in results
            if _counts(result.entry, select_by)
        ]
        entries.insert(sum(better), average.entry)
    return tuple(sorted(entries, key=lambda entry: entry.candidate != selected))


def _beside_random(
    config: ModelConfig, table: Table, finalist: Finalist, folds: Folds, value: float | None, select_by: str
) -> Iterator[str]:
    """A note where a random holdout would have looked much better than the one by time or group."""
    if table.keys is None or value is None:
        return
    mixed = split_rows(replace(table, keys=None), holdout=config.split.holdout, seed=config.split.seed)
    rows = replace(folds, rows=table.rows[mixed.train], targets=table.targets[mixed.train], keys=None)
    with warnings.catch_warnings(), threads(len(mixed.train)):
        warnings.simplefilter("ignore")  # the search has noted them
        scores = SklearnPredictor(finalist.fit(rows), table.contract.task).scores(table.rows[mixed.holdout])
    promised = score_metrics(table.contract, table.targets[mixed.holdout], scores).get(select_by)
    if promised is not None and regression_from(select_by, promised, value) > config.gates.max_regression:
        yield (
            f"by {config.split.kind} the holdout has {select_by} {format_value(value)}; "
            f"a random one would have shown {format_value(promised)}"
        )


def _ends(results: list[Result], cut: bool, budget: float | None) -> Iterator[str]:
    """Notes of what the search did not measure to its end."""
    for result in results:
        if result.entry.dropped:
            yield f"{result.entry.candidate} was dropped: {result.entry.dropped}"
    if cut and budget is not None:
        yield f"the search ended at its budget of {budget:g} s: on another machine it may choose differently"


def _counts(entry: LeaderboardEntry, select_by: str) -> bool:
    """Whether an entry was measured in every fold."""
    return entry.dropped is None and select_by in entry.scores and math.isfinite(entry.scores[select_by].mean)


def _ties(board: Sequence[LeaderboardEntry], select_by: str) -> list[str]:
    """A note of the candidates that chance alone put behind the best."""
    best, *others = [entry for entry in board if _counts(entry, select_by)]
    near = [entry.candidate for entry in others if differ_by_noise(best.scores[select_by], entry.scores[select_by])]
    return (
        [f"{best.candidate} was selected within noise of {', '.join(near)} (cross-validated {select_by})"]
        if near
        else []
    )


def _calibrated(finalist: Finalist) -> Iterator[str]:
    """A note of probabilities that are not those of the candidate."""
    if (found := finalist.calibration) is not None:
        before, after = (format_value(side.log_loss) for side in (found.before, found.after))
        name = finalist.entry.candidate
        yield f"probabilities of {name} are calibrated ({found.method}): log loss {before} to {after} out of fold"


def _reason(result: Result, select_by: str) -> str:
    return result.entry.failure or f"{select_by} could not be measured"
