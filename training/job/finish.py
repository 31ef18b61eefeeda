"""Fits a finalist on all training rows, with what its out-of-fold answers decide, and compiles it."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from skylift.metrics import LeaderboardEntry
from training.compile.compilation import CompiledModel, compile_model
from training.config import ModelConfig
from training.data.table import Split, Table
from training.evaluation.class_report import Decision
from training.evaluation.conformal import margins, sets
from training.evaluation.decision import choose
from training.search.finalists import Finalist
from training.search.fitting import Folds, all_cores, threads


@dataclass(frozen=True, slots=True)
class Finished:
    """A finalist that was fitted.

    Parameters
    ----------
    finalist
        The finalist.
    entry
        Leaderboard entry, measured as answers are labelled.
    decision
        Choice of its threshold; None if its label is the most probable class.
    table
        Table whose contract holds threshold, margins and sets.
    estimator
        Estimator fitted on the training rows.
    compiled
        Compiled form of the estimator.
    notes
        Why a better finalist was not taken.
    """

    finalist: Finalist
    entry: LeaderboardEntry
    decision: Decision | None
    table: Table
    estimator: Any
    compiled: CompiledModel
    notes: tuple[str, ...]


def finish(
    finalists: Sequence[Finalist],
    config: ModelConfig,
    table: Table,
    split: Split,
    folds: Folds,
    progress: Callable[[str], None],
) -> Finished:
    """Fit and compile the best finalist that compiles; where none does, the last.

    A model that is not compiled answers a hundred times slower, which no average is worth.

    Parameters
    ----------
    finalists
        Models that could be published, the best first.
    folds
        Training rows.
    progress
        Callback for the next step in words.

    Raises
    ------
    ConfigError
        There are too few rows for intervals or sets of the level in `model.yaml`.
    """
    notes: list[str] = []
    for finalist in finalists:
        finished = _finished(finalist, config, table, split, folds, progress, tuple(notes))
        if finished.compiled.data is not None:
            break
        reason = finished.compiled.outcome.reason
        notes.append(f"{finalist.entry.candidate} was not taken, because it does not compile ({reason})")
    return finished


def _finished(
    finalist: Finalist,
    config: ModelConfig,
    table: Table,
    split: Split,
    folds: Folds,
    progress: Callable[[str], None],
    notes: tuple[str, ...],
) -> Finished:
    entry, out_of_fold, decision = finalist.entry, finalist.out_of_fold, None
    if config.decision is not None:
        decision, _ = choose(config.decision, table.contract, out_of_fold, folds.targets)
        table = replace(table, contract=table.contract.with_target(threshold=decision.threshold))
    promised: dict[str, Any] = {}
    if config.intervals is not None:
        promised["margins"] = margins(config.intervals, out_of_fold, folds.targets)
    if config.sets is not None:
        promised["sets"] = sets(config.sets, out_of_fold, folds.targets)
    table = replace(table, contract=table.contract.with_target(**promised)) if promised else table
    progress(f"refitting {entry.candidate}")
    with warnings.catch_warnings(), threads(len(folds.rows)):
        warnings.simplefilter("ignore")  # the search has noted them
        with all_cores(len(folds.rows)):
            estimator = finalist.fit(folds)
        progress("compiling")
        compiled = compile_model(estimator, table, split)
    return Finished(finalist, entry, decision, table, estimator, compiled, notes)
