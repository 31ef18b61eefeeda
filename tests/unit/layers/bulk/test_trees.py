"""What a compiled model of trees asks of a row is read from its file."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skylift.bulk.trees import read_thresholds
from tests.unit.layers.bulk.test_grid import compiled

ROWS = np.random.default_rng(0).normal(size=(60, 3))
CLASSES = (ROWS[:, 0] > 0).astype(int)


def test_the_thresholds_of_a_forest_are_those_of_its_trees() -> None:
    forest = RandomForestClassifier(6, random_state=0)
    thresholds = read_thresholds(compiled(forest, ROWS, CLASSES), 3)
    trees = [tree.tree_ for tree in forest.estimators_]

    assert thresholds is not None
    assert thresholds.rounded
    for column, cuts in enumerate(thresholds.columns):
        assert np.array_equal(cuts, np.unique(np.concatenate([t.threshold[t.feature == column] for t in trees])))


def test_a_model_that_looks_at_more_than_thresholds_has_none() -> None:
    for estimator in (
        LogisticRegression(),
        make_pipeline(StandardScaler(), RandomForestClassifier(2, random_state=0)),
    ):
        assert read_thresholds(compiled(estimator, ROWS, CLASSES), 3) is None


def test_a_tree_of_one_leaf_has_one_answer() -> None:
    data = compiled(DecisionTreeRegressor(), ROWS, np.ones(60))

    thresholds = read_thresholds(data, 3)

    assert thresholds is not None
    assert [len(cuts) for cuts in thresholds.columns] == [1, 0, 0]
