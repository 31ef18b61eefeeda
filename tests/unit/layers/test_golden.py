"""An answer is the recorded one with room for another CPU, and not for another model."""

import pytest

from skylift.golden import (
    LARGEST_LOG_ODDS_DIFFERENCE,
    LARGEST_SHARE_OF_RMSE,
    OLD_TOLERANCE,
    agree,
    brief,
    tolerance_of_values,
)
from skylift.manifest import Prediction

INFINITY, NAN = float("inf"), float("nan")


def label(name: str, **probabilities: float) -> Prediction:
    return Prediction(label=name, probabilities=probabilities)


def value(number: float) -> Prediction:
    return Prediction(value=number)


@pytest.mark.parametrize("tolerance", [None, LARGEST_LOG_ODDS_DIFFERENCE], ids=["older version", "by log-odds"])
@pytest.mark.parametrize(
    ("got", "agrees"),
    [
        (label("a", a=0.9, b=0.1), True),
        (label("a", b=0.1, a=0.9), True),
        (label("a", a=0.9 + OLD_TOLERANCE, b=0.1 - OLD_TOLERANCE), True),
        (label("a", a=0.9 + 20 * OLD_TOLERANCE, b=0.1), False),
        (label("b", a=0.9, b=0.1), False),
        (label("a", a=0.9), False),
        (label("a", a=0.9, c=0.1), False),
        (value(0.9), False),
    ],
)
def test_labels_agree_by_name_and_by_every_probability(got: Prediction, agrees: bool, tolerance: float | None) -> None:
    assert agree(got, label("a", a=0.9, b=0.1), tolerance) is agrees


def test_rare_answers_agree_by_their_odds() -> None:
    expected = label("a", a=1 - 5.4e-13, b=5.4e-13)

    assert not agree(label("a", a=1.0, b=0.0), expected, LARGEST_LOG_ODDS_DIFFERENCE)
    assert agree(label("a", a=1.0, b=0.0), expected, None)


@pytest.mark.parametrize(
    ("got", "expected", "agrees"),
    [
        (0, OLD_TOLERANCE / 2, True),
        (1e9 * (1 + OLD_TOLERANCE / 2), 1e9, True),
        (1e9 * (1 + 2 * OLD_TOLERANCE), 1e9, False),
        (INFINITY, INFINITY, True),
        (-INFINITY, INFINITY, False),
        (1, INFINITY, False),
        (INFINITY, 1, False),
        (NAN, NAN, False),
    ],
)
def test_values_of_older_versions_agree_as_numpys_allclose_does(got: float, expected: float, agrees: bool) -> None:
    assert agree(value(got), value(expected), None) is agrees


def test_values_agree_by_a_share_of_the_error_whatever_their_size() -> None:
    tolerance = tolerance_of_values(rmse=47.0, largest=1.7e9)

    assert agree(value(1.7e9 + 0.9 * LARGEST_SHARE_OF_RMSE * 47), value(1.7e9), tolerance)
    assert not agree(value(1.7e9 + 1), value(1.7e9), tolerance)


@pytest.mark.parametrize(
    ("prediction", "other", "text"),
    [
        (value(1234567.5), value(1234567.4999999998), "1234567.5"),
        (value(1234567.4999999998), value(1234567.5), "1234567.4999999998"),
        (label("a", a=0.75, b=0.25), label("b", a=0.25, b=0.75), "a at 0.75"),
        (label("a", a=0.5, b=0.3, c=0.2), label("a", a=0.5, b=0.2999999, c=0.2000001), "b at 0.3"),
        (label("d"), label("a", a=1.0), "d"),
    ],
)
def test_an_answer_is_named_by_what_differs_from_another(prediction: Prediction, other: Prediction, text: str) -> None:
    assert brief(prediction, other) == text
