"""Counts of many requests: they add up in any order and in any parts, and bad members cost themselves alone."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.monitoring.counts import Counts, Tally
from skylift.monitoring.profile import Shape
from tests.support.baselines import baseline
from tests.support.contracts import modest

SHAPE = Shape((6, 4, 4), 4)


def rows_of(member: Any) -> int:
    return 1 if isinstance(member, list) else int(member["rows"])


@st.composite
def members(draw: st.DrawFn) -> Any:
    """The profile of a request of one row or of several."""
    bins = [st.integers(0, size - 1) for size in (*SHAPE.features, SHAPE.labels)]
    confidence = draw(st.integers(0, 10_000)) / 10_000
    if draw(st.booleans()):
        *places, label = [draw(each) for each in bins]
        return [places, label, confidence]
    rows = draw(st.integers(1, 40))
    counts = []
    for size, each in zip((*SHAPE.features, SHAPE.labels), bins, strict=True):
        by_bin = [0] * size
        by_bin[draw(each)] = rows
        counts.append(by_bin)
    return {"rows": rows, "counts": counts[:-1], "labels": counts[-1], "confidence": confidence}


def counted(requests: list[Any]) -> Counts:
    tally = Tally(SHAPE)
    for member in requests:
        tally.add(member)
    return tally.counts()


@given(st.lists(members(), max_size=12), st.lists(members(), max_size=12), st.lists(members(), max_size=12))
@modest
def test_merging_is_associative_and_commutative_and_empty_counts_change_nothing(
    first: list[Any], second: list[Any], third: list[Any]
) -> None:
    a, b, c = counted(first), counted(second), counted(third)

    assert (a + b) + c == a + (b + c)
    assert a + b == b + a == counted(first + second)
    assert a + Counts.none(SHAPE) == a


@given(st.lists(members(), max_size=30))
@modest
def test_every_row_is_counted_once_in_every_feature_and_prediction(requests: list[Any]) -> None:
    found = counted(requests)

    assert found.requests == len(requests)
    assert found.rows == sum(map(rows_of, requests))
    assert {int(counts.sum()) for counts in (*found.features, found.predictions)} == {found.rows}


@given(st.lists(members(), max_size=12))
@modest
def test_counts_survive_json(requests: list[Any]) -> None:
    found = counted(requests)

    assert Counts.from_document(json.loads(json.dumps(found.to_document()))) == found


def test_many_rows_are_counted_at_once_as_they_are_one_by_one() -> None:
    random = np.random.default_rng(3)
    requests: list[Any] = [
        [random.integers(0, SHAPE.features).tolist(), int(random.integers(4)), round(float(random.random()), 4)]
        for _ in range(10_000)
    ]

    found = counted(requests)

    assert found == sum(map(counted, ([each] for each in requests[1:])), counted(requests[:1]))
    assert found.confidence == pytest.approx(sum(confidence for _, _, confidence in requests))


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "profile",
        7,
        [],
        [[1, 1], 1, 0.5],
        [[1, 1, 1, 1], 1, 0.5],
        [[1, 1, 9], 1, 0.5],
        [[1, 1, -1], 1, 0.5],
        [[1, 1, 1.0], 1, 0.5],
        [[1, 1, "1"], 1, 0.5],
        [[1, 1, 10**30], 1, 0.5],
        [[1, 1, 1], 4, 0.5],
        [[1, 1, 1], None, 0.5],
        [[1, 1, 1], 1, 1.5],
        [[1, 1, 1], 1, "much"],
        [[1, 1, 1], 1, [0.5]],
        {"rows": 2, "counts": [[0] * 6, [0] * 4, [0] * 4], "labels": [0] * 4, "confidence": 1.0},
        {
            "rows": 10**30,
            "counts": [[10**30, *[0] * 5], [10**30, 0, 0, 0], [10**30, 0, 0, 0]],
            "labels": [10**30, 0, 0, 0],
            "confidence": 1.0,
        },
    ],
    ids=repr,
)
def test_a_member_that_cannot_be_a_profile_of_the_version_costs_itself_alone(bad: Any) -> None:
    good: Any = [[1, 0, 3], 1, 0.75]
    tally = Tally(SHAPE)

    for member in (good, bad, good):
        tally.add(member)

    assert tally.counts() == counted([good, good])
    assert tally.unreadable == 1


def test_a_regression_has_no_confidence() -> None:
    assert counted([[[1, 0, 3], 1, None], [[1, 0, 3], 1, None]]).confidence == 0.0


def test_training_has_counts_of_the_same_form() -> None:
    training = Counts.of_training(baseline())

    assert (training.requests, training.rows) == (0, 100)
    assert training.shape == SHAPE == Shape.of(baseline())


def test_counts_of_another_version_do_not_add() -> None:
    with pytest.raises(ValueError, match="another"):
        Counts.none(SHAPE) + Counts.none(Shape((6, 4), 4))
