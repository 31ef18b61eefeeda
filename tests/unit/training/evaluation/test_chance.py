"""Chance ranks rows in any order: what is told of a model by their order must be rarer than that."""

from collections.abc import Sequence

import numpy as np
import pytest

from skylift.contract import Target
from training.evaluation.chance import Part, knows_something
from training.metrics.resamples import Clusters, ScoredRows

TWO = Target(name="y", classes=("no", "yes"))


def part(positive: Sequence[int], *, rows: int = 40, clusters: Clusters | None = None) -> Part:
    """Rows in the order of their probabilities, of which those at some places are positive."""
    probabilities = np.linspace(0.9, 0.1, rows)
    targets = np.isin(np.arange(rows), positive).astype(np.int64)
    return ScoredRows(TWO, targets, np.column_stack([1 - probabilities, probabilities])), clusters


def test_positive_rows_in_front_are_knowledge_and_in_the_middle_are_none() -> None:
    assert knows_something([part([0, 1, 3])] * 5, part([0, 2]))
    assert not knows_something([part([5, 20, 35])] * 5, part([20]))
    assert not knows_something([part([37, 38, 39])] * 5, part([39]))


def test_folds_count_less_than_a_holdout_because_each_is_learned_from_the_others() -> None:
    seen = part([0, 1, 2, 3])

    assert knows_something([], seen)
    assert not knows_something([seen])


def test_rows_of_one_group_tell_no_more_than_one_of_them() -> None:
    front = [*range(8)]

    assert knows_something([], part(front))
    assert not knows_something([], part(front, clusters=np.arange(40) // 20))


def test_rows_of_one_class_alone_tell_nothing() -> None:
    assert not knows_something([part([])] * 5, part([]))
    assert knows_something([part([]), part([0, 1, 2]), part([0, 1, 2])], part([0, 1, 2]))


@pytest.mark.parametrize("knowing", [True, False])
def test_of_more_classes_all_are_ranked(knowing: bool) -> None:
    target = Target(name="y", classes=("a", "b", "c"))
    targets = np.array([0, 1, 2] * 10)
    given = np.eye(3)[targets if knowing else np.repeat([0, 1, 2], 10)] * 0.8 + 0.1

    assert knows_something([], (ScoredRows(target, targets, given), None)) is knowing
