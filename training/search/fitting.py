"""Single fits, and what runs many of them: this process, its cores, or a Dask cluster."""

import sys
import time
import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Protocol

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import ThreadpoolController

from skylift.contract import Contract
from skylift.errors import FOREIGN_FAILURES, DataError
from skylift.own_code import NO_CODE, OwnCode
from skylift.predictors import SklearnPredictor
from skylift.scoring import Matrix
from training.data.split_keys import SplitKeys, cut_by
from training.metrics.scores import score_metrics
from training.search.inner_cuts import fit_by
from training.search.preparation import MISSING_CODE
from training.search.processes import belong_to_the_main_process

_FAILURES_OF_LIBRARIES = {"catboost": "CatBoostError", "lightgbm.basic": "LightGBMError"}
SMALL = 10_000
MAX_FOLDS = 5
INNER_FOLDS = 3
SURE_ROWS = 6
"""So many rows of each class are in any share of the training rows."""

_WORTH_WORKERS_SECONDS = 8.0  # starting them and importing scikit-learn there costs about two

type Indices = NDArray[np.int32]
type Fold = tuple[Indices, Indices]
"""Rows for training, and rows to measure on."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Folds:
    """The training rows with all their folds, sent to each worker once.

    Parameters
    ----------
    contract, rows, targets, seed
        Training rows with their contract, targets and the random seed.
    outer
        Folds of the cross-validation that is reported.
    inner
        Folds that parameters are chosen by, for each of the outer training sets, and at the end for all rows.
    keys
        Keys of the rows that no cut may part; None for random folds.
    code
        The user's own modules, which estimators may be made of.
    """

    contract: Contract
    rows: Matrix
    targets: NDArray[Any]
    seed: int
    outer: tuple[Fold, ...]
    inner: tuple[tuple[Fold, ...], ...]
    keys: SplitKeys | None = None
    code: OwnCode = NO_CODE

    def fit(self, estimator: Any, chosen: NDArray[Any] | None = None) -> Any:
        """Fit an estimator on some of the rows, or on all; returns it."""
        places = np.arange(len(self.targets)) if chosen is None else chosen
        return fit_by(
            self.keys.take(places) if self.keys else None,
            estimator,
            without_empty_columns(self.rows[places], self.contract),
            self.targets[places],
            classifies=self.contract.task == "classification",
            seed=self.seed,
        )


def without_empty_columns(rows: Matrix, contract: Contract) -> Matrix:
    """Training rows, where a column without a single value has the same one in all of them.

    Nothing can be learned of it either way, but scikit-learn's boosting raises an error, and a fold in time often has
    such a column: what began to be measured later.

    Parameters
    ----------
    rows
        Encoded rows, float64 `[n, width]`.
    """
    empty = np.isnan(rows).all(axis=0)
    if not empty.any():
        return rows
    nominal = [lead for lead, feature in zip(contract.leads, contract.features, strict=True) if feature.is_nominal]
    fill = np.zeros(contract.width)
    fill[nominal] = MISSING_CODE
    return np.where(empty, fill, rows)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """One estimator to fit and measure.

    Parameters
    ----------
    estimator
        Unfitted estimator, and left so: many fits may share it.
    fold
        Place in `Folds.outer`; with `inner`, in `Folds.inner[inner]`.
    inner
        Place of an inner cross-validation in `Folds.inner`; None for the reported one.
    trial
        Number of the trial whose parameters the estimator has.
    rows
        Number of rows for training; None for all.
    """

    estimator: Any
    fold: int
    inner: int | None = None
    trial: int = 0
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a fit: its metrics, or why it has none.

    Parameters
    ----------
    answers
        Scores of the rows it was measured on, where those are of a reported fold.
    """

    scores: dict[str, float]
    warned: tuple[str, ...]
    seconds: float
    failure: str | None = None
    answers: Matrix | None = field(default=None, compare=False)


class Runner(Protocol):
    """Runs fits somewhere."""

    def run(self, folds: Folds, fits: Sequence[Fit]) -> Generator[tuple[Fit, Outcome]]:
        """Run fits; each comes with its outcome as it ends, in any order."""
        ...


def cut_folds(
    contract: Contract,
    rows: Matrix,
    targets: NDArray[Any],
    *,
    seed: int,
    nested: bool,
    keys: SplitKeys | None = None,
    most: int | None = None,
) -> Folds:
    """Cut training rows for cross-validation.

    Parameters
    ----------
    nested
        Whether parameters are searched for.
    most
        Number of rows to draw, classes in proportion, if there are more: the others are in no fold. None for all.
    keys
        Keys of the rows that no fold may cut anywhere else; None for random folds.

    Raises
    ------
    DataError
        The keys leave no fold that can be learned.
    """
    classifies = contract.task == "classification"
    drawn = stratified_head(targets, most or len(targets), classifies=classifies, seed=seed)
    count = min(MAX_FOLDS, smallest_class(targets[drawn])) if classifies else len(drawn) // 2  # r2 needs two rows
    outer = _split(drawn, targets, int(np.clip(count, 2, MAX_FOLDS)), seed, classifies, keys)
    searched = [*(train for train, _ in outer), drawn.astype(np.int32)] if nested else []
    inner = [_split(part, targets, inner_folds(targets[part], classifies), seed, classifies, keys) for part in searched]
    return Folds(contract, rows, targets, seed, outer, tuple(inner), keys)


def inner_folds(targets: NDArray[Any], classifies: bool) -> int:
    """As many inner folds as the rarest class has rows, within two and three."""
    count = smallest_class(targets) if classifies else len(targets) // 2
    return int(np.clip(count, 2, INNER_FOLDS))


def smallest_class(targets: NDArray[Any]) -> int:
    """Rows of the rarest class."""
    return int(np.unique(targets, return_counts=True)[1].min())


def _split(
    rows: NDArray[Any], targets: NDArray[Any], folds: int, seed: int, classifies: bool, keys: SplitKeys | None
) -> tuple[Fold, ...]:
    if keys is not None:
        pairs = cut_by(keys.take(rows), folds, seed, targets[rows] if classifies else None)
        return tuple((rows[train].astype(np.int32), rows[test].astype(np.int32)) for train, test in pairs)
    splitter = (StratifiedKFold if classifies else KFold)(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a class with fewer rows than folds: it is measured as far as that goes
        return tuple(
            (rows[train].astype(np.int32), rows[test].astype(np.int32))
            for train, test in splitter.split(rows, targets[rows])
        )


def stratified_head(targets: NDArray[Any], rows: int, *, classifies: bool, seed: int) -> NDArray[np.intp]:
    """Places of some rows, classes in proportion; the share of a smaller number is part of that of a larger."""
    order = np.random.default_rng(seed).permutation(len(targets))
    if not classifies:
        return np.sort(order[:rows])
    codes, counts = np.unique(targets, return_counts=True)
    place = np.empty(len(targets))
    for code, count in zip(codes, counts, strict=True):
        of_class = order[targets[order] == code]
        place[of_class] = np.maximum(np.arange(count) - SURE_ROWS + 1, 0) / count
    return np.sort(np.argsort(place, kind="stable")[:rows])


def fit_and_score(folds: Folds, fit: Fit) -> Outcome:
    """Fit once and measure; a failure of the estimator is an outcome as well."""
    train, test = folds.outer[fit.fold] if fit.inner is None else folds.inner[fit.inner][fit.fold]
    if fit.rows is not None and fit.rows < len(train):
        classifies = folds.contract.task == "classification"
        train = train[stratified_head(folds.targets[train], fit.rows, classifies=classifies, seed=folds.seed)]
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught, threads(len(folds.rows)):
        warnings.simplefilter("always")
        try:
            estimator = folds.fit(clone(fit.estimator), train)
            scores = SklearnPredictor(estimator, folds.contract.task).scores(folds.rows[test])
            values = score_metrics(folds.contract, folds.targets[test], scores)
        except fit_failures() as error:
            return Outcome({}, (), time.perf_counter() - started, _failure(error, folds.code))
    answers = scores if fit.inner is None else None
    return Outcome(values, brief(caught), time.perf_counter() - started, answers=answers)


def fit_failures() -> tuple[type[Exception], ...]:
    """What estimators raise that cannot be fitted; those of the libraries that are in use have classes of their own."""
    imported = [(sys.modules.get(module), name) for module, name in _FAILURES_OF_LIBRARIES.items()]
    of_libraries: list[type[Exception]] = [getattr(module, name) for module, name in imported if module is not None]
    return (DataError, OSError, *FOREIGN_FAILURES, *of_libraries)


def _failure(error: Exception, code: OwnCode) -> str:
    """What an estimator says of its failure, and the line of the user's own code that it came from."""
    said = " ".join(str(error).split())[:300] or type(error).__name__
    place = code.place_of(error)
    return f"{place}: {type(error).__name__}: {said}" if place else said


def brief(caught: Iterable[warnings.WarningMessage]) -> tuple[str, ...]:
    """The distinct first lines of warnings."""
    return tuple(dict.fromkeys(str(warning.message).strip().splitlines()[0] for warning in caught))


@contextmanager
def threads(rows: int) -> Iterator[None]:
    """One thread of compiled code for a small table, where more cost time, and much of it on a busy machine."""
    with ExitStack() as stack:
        if rows < SMALL:
            stack.enter_context(_controller(len(sys.modules)).limit(limits=1))
        yield


@contextmanager
def all_cores(rows: int) -> Iterator[None]:
    """Several threads for the members of an ensemble that is fitted on a large table: none depends on another."""
    with ExitStack() as stack:
        if rows >= SMALL:
            stack.enter_context(joblib.parallel_config(backend="threading", n_jobs=joblib.cpu_count()))
        yield


@lru_cache(maxsize=1)
def _controller(_modules: int) -> ThreadpoolController:
    """The thread pools of this process, looked for again only where modules were imported since."""
    return ThreadpoolController()


class LocalRunner:
    """The process itself, and all cores where the table is large or the rest of the fits takes long enough.

    Each process computes with its share of the cores, so that together they do not ask for more than there are.

    Parameters
    ----------
    workers
        Largest number of processes; by default one for each core.
    worth
        Seconds of work that make it worth starting processes.
    """

    def __init__(self, workers: int | None = None, *, worth: float = _WORTH_WORKERS_SECONDS) -> None:
        self._workers = workers or joblib.cpu_count()
        self._worth = worth

    def run(self, folds: Folds, fits: Sequence[Fit]) -> Generator[tuple[Fit, Outcome]]:
        """Run fits; see `Runner.run`."""
        spent = 0.0
        at_once = len(folds.rows) >= SMALL
        for done, fit in enumerate(fits):
            left = len(fits) - done
            if min(self._workers, left) > 1 and (at_once or (done and spent / done * left > self._worth)):
                yield from self._parallel(folds, fits[done:])
                return
            outcome = fit_and_score(folds, fit)
            spent += outcome.seconds
            yield fit, outcome

    def _parallel(self, folds: Folds, fits: Sequence[Fit]) -> Generator[tuple[Fit, Outcome]]:
        """Run fits in processes; what a process leaves that dies, out of memory or by Ctrl-C, is done here."""
        left = dict.fromkeys(fits)
        try:
            for fit, outcome in run_parallel(folds, fits, n_jobs=self._workers, backend="loky"):
                del left[fit]
                yield fit, outcome
        except (BrokenProcessPool, KeyboardInterrupt):  # of a worker: this is not the main thread
            for fit in list(left):
                yield fit, fit_and_score(folds, fit)


def run_parallel(folds: Folds, fits: Sequence[Fit], **options: Any) -> Generator[tuple[Fit, Outcome]]:
    """Run fits by joblib.

    Parameters
    ----------
    options
        Options of `joblib.Parallel`.
    """
    parallel = joblib.Parallel(return_as="generator_unordered", **options)
    sent = (replace(fit, estimator=folds.code.dumps(fit.estimator)) if folds.code else fit for fit in fits)
    outcomes = parallel(joblib.delayed(_numbered)(number, folds, fit) for number, fit in enumerate(sent))
    try:
        for number, outcome in outcomes:
            yield fits[number], outcome
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of fits that a stop leaves unfinished
            outcomes.close()


def _numbered(number: int, folds: Folds, fit: Fit) -> tuple[int, Outcome]:
    belong_to_the_main_process()
    with joblib.parallel_config(backend="sequential"):  # every core has a fit already; and sums keep their order
        if folds.code:  # whose modules a process finds in the folds alone
            fit = replace(fit, estimator=folds.code.loads(fit.estimator))
        return number, fit_and_score(folds, fit)
