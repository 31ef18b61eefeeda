"""Without candidates in model.yaml, a table gets those that its budget has time for."""

from typing import Any

import pytest

from skylift.contract import Contract, Target, Task
from skylift.feature import Feature
from tests.support.wide import WIDE
from training.config import Candidate
from training.search.candidates import build
from training.search.defaults import DEFAULT_BUDGET, Defaults, default_candidates, rows_to_compare_on


def defaults(
    rows: int, *, columns: int = 10, classes: int = 2, categories: int = 0, budget: float | None = None
) -> Defaults:
    """Those of a table of numbers, and a category where it has any; a regression of no classes."""
    features = [Feature(name=f"x{column}", kind="number") for column in range(columns)]
    if categories:
        features.append(Feature(name="c", kind="category", categories=tuple(f"k{code}" for code in range(categories))))
    target = Target(name="y", classes=tuple(f"c{code:02}" for code in range(classes)))
    task: Task = "classification" if classes else "regression"
    return default_candidates(Contract(task=task, features=tuple(features), target=target), rows, budget)


def params(found: Defaults, name: str) -> dict[str, Any]:
    return next(candidate.params for candidate in found.candidates if candidate.name == name)


def names(found: Defaults) -> list[str]:
    return [candidate.name for candidate in found.candidates]


@pytest.mark.parametrize("classes", [0, 2, 40])
@pytest.mark.parametrize(("rows", "columns"), [(100, 3), (200_000, 400)])
def test_each_can_be_built(classes: int, rows: int, columns: int) -> None:
    found = defaults(rows, columns=columns, classes=classes)
    contract = Contract(
        task="classification" if classes else "regression",
        features=(Feature(name="x", kind="number"),),
        target=Target(name="y", classes=("a", "b") if classes else ()),
    )

    for candidate in found.candidates:
        assert isinstance(candidate, Candidate)
        build(candidate, contract, folds=3, seed=0)


@pytest.mark.parametrize("classes", [0, 2])
def test_a_small_table_gets_four_the_quickest_first(classes: int) -> None:
    assert names(defaults(500, classes=classes)) == ["logistic" if classes else "ridge", "boosting", "forest", "svm"]


@pytest.mark.parametrize(("rows", "columns"), [(30_000, 3), (7_000, 45), (2_000, 900)])
def test_support_vectors_are_left_out_where_they_take_long_which_a_note_tells(rows: int, columns: int) -> None:
    found = defaults(rows, columns=columns)

    assert "svm" not in names(found)
    (note,) = found.notes
    assert note.startswith(f"svm was left out: it takes too long for {rows} rows of {columns} numbers; ")
    assert "candidates" in note
    assert "svm" in names(defaults(rows, columns=columns, budget=1e6))
    assert defaults(rows, columns=columns, budget=1e6).notes == ()


def test_a_small_budget_leaves_out_more() -> None:
    assert "svm" in names(defaults(4_000))
    assert "svm" not in names(defaults(4_000, budget=DEFAULT_BUDGET / 20))


def test_categories_count_as_the_columns_that_they_become() -> None:
    assert "svm" in names(defaults(5_000, columns=5))
    assert "svm" not in names(defaults(5_000, columns=5, categories=200))


def test_trees_of_many_rows_learn_from_some_of_them() -> None:
    assert "max_samples" not in params(defaults(2_000, classes=0), "forest")

    many = params(defaults(500_000, classes=0), "forest")
    more = params(defaults(5_000_000, classes=0), "forest")

    assert 0 < more["max_samples"] < many["max_samples"] < 100_000
    assert "max_samples" not in params(defaults(500_000, classes=0, budget=1e6), "forest")


def test_fewer_rows_are_compared_on_where_columns_and_classes_are_many() -> None:
    narrow = Contract(task="regression", features=WIDE.features[1:], target=WIDE.target)

    assert rows_to_compare_on(WIDE) < rows_to_compare_on(narrow)
    assert rows_to_compare_on(narrow, DEFAULT_BUDGET * 10) == pytest.approx(rows_to_compare_on(narrow) * 10, abs=10)
    assert rows_to_compare_on(WIDE, 1e-3) == 5_000


@pytest.mark.parametrize(("rows", "least"), [(999, None), (1_000, 5), (20_000, 9), (1_000_000, 17)])
def test_leaves_of_a_forest_grow_with_the_rows(rows: int, least: int | None) -> None:
    assert params(defaults(rows, columns=4), "forest").get("min_samples_leaf") == least


def test_boosting_of_many_columns_and_classes_has_fewer_bins() -> None:
    assert params(defaults(20_000, columns=20), "boosting") == {}

    assert params(defaults(1_000, columns=850, classes=9), "boosting")["max_bins"] < 255
    assert params(defaults(1_000, columns=5_000, classes=90), "boosting")["max_bins"] == 31


def test_the_same_table_gets_the_same() -> None:
    assert defaults(70_000, classes=5) == defaults(70_000, classes=5)


def test_the_columns_of_a_feature_count_as_work() -> None:
    narrow = Contract(task="regression", features=WIDE.features[1:], target=WIDE.target)

    svm = [any(one.name == "svm" for one in default_candidates(of, 20_000, 40.0).candidates) for of in (narrow, WIDE)]

    assert svm == [True, False]


def test_where_a_class_is_rare_weights_by_class_are_tried() -> None:
    loan = Contract(
        task="classification",
        features=(Feature(name="x", kind="number"),),
        target=Target(name="y", classes=("no", "yes")),
    )

    plain, rare = (default_candidates(loan, 1000, rare=rare).candidates for rare in (False, True))

    assert [one.name for one in rare if one not in plain] == ["balanced"]
    assert rare[1].params["class_weight"] == "balanced"
