"""The card says what accuracy to expect after release, and what an estimate cannot see."""

from typing import Any

import pytest

from skylift.monitoring.expected import ExpectedAccuracy, ExpectedError, Part
from tests.support.pages import text_of
from training.card.expectation import expectation

CALIBRATED = ExpectedAccuracy(
    rows=1200,
    value=0.8125,
    error=0.0125,
    method="isotonic",
    confidence=(0.5, 1.0),
    right=(0.5, 0.9),
    parts=(Part(rows=1200, expected=0.8, right=0.8125),),
    ece_before=0.0875,
    ece=0.0375,
)
ERRORS = ExpectedError(rows=300, value=2.5, error=0.5, means=(2.5,), spreads=(1.0,), counts=(300,))


def shown(known: ExpectedAccuracy | ExpectedError) -> str:
    section = expectation({"confidence": known.model_dump(mode="json")})
    assert section is not None
    return text_of(section)


@pytest.mark.parametrize("known", [CALIBRATED, ERRORS])
def test_it_says_what_to_expect_and_that_the_estimate_is_blind(known: ExpectedAccuracy | ExpectedError) -> None:
    assert "fit that did not see" in shown(known)
    assert "blind to concept drift" in shown(known)


def test_a_calibration_is_told_with_what_it_gained() -> None:
    text = shown(CALIBRATED)

    assert "Accuracy to expect" in text
    assert "0.0875 before, 0.0375 after" in text
    assert "1,200" in text


def test_probabilities_that_need_none_are_taken_as_they_are() -> None:
    assert "Taken as the model gives it" in shown(CALIBRATED.model_copy(update={"method": "none"}))


def test_a_regression_has_an_error() -> None:
    assert "Mean absolute error to expect" in shown(ERRORS)


@pytest.mark.parametrize("distribution", [{}, {"confidence": None}])
def test_without_answers_out_of_fold_there_is_no_section(distribution: dict[str, Any]) -> None:
    assert expectation(distribution) is None
