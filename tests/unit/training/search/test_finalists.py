"""A finalist is fitted as its candidates were, and an average answers as the weighted mean of them."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.metrics import LeaderboardEntry
from training.config import Candidate
from training.data.split_keys import SplitKeys
from training.search.candidates import build
from training.search.finalists import Finalist, Member
from training.search.fitting import Folds, cut_folds
from training.search.out_of_fold import OutOfFold

ROWS = np.random.default_rng(0).normal(size=(60, 2))
LABELS = (ROWS[:, 0] + 0.5 * ROWS[:, 1] > 0).astype(int)
ENTRY = LeaderboardEntry(candidate="ensemble", estimator="x.Y", params={}, scores={})
NOTHING = OutOfFold.joined([(np.array([0]), np.array([0.0]))])


def folds_of(targets: Any, *, classes: tuple[str, ...] = (), keys: SplitKeys | None = None) -> Folds:
    features = tuple(Feature(name=name, kind="number", min=-3, max=3) for name in ("a", "b"))
    task: Any = "classification" if classes else "regression"
    contract = Contract(task=task, features=features, target=Target(name="y", classes=classes))
    return cut_folds(contract, ROWS, targets, seed=0, nested=False, keys=keys)


class TestAlone:
    def test_it_is_the_candidate_itself(self) -> None:
        fitted = Finalist(ENTRY, (Member("ridge", Ridge()),), NOTHING).fit(folds_of(ROWS[:, 0]))

        assert type(fitted) is Ridge


class TestAverage:
    def test_probabilities_are_the_weighted_mean(self) -> None:
        folds = folds_of(LABELS, classes=("no", "yes"))
        members = (Member("tree", DecisionTreeClassifier(max_depth=2), 2), Member("linear", LogisticRegression()))

        vote = Finalist(ENTRY, members, NOTHING).fit(folds)

        tree, linear = (member.estimator.fit(ROWS, LABELS).predict_proba(ROWS) for member in members)
        np.testing.assert_allclose(vote.predict_proba(ROWS), (2 * tree + linear) / 3)
        assert vote.predict(ROWS).tolist() == (2 * tree + linear).argmax(axis=1).tolist()

    def test_values_are_the_weighted_mean(self) -> None:
        folds = folds_of(ROWS[:, 0])
        members = (Member("tree", DecisionTreeRegressor(max_depth=2), 1), Member("linear", Ridge(), 3))

        vote = Finalist(ENTRY, members, NOTHING).fit(folds)

        tree, linear = (member.estimator.fit(ROWS, ROWS[:, 0]).predict(ROWS) for member in members)
        np.testing.assert_allclose(vote.predict(ROWS), (tree + 3 * linear) / 4)

    def test_it_is_what_its_own_fit_would_leave(self) -> None:
        folds = folds_of(LABELS, classes=("no", "yes"))
        members = (Member("tree", DecisionTreeClassifier(max_depth=2)), Member("linear", LogisticRegression()))

        vote = Finalist(ENTRY, members, NOTHING).fit(folds)

        again = Finalist(ENTRY, members, NOTHING).fit(folds).fit(ROWS, LABELS)
        assert vars(vote).keys() == vars(again).keys()
        assert vote.n_features_in_ == again.n_features_in_ == 2
        np.testing.assert_array_equal(vote.predict_proba(ROWS), again.predict_proba(ROWS))

    @pytest.mark.parametrize("kind", ["time", "group"])
    def test_members_that_cut_their_rows_again_cut_them_by_the_keys(self, kind: Any) -> None:
        keys = SplitKeys(kind, np.arange(60.0) // 3)
        folds = folds_of(LABELS, classes=("no", "yes"), keys=keys)
        vectors = build(Candidate(name="svm", estimator="sklearn.svm.LinearSVC"), folds.contract, folds=3, seed=0)
        members = (Member("svm", vectors.with_params({})), Member("linear", LogisticRegression()))

        vote = Finalist(ENTRY, members, NOTHING).fit(folds)

        alone = Finalist(ENTRY, members[:1], NOTHING).fit(folds)
        np.testing.assert_array_equal(vote.estimators_[0].predict_proba(ROWS), alone.predict_proba(ROWS))
