"""Rows are cut without leaking, a fit becomes an outcome whatever happens, and runners give each one back."""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skylift.contract import Contract, Target
from skylift.feature import Feature
from tests.support.manifests import FLOWERS
from training.config import Candidate
from training.search.candidates import build
from training.search.fitting import (
    Fit,
    Folds,
    LocalRunner,
    cut_folds,
    fit_and_score,
    inner_folds,
    stratified_head,
)

NUMBERS = Contract(task="regression", features=(Feature(name="x", kind="number"),), target=Target(name="y"))


def folds_of(targets: list[int], *, nested: bool = True) -> Folds:
    rows = np.arange(float(len(targets))).reshape(-1, 1)
    return cut_folds(FLOWERS, rows, np.array(targets), seed=0, nested=nested)


LATE = Contract(
    task="regression",
    features=(
        Feature(name="x", kind="number"),
        Feature(name="late", kind="number", required=False),
        Feature(name="city", kind="category", categories=("Oslo", "Rome"), required=False),
    ),
    target=Target(name="y"),
)
"""Two features that began to be measured later."""


class CountsRows(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Gives all rows the same probabilities, and warns of the number of rows it was fitted on."""

    def fit(self, rows: Any, targets: Any) -> "CountsRows":
        self.classes_ = np.unique(targets)
        warnings.warn(f"{len(rows)} rows\nand more", stacklevel=1)
        warnings.warn(f"{len(rows)} rows\nand others", stacklevel=1)
        return self

    def predict_proba(self, rows: Any) -> Any:
        return np.tile([0.75, 0.25], (len(rows), 1))


class TestFolds:
    def test_each_row_is_measured_once(self) -> None:
        folds = folds_of([0, 1] * 20)

        assert sorted(np.concatenate([test for _, test in folds.outer])) == list(range(40))

    def test_an_inner_cut_never_sees_a_row_that_its_outer_fold_is_measured_on(self) -> None:
        folds = folds_of([0, 1] * 20)

        for (_, measured), inner in zip(folds.outer, folds.inner, strict=False):
            for train_rows, test_rows in inner:
                assert not {*train_rows, *test_rows} & {*measured}

    def test_the_last_inner_cuts_are_of_all_rows(self) -> None:
        folds = folds_of([0, 1] * 20)

        assert len(folds.inner) == len(folds.outer) + 1
        assert sorted(np.concatenate([test for _, test in folds.inner[-1]])) == list(range(40))

    def test_nothing_is_cut_twice_where_nothing_is_searched_for(self) -> None:
        assert folds_of([0, 1] * 20, nested=False).inner == ()

    def test_a_share_of_the_rows_has_every_class_and_grows(self) -> None:
        targets = np.array([0] * 90 + [1] * 10)

        small, large = (stratified_head(targets, rows, classifies=True, seed=1) for rows in (30, 60))

        assert set(small) < set(large)
        assert np.bincount(targets[small]).min() >= 6

    def test_a_share_of_a_regression_is_drawn_by_the_seed(self) -> None:
        first, again, other = (
            stratified_head(np.arange(50.0), 10, classifies=False, seed=seed).tolist() for seed in (1, 1, 2)
        )

        assert first == again != other
        assert len({*first}) == 10

    @pytest.mark.parametrize(("rarest", "outer", "inner"), [(2, 2, 2), (3, 3, 2), (10, 5, 3)])
    def test_a_rare_class_lowers_the_number_of_folds(self, rarest: int, outer: int, inner: int) -> None:
        folds = folds_of([0] * 30 + [1] * rarest)

        assert len(folds.outer) == outer
        assert len(folds.inner[0]) == inner

    @pytest.mark.parametrize(("rows", "folds"), [(4, 2), (5, 2), (6, 3), (100, 5)])
    def test_each_fold_of_a_regression_is_measured_on_two_rows_or_more(self, rows: int, folds: int) -> None:
        made = cut_folds(NUMBERS, np.zeros((rows, 1)), np.arange(float(rows)), seed=0, nested=False)

        assert len(made.outer) == folds
        assert min(len(measured) for _, measured in made.outer) >= 2

    def test_inner_folds_of_a_regression_are_two_or_three(self) -> None:
        assert [inner_folds(np.arange(float(rows)), False) for rows in (3, 5, 6, 100)] == [2, 2, 3, 3]


class TestOutcome:
    def test_it_has_the_metrics_of_the_measured_rows(self) -> None:
        folds = folds_of([0, 1] * 20)

        outcome = fit_and_score(folds, Fit(CountsRows(), 0))

        assert outcome.failure is None
        assert outcome.scores["accuracy"] == 0.5
        assert outcome.scores["log_loss"] == pytest.approx(-np.log([0.75, 0.25]).mean())

    def test_the_estimator_stays_unfitted(self) -> None:
        estimator = LogisticRegression()

        fit_and_score(folds_of([0, 1] * 20), Fit(estimator, 0))

        assert not hasattr(estimator, "coef_")

    @pytest.mark.parametrize(
        ("fit", "rows"),
        [(Fit(CountsRows(), 0), 32), (Fit(CountsRows(), 0, rows=20), 20), (Fit(CountsRows(), 0, inner=0), 21)],
        ids=["of all rows", "of a share", "of an inner fold"],
    )
    def test_warnings_are_told_once_by_their_first_line(self, fit: Fit, rows: int) -> None:
        assert fit_and_score(folds_of([0, 1] * 20), fit).warned == (f"{rows} rows",)

    @pytest.mark.parametrize("name", ["sklearn.ensemble.HistGradientBoostingRegressor", "sklearn.linear_model.Ridge"])
    def test_a_fold_may_lack_every_value_of_a_column(self, name: str) -> None:
        rows = np.column_stack([np.arange(60.0), np.full(60, np.nan), np.full(60, np.nan)])
        rows[50:, 1:] = 1.0
        targets = rows[:, 0]
        early, late = np.arange(40, dtype=np.int32), np.arange(40, 60, dtype=np.int32)
        folds = Folds(LATE, rows, targets, 0, ((early, late),), ())
        estimator = build(Candidate(name="it", estimator=name), LATE, folds=2, seed=0).estimator

        outcome = fit_and_score(folds, Fit(estimator, 0))

        assert outcome.failure is None
        assert np.isfinite(outcome.scores["rmse"])

    def test_a_fit_that_fails_is_an_outcome_as_well(self) -> None:
        outcome = fit_and_score(folds_of([0, 1] * 20), Fit(DecisionTreeClassifier(max_depth=-1), 0))

        assert (outcome.failure or "").startswith("The 'max_depth' parameter")
        assert outcome.scores == {}


class TestLocalRunner:
    def test_each_fit_comes_back_with_its_outcome(self) -> None:
        folds = folds_of([0, 1] * 20)
        fits = [Fit(DecisionTreeClassifier(max_depth=depth), 0, trial=depth) for depth in (-1, 1, 2)]

        outcomes = dict(LocalRunner(1).run(folds, fits))

        assert list(outcomes) == fits
        assert [outcomes[fit].failure is None for fit in fits] == [False, True, True]

    def test_processes_are_started_only_for_what_takes_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        fits = [Fit(CountsRows(), fold) for fold in range(5)]
        parallel: list[Fit] = []

        def run_parallel(folds: Folds, rest: list[Fit], **_: Any) -> Any:
            parallel.extend(rest)
            yield from ((fit, fit_and_score(folds, fit)) for fit in rest)

        monkeypatch.setattr("training.search.fitting.run_parallel", run_parallel)
        folds = folds_of([0, 1] * 20)

        here = [fit for fit, _ in LocalRunner(2, worth=1e6).run(folds, fits)]
        assert (here, parallel) == (fits, [])
        spread = [fit for fit, _ in LocalRunner(2, worth=0).run(folds, fits)]
        assert (spread, parallel) == (fits, fits[1:])

    def test_what_a_process_leaves_that_is_interrupted_is_done_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        fits = [Fit(CountsRows(), fold) for fold in range(5)]

        def run_parallel(folds: Folds, rest: list[Fit], **_: Any) -> Any:
            yield rest[0], fit_and_score(folds, rest[0])
            raise KeyboardInterrupt

        monkeypatch.setattr("training.search.fitting.run_parallel", run_parallel)

        assert [fit for fit, _ in LocalRunner(2, worth=0).run(folds_of([0, 1] * 20), fits)] == fits
