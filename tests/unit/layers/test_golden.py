"""An answer is the recorded one with room for another CPU, and not for another model."""

import pytest

from skylift.golden import GOLDEN_TOLERANCE, agree, brief
from skylift.manifest import Prediction

INFINITY, NAN = float("inf"), float("nan")


def label(name: str, **probabilities: float) -> Prediction:
    return Prediction(label=name, probabilities=probabilities)


@pytest.mark.parametrize(
    ("got", "agrees"),
    [
        (label("a", a=0.9, b=0.1), True),
        (label("a", b=0.1, a=0.9), True),
        (label("a", a=0.9 + GOLDEN_TOLERANCE, b=0.1 - GOLDEN_TOLERANCE), True),
        (label("a", a=0.9 + 3 * GOLDEN_TOLERANCE, b=0.1), False),
        (label("b", a=0.9, b=0.1), False),
        (label("a", a=0.9), False),
        (label("a", a=0.9, c=0.1), False),
        (Prediction(value=0.9), False),
    ],
)
def test_labels_agree_by_name_and_by_every_probability(got: Prediction, agrees: bool) -> None:
    assert agree(got, label("a", a=0.9, b=0.1)) is agrees


@pytest.mark.parametrize(
    ("got", "expected", "agrees"),
    [
        (0, GOLDEN_TOLERANCE / 2, True),
        (1e9 * (1 + GOLDEN_TOLERANCE / 2), 1e9, True),
        (1e9 * (1 + 2 * GOLDEN_TOLERANCE), 1e9, False),
        (INFINITY, INFINITY, True),
        (-INFINITY, INFINITY, False),
        (1, INFINITY, False),
        (INFINITY, 1, False),
        (NAN, NAN, False),
    ],
)
def test_values_agree_within_the_tolerance_as_numpys_do(got: float, expected: float, agrees: bool) -> None:
    assert agree(Prediction(value=got), Prediction(value=expected)) is agrees


@pytest.mark.parametrize(
    ("prediction", "text"),
    [(label("a", a=0.75, b=0.25), "a at 0.750000"), (Prediction(value=1234567.0), "1.23457e+06")],
)
def test_an_answer_is_named_in_a_few_characters(prediction: Prediction, text: str) -> None:
    assert brief(prediction) == text
