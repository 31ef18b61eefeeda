"""Categories of any number reach an estimator as columns that it can learn from; no count is worse than the next."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.preprocessing import TargetEncoder

from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.scoring import Matrix
from training.config import Candidate
from training.search.candidates import build
from training.search.preparation import prepared_width

X = Feature(name="x", kind="number")


def category(count: int, **fields: Any) -> Feature:
    return Feature(name="c", kind="category", categories=tuple(f"k{code:05}" for code in range(count)), **fields)


def contract_of(*features: Feature, classes: int = 2) -> Contract:
    target = Target(name="y", classes=tuple(range(classes)))
    return Contract(task="classification" if classes else "regression", features=features, target=target)


def pipeline(path: str, contract: Contract, **params: Any) -> Any:
    made = Candidate(name="c", estimator=f"sklearn.{path}", params=params)
    return build(made, contract, folds=3, seed=0).estimator


def seen(estimator: Any, rows: Matrix, targets: Any) -> Matrix:
    """What the last step sees of rows after fitting."""
    result: Matrix = clone(estimator[:-1]).fit(rows, targets).transform(rows)
    return result


def codes_of(count: int, rows: int = 4000) -> tuple[Matrix, Any]:
    """Rows of x and a code, the lower the more frequent, and two classes that follow an effect of each code."""
    random = np.random.default_rng(0)
    codes = np.minimum(random.exponential(count / 2, rows).astype(int), count - 1)
    effects = random.normal(scale=2, size=count)
    x = random.normal(size=rows)
    return np.column_stack([x, codes]), (random.random(rows) < 1 / (1 + np.exp(-effects[codes] - x))).astype(int)


LOGISTIC, FOREST = "linear_model.LogisticRegression", "ensemble.RandomForestClassifier"
BOOSTING = "ensemble.HistGradientBoostingClassifier"


@pytest.mark.parametrize(
    ("path", "count", "width"),
    [
        (LOGISTIC, 100, 101),
        (LOGISTIC, 101, 102),
        (LOGISTIC, 5000, 102),
        (FOREST, 20, 21),
        (FOREST, 21, 3),
        (FOREST, 5000, 3),
        (BOOSTING, 20, 3),
        (BOOSTING, 5000, 3),
    ],
)
def test_a_category_has_a_bounded_number_of_columns(path: str, count: int, width: int) -> None:
    estimator = pipeline(path, contract_of(X, category(count)))

    assert seen(estimator, *codes_of(count)).shape[1] == width
    if path != BOOSTING:
        assert prepared_width(contract_of(X, category(count)), trees=path == FOREST) == width


def test_the_target_of_a_category_is_looked_up_cross_fitted() -> None:
    rows, targets = codes_of(300)
    preparation = clone(pipeline(FOREST, contract_of(X, category(300)))[:-1])

    learned, asked = preparation.fit_transform(rows, targets), preparation.transform(rows)

    assert learned[:, 1].tolist() == rows[:, 1].tolist()
    assert len(np.unique(asked[:, 2])) <= 300 < len(np.unique(learned[:, 2]))


@pytest.mark.parametrize(("classes", "columns"), [(0, 1), (2, 1), (4, 4)])
def test_of_many_classes_each_has_a_share(classes: int, columns: int) -> None:
    contract = contract_of(X, category(300), classes=classes)
    rows, _ = codes_of(300)
    task = "Classifier" if classes else "Regressor"

    found = seen(pipeline(f"ensemble.RandomForest{task}", contract), rows, np.arange(len(rows)) % (classes or 7))

    assert found.shape[1] == prepared_width(contract, trees=True) == 2 + columns


@pytest.mark.parametrize("count", [255, 256, 5000])
def test_boosting_has_as_many_categories_as_bins_the_most_frequent_ones(count: int) -> None:
    rows = np.column_stack([np.arange(count, dtype=float), np.full(count, 0.5)])[:, ::-1]
    estimator = pipeline(BOOSTING, contract_of(X, category(count)))

    assert estimator[-1].categorical_features == [1]
    assert seen(estimator, rows, np.arange(count) % 2)[:, 1].tolist() == [min(code, 254) for code in range(count)]


def test_boosting_has_categories_at_their_places_beside_wide_ones() -> None:
    contract = contract_of(category(300), X, category(3).model_copy(update={"name": "d"}))

    estimator = pipeline(BOOSTING, contract)

    assert estimator[-1].categorical_features == [1, 2]
    rows = np.column_stack([np.arange(600) % 300, np.full(600, 7.5), np.arange(600) % 3])
    assert seen(estimator, rows, np.arange(600) % 2)[299, :4].tolist() == [7.5, 2.0, 254.0, 2.0]


def test_categories_that_no_row_has_do_not_count() -> None:
    many = category(5000)
    few = many.model_copy(update={"unlearned": many.categories[10:4990]})

    found = pipeline(FOREST, contract_of(X, few))

    assert not any(isinstance(part, TargetEncoder) for part in found.get_params().values())
    assert prepared_width(contract_of(X, few), trees=True) == 1 + 20


@pytest.mark.parametrize("path", [LOGISTIC, FOREST, BOOSTING])
@pytest.mark.parametrize(("before", "after"), [(20, 21), (100, 101), (255, 256)])
def test_no_count_of_categories_is_a_cliff(path: str, before: int, after: int) -> None:
    """The same rows are learned as well when there is one category more."""
    rows, targets = codes_of(before)
    half = len(rows) // 2
    options = {FOREST: {"n_estimators": 20, "min_samples_leaf": 5}, BOOSTING: {"max_iter": 30}}

    def loss(count: int) -> float:
        model = pipeline(path, contract_of(X, category(count)), **options.get(path, {}))
        model.fit(rows[:half], targets[:half])
        right = model.predict_proba(rows[half:])[np.arange(half), targets[half:]]
        return float(-np.log(np.clip(right, 1e-9, 1)).mean())

    assert loss(after) <= loss(before) + 0.01


@pytest.mark.parametrize("path", [LOGISTIC, FOREST, BOOSTING])
def test_the_days_between_two_dates_are_a_column(path: str) -> None:
    dates = [Feature(name=name, kind="datetime", form="%Y-%m-%d", origin=date(2024, 1, 1)) for name in "abc"]
    rows = np.array([[0.0, 5, 9], [1, 3, np.nan], [4, 6, 8], [7, 9, 2]])

    estimator = pipeline(path, contract_of(*dates))

    names = [name for name, *_ in estimator[0].transformers]
    assert names[1:] == ["between_0_1", "between_0_2", "between_1_2"]
    assert prepared_width(contract_of(*dates), trees=True) == 6
    if path == BOOSTING:
        between = seen(estimator, rows, [0, 1, 0, 1])[:, 3:]
        np.testing.assert_array_equal(
            between, np.column_stack([np.diff(rows[:, [a, b]]) for a, b in ((0, 1), (0, 2), (1, 2))])
        )
