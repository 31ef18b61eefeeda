"""Training's knowledge of right and wrong becomes an estimate for a window, as wide as that knowledge is narrow."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from skylift.intervals import wilson
from skylift.monitoring.expected import Estimate, Expectation, ExpectedAccuracy, ExpectedError

PARTS = (
    {"rows": 10**6, "expected": 0.4, "right": 0.4},
    {"rows": 10**6, "expected": 0.65, "right": 0.65},
    {"rows": 10**6, "expected": 0.9, "right": 0.9},
)
"""Training rows that measure as exactly as they can."""


def accuracy(*, error: float = 0.0, **changes: Any) -> ExpectedAccuracy:
    """Answers are right as often as 0.1 below their confidence, from 0.5 on."""
    fields: dict[str, Any] = {
        "rows": 1000,
        "value": 0.8,
        "error": error,
        "method": "platt",
        "confidence": (0.5, 0.75, 1.0),
        "right": (0.4, 0.65, 0.9),
        "parts": PARTS,
        "ece_before": 0.1,
        "ece": 0.01,
    }
    return ExpectedAccuracy(**fields | changes)


def errors(*, error: float = 0.0) -> ExpectedError:
    """Bins below, two inside, above, missing: only those inside have training rows."""
    return ExpectedError(
        rows=2 * 10**6,
        value=2.0,
        error=error,
        means=(1.0, 1.0, 3.0, 3.0, 3.0),
        spreads=(0.5, 0.5, 1.0, 1.0, 1.0),
        counts=(0, 10**6, 10**6, 0, 0),
    )


def estimated(rows: int, confidence: float, *, error: float = 0.0) -> Estimate:
    found = accuracy(error=error).estimate(np.array([rows, 0, 0]), confidence)
    assert found is not None
    return found


class TestCalibration:
    @pytest.mark.parametrize(
        ("confidence", "right"), [(0.5, 0.4), (0.6, 0.5), (0.75, 0.65), (0.9, 0.8), (1.0, 0.9), (0.2, 0.4), (1.1, 0.9)]
    )
    def test_it_follows_the_line_and_ends_with_it(self, confidence: float, right: float) -> None:
        assert accuracy().calibrated(confidence) == pytest.approx(right)

    def test_many_rows_are_calibrated_as_one_is(self) -> None:
        confidences = np.linspace(0.3, 1, 50)

        one_by_one = [accuracy().calibrated(float(confidence)) for confidence in confidences]

        assert accuracy().calibrated_rows(confidences) == pytest.approx(one_by_one)

    def test_a_single_point_is_a_constant(self) -> None:
        assert accuracy(confidence=(1.0,), right=(0.8,)).calibrated(0.3) == 0.8

    @pytest.mark.parametrize(
        "changes",
        [
            {"confidence": ()},
            {"confidence": (0.5, 0.5, 1.0)},
            {"right": (0.4, 0.65)},
            {"right": (0.4, 0.65, 1.1)},
            {"parts": ()},
        ],
    )
    def test_what_makes_no_line_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            accuracy(**changes)


class TestAccuracyOfAWindow:
    def test_it_is_the_mean_calibrated_confidence(self) -> None:
        found = estimated(200, 150.0)

        assert (found.metric, found.value, found.baseline, found.rows) == ("accuracy", 0.75, 0.8, 200)

    def test_where_training_measured_exactly_the_interval_is_wilsons(self) -> None:
        found, share = estimated(200, 150.0), wilson(150, 200)

        assert (found.low, found.high) == pytest.approx((share.low, share.high), abs=1e-4)

    def test_what_training_could_not_measure_no_number_of_rows_makes_known(self) -> None:
        found = estimated(10**8, 0.75e8, error=0.02)

        assert (found.low, found.high) == pytest.approx((0.75 - 1.96 * 0.02, 0.75 + 1.96 * 0.02), abs=0.003)

    @pytest.mark.parametrize(("mean", "half"), [(0.65, 0.01), (0.42, 0.09)])
    def test_what_few_training_rows_are_like_is_known_less_well(self, mean: float, half: float) -> None:
        few = ({"rows": 100, "expected": 0.4, "right": 0.4}, *PARTS[1:])
        found = accuracy(parts=few).estimate(np.array([10**8, 0, 0]), mean * 10**8)

        assert found is not None
        assert (found.high - found.low) / 2 == pytest.approx(half, abs=0.01)

    def test_where_confidence_was_wrong_the_interval_says_so(self) -> None:
        wrong = ({"rows": 10**6, "expected": 0.4, "right": 0.5}, *PARTS[1:])
        hard, easy = (accuracy(parts=wrong).estimate(np.array([10**8, 0, 0]), mean * 10**8) for mean in (0.4, 0.9))

        assert hard is not None
        assert easy is not None
        assert hard.high > 0.55
        assert easy.high - easy.low < 0.01

    def test_an_interval_of_certain_answers_has_a_width(self) -> None:
        found = estimated(50, 50.0, error=0.01)

        assert found.high == 1
        assert 0.9 < found.low < 0.95

    def test_a_window_without_rows_has_none(self) -> None:
        assert accuracy().estimate(np.zeros(3, dtype=np.int64), 0.0) is None


class TestErrorOfAWindow:
    def test_it_is_the_mean_error_of_what_was_predicted(self) -> None:
        found = errors().estimate(np.array([0, 75, 25, 0, 0]))

        assert found is not None
        assert (found.metric, found.value, found.baseline) == ("mae", 1.5, 2.0)
        assert found.high - found.value == pytest.approx(1.96 * math.sqrt((0.75 * 0.25 + 0.25) / 100), abs=1e-4)

    def test_predictions_that_training_never_made_widen_it(self) -> None:
        inside, outside = (errors().estimate(np.array(counts)) for counts in ([0, 0, 10**6, 0, 0], [0, 0, 0, 10**6, 0]))

        assert inside is not None
        assert outside is not None
        assert outside.value == inside.value == 3.0
        assert inside.high - inside.low < 0.01
        assert outside.high - outside.value == pytest.approx(1.96, abs=0.01)

    def test_a_window_without_rows_has_none(self) -> None:
        assert errors().estimate(np.zeros(5, dtype=np.int64)) is None

    def test_each_bin_needs_all_three(self) -> None:
        with pytest.raises(ValidationError, match="each bin"):
            ExpectedError.model_validate(errors().model_dump() | {"counts": (1, 2)})


@pytest.mark.parametrize("known", [accuracy(), errors()])
def test_what_is_stored_says_which_it_is(known: ExpectedAccuracy | ExpectedError) -> None:
    read: object = TypeAdapter(Expectation).validate_json(known.to_bytes())

    assert read == known
