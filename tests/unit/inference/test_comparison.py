"""How two versions differ on the same rows: by the names of classes, one row or many."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.comparison import Comparison
from inference.model import ScoredRequest
from skylift.conformal import Margins
from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.scoring import Matrix, predictions

SIZE = Feature(name="size", kind="number")
REGRESSION = Contract(task="regression", features=(SIZE,), target=Target(name="rent"))
NUMBERS = st.sampled_from([0.0, 0.1, 0.5, 0.5 + 1e-9, 0.9, 1.0, math.nan, math.inf])


def classifier(*classes: str) -> Contract:
    return Contract(task="classification", features=(SIZE,), target=Target(name="kind", classes=classes))


def answer_of(contract: Contract, scores: Matrix) -> ScoredRequest:
    rows = np.zeros((len(scores), 1))
    return ScoredRequest(predictions(contract, scores), [], 0, None, rows, scores, 0.001)


@pytest.mark.parametrize("rows", [1, 3])
def test_classes_are_compared_by_name_in_whatever_order(rows: int) -> None:
    ours, theirs = classifier("a", "b", "c"), classifier("c", "a", "b")
    scores = np.array([[0.7, 0.2, 0.1]] * rows)

    same = Comparison(ours, theirs).of(answer_of(ours, scores), scores[:, [2, 0, 1]])
    shifted = Comparison(ours, theirs).of(answer_of(ours, scores), scores)

    assert same == (0, 0.0)
    assert (shifted[0], round(shifted[1], 9)) == (rows, 0.6)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_class_that_one_of_them_lacks_is_another_label_and_has_no_probability(rows: int) -> None:
    ours, theirs = classifier("a", "b"), classifier("b", "d")

    found = Comparison(ours, theirs).of(answer_of(ours, np.array([[0.9, 0.1]] * rows)), np.array([[0.2, 0.8]] * rows))

    assert (found[0], round(found[1], 9)) == (rows, 0.9)


@pytest.mark.parametrize(
    ("ours", "theirs", "largest"),
    [([1.0, 5.0, math.nan], [1.5, 3.0, 0.0], 2.0), ([math.nan], [1.0], 0.0), ([5.0], [3.0], 2.0)],
)
def test_a_regression_tells_the_largest_difference_of_a_value(
    ours: list[float], theirs: list[float], largest: float
) -> None:
    found = Comparison(REGRESSION, REGRESSION).of(answer_of(REGRESSION, np.array(ours)), np.array(theirs))

    assert found == (0, largest)


@given(
    st.integers(2, 5).flatmap(
        lambda rows: st.tuples(
            *[st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=rows, max_size=rows) for _ in range(2)]
        )
    ),
    st.permutations(["a", "b", "c"]),
    st.sampled_from([None, 0.3]),
)
def test_many_rows_are_compared_as_each_of_them(
    scores: tuple[list[tuple[float, ...]], ...], order: list[str], threshold: float | None
) -> None:
    width = 2 if threshold else 3
    ours, theirs = classifier(*"abc"[:width]), classifier(*[name for name in order if name in "abc"[:width]])
    theirs = theirs.model_copy(update={"target": theirs.target.model_copy(update={"threshold": threshold})})
    first, second = (np.array(each)[:, :width] for each in scores)
    comparison, answer = Comparison(ours, theirs), answer_of(ours, first)

    each = [
        comparison.of(
            replace(answer, predictions=answer.predictions[place : place + 1], scores=first[place : place + 1]),
            second[place : place + 1],
        )
        for place in range(len(first))
    ]

    assert comparison.of(answer, second) == (sum(other for other, _ in each), max(largest for _, largest in each))


def test_intervals_of_one_of_two_versions_are_not_compared() -> None:
    sure = REGRESSION.with_target(margins=Margins(level=0.9, low=(-9.0,), high=(9.0,)))
    scores = np.array([5.0])

    assert Comparison(sure, REGRESSION).of(answer_of(sure, scores), scores + 1) == (0, 1.0)
    assert Comparison(REGRESSION, sure).of(answer_of(REGRESSION, scores), scores + 1) == (0, 1.0)
