"""The training job: read, clean, split, compare candidates, refit the best, measure it once."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from skylift.errors import ConfigError, GateFailed, TrainingError
from skylift.manifest import Entry, Gate, Metrics, Spread
from skylift.predictors import SklearnPredictor
from training.candidates import Built, build, candidates_for
from training.checks import suspicions
from training.config import Candidate, ModelConfig
from training.data import Split, Table
from training.evaluation import DEFAULT_METRIC, holdout_metrics, judge, scorers, spread
from training.prepare import table_and_split
from training.tables import Progress

_FOLDS = 5
_SMALL = 10_000
_FIT_FAILURES = (ValueError, TypeError, ArithmeticError, AttributeError, LookupError, MemoryError)


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model with all that was learned about it on the way.

    Parameters
    ----------
    config, table, split
        What it was made from.
    estimator
        Fitted on the training rows.
    selected
        Name of the candidate it is.
    select_by
        The metric it was chosen by.
    leaderboard
        Every candidate, best first.
    metrics, gates
        How good it is, and whether that is enough.
    notes
        What a reader should know.
    """

    config: ModelConfig
    table: Table
    split: Split
    estimator: Any
    selected: str
    select_by: str
    leaderboard: tuple[Entry, ...]
    metrics: Metrics
    gates: tuple[Gate, ...]
    notes: tuple[str, ...]

    def check_gates(self) -> None:
        """Refuse a model that is not good enough.

        Raises
        ------
        GateFailed
            With the metrics and their bounds.
        """
        if failed := [str(gate) for gate in self.gates if not gate.passed]:
            raise GateFailed(
                f"gate failed on the holdout: {', '.join(failed)}",
                "nothing was published; improve the model or the data",
            )


@dataclass(frozen=True, slots=True)
class _Result:
    """A candidate after its search."""

    built: Built
    entry: Entry
    best: dict[str, Any]
    rank: float


def train(config: ModelConfig, *, prepared: Path | None = None, progress: Progress = lambda _: None) -> Trained:
    """Run the job.

    The same data, configuration and code give the same model and metrics to the byte.

    Parameters
    ----------
    prepared
        Folder of prepared files, to read instead of the raw table.

    Raises
    ------
    DataError, ConfigError
        See `table_and_split` and `build`.
    TrainingError
        No candidate could be fitted.
    """
    table, split = table_and_split(config, prepared=prepared, progress=progress)
    contract = table.contract
    select_by = config.select_by or DEFAULT_METRIC[contract.task]
    scoring = scorers(contract.task, len(contract.target.classes))
    if select_by not in scoring:
        raise ConfigError(
            f"select_by is {select_by}, no metric of a {contract.task}", f"there are: {', '.join(scoring)}"
        )
    if unknown := [metric for metric in config.gates if metric not in scoring]:
        raise ConfigError(
            f"gates names {unknown[0]}, no metric of a {contract.task}", f"there are: {', '.join(scoring)}"
        )

    notes = [*table.notes, *suspicions(table, config)]
    results: list[_Result] = []
    candidates = candidates_for(contract.task, config.candidates, len(split.train))
    for number, candidate in enumerate(candidates, start=1):
        progress(f"candidate {number} of {len(candidates)}: {candidate.name}")
        result, warned = _search(candidate, table, split, config.split.seed, scoring, select_by)
        results.append(result)
        notes += [f"{candidate.name}: {text}" for text in warned]
    results.sort(key=lambda result: -result.rank)  # stable: of equals, the first configured
    best = results[0]
    if best.entry.failure is not None:
        reasons = "; ".join(f"{result.entry.candidate}: {result.entry.failure}" for result in results)
        raise TrainingError(f"no candidate could be fitted ({reasons})", "mend candidates in model.yaml, or the data")

    progress(f"refitting {best.entry.candidate}")
    estimator = best.built.estimator.set_params(**best.best)
    with warnings.catch_warnings(), _threads(table):
        warnings.simplefilter("ignore")  # the search has noted them
        estimator.fit(table.rows[split.train], table.targets[split.train])
    scores = SklearnPredictor(estimator, contract.task).scores(table.rows[split.holdout])
    holdout, per_class = holdout_metrics(contract, table.targets[split.holdout], scores)
    return Trained(
        config=config,
        table=table,
        split=split,
        estimator=estimator,
        selected=best.entry.candidate,
        select_by=select_by,
        leaderboard=tuple(result.entry for result in results),
        metrics=Metrics(cross_validated=best.entry.scores, holdout=holdout, per_class=per_class),
        gates=judge(config.gates, holdout),
        notes=tuple(notes),
    )


def _search(
    candidate: Candidate, table: Table, split: Split, seed: int, scoring: dict[str, Any], select_by: str
) -> tuple[_Result, list[str]]:
    """Cross-validate a candidate over its grid; the result, and what was warned of."""
    rows, targets = table.rows[split.train], table.targets[split.train]
    classifies = table.contract.task == "classification"
    folds = _folds(targets) if classifies else int(np.clip(len(targets) // 2, 2, _FOLDS))  # r2 needs two rows
    inner = max(2, min(folds, _rarest(targets) * (folds - 1) // folds)) if classifies else folds
    built = build(candidate, table.contract, folds=inner, seed=seed)
    splitter = (StratifiedKFold if classifies else KFold)(folds, shuffle=True, random_state=seed)
    search = GridSearchCV(built.estimator, built.grid, scoring=scoring, refit=False, cv=splitter, error_score="raise")
    with warnings.catch_warnings(record=True) as caught, _threads(table):
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", FitFailedWarning)
        try:
            search.fit(rows, targets)
        except _FIT_FAILURES as error:
            entry = _entry(built, {}, {}, failure=" ".join(str(error).split())[:300])
            return _Result(built, entry, {}, -np.inf), []
    table_of_results = search.cv_results_
    ranks = table_of_results[f"mean_test_{select_by}"]
    best = int(np.argmax(ranks))
    found: dict[str, Any] = table_of_results["params"][best]
    scores = {
        metric: spread(metric, [table_of_results[f"split{fold}_test_{metric}"][best] for fold in range(folds)])
        for metric in scoring
    }
    return _Result(built, _entry(built, found, scores), found, float(ranks[best])), _brief(caught)


def _entry(built: Built, found: dict[str, Any], scores: dict[str, Spread], failure: str | None = None) -> Entry:
    candidate = built.candidate
    named = {path.rpartition("__")[2]: value for path, value in found.items()}
    return Entry(
        candidate=candidate.name,
        estimator=candidate.estimator,
        params={name: _plain(value) for name, value in (candidate.params | named).items()},
        scores=scores,
        failure=failure,
    )


def _threads(table: Table) -> threadpool_limits:
    """One thread of compiled code for a small table, where more cost time, and much of it on a busy machine."""
    return threadpool_limits(1 if len(table.rows) < _SMALL else None)


def _plain(value: Any) -> Any:
    """A parameter as the leaderboard shows it: what is not a scalar or a list of them, as text."""
    scalars = value if isinstance(value, list) else [value]
    return value if all(item is None or isinstance(item, bool | int | float | str) for item in scalars) else str(value)


def _folds(targets: Any) -> int:
    """As many folds as the rarest class has rows, within two and five."""
    return int(np.clip(_rarest(targets), 2, _FOLDS))


def _rarest(targets: Any) -> int:
    """Rows of the rarest class."""
    return int(np.bincount(targets)[np.unique(targets)].min())


def _brief(caught: Iterable[warnings.WarningMessage]) -> list[str]:
    """The distinct first lines of warnings."""
    return list(dict.fromkeys(str(warning.message).strip().splitlines()[0] for warning in caught))
