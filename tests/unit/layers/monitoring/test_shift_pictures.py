"""Training beside a window: the bins that moved, in the contract's words."""

import re

import numpy as np

from skylift.contract import Contract
from skylift.monitoring.baseline import Baseline, Bins
from skylift.monitoring.counts import Counts
from skylift.monitoring.shift_pictures import MAX_BINS, picture_of_feature, picture_of_predictions
from tests.support.baselines import AGE, AREA, baseline
from tests.support.drift_reports import report

CONTRACT = Contract.model_validate(
    {
        "task": "classification",
        "features": [
            {"name": "age", "kind": "integer"},
            {"name": "area", "kind": "category", "categories": ["north", "south"]},
        ],
        "target": {"name": "answer", "classes": ["no", "yes"]},
    }
)
TRAINED = baseline({"age": AGE, "area": AREA})


def drawn(name: str, counts: list[int], trained: Baseline = TRAINED) -> str:
    """The description of the picture of a feature."""
    none = Counts.of_training(trained)
    features = tuple(
        np.array(counts) if of == name else there for of, there in zip(trained.features, none.features, strict=True)
    )
    window = Counts(1, sum(counts), features, none.predictions)
    made = report({}).model_copy(update={"counts": {"v7": window.to_document()}})
    picture = picture_of_feature(name, made, trained, CONTRACT)
    found = re.search("<desc[^>]*>(.*?)</desc>", picture or "")
    return found[1] if found else ""


def test_bins_of_a_number_are_its_ranges() -> None:
    assert drawn("age", [0, 0, 50, 0, 50, 0]) == (
        "below 18: 17% in training, 0% now; 18 to 29: 17% in training, 0% now; 30 to 44: 17% in training, 50% now; "
        "45 to 80: 17% in training, 0% now; above 80.5: 17% in training, 50% now; missing: 17% in training, 0% now."
    )


def test_bins_of_a_category_are_its_levels_and_what_is_none_of_them_is_told_apart() -> None:
    assert drawn("area", [1, 1, 1, 1]) == (
        "north: 25% in training, 25% now; south: 25% in training, 25% now; "
        "area not seen in training: 25% in training, 25% now; area missing: 25% in training, 25% now."
    )


def test_of_many_levels_those_that_moved_most_are_drawn_and_the_others_together() -> None:
    many = baseline({"age": AGE, "area": Bins(levels=tuple(f"l{place}" for place in range(98)))})

    told = drawn("area", [0] * 50 + [1000] + [10] * 49, many).split("; ")

    assert len(told) == MAX_BINS
    assert any(one.startswith("l50: 1.0% in training, 67% now") for one in told)
    assert told[-1].startswith(f"{100 - MAX_BINS + 1} others: ")


def test_without_an_answer_nothing_is_drawn() -> None:
    none = report({})

    assert picture_of_feature("age", none, TRAINED, CONTRACT) is None
    assert picture_of_predictions(none, TRAINED, CONTRACT) is None
