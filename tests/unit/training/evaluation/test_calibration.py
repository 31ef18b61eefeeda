"""Lines rise, follow the shares they were fitted to, and claim no certainty."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.evaluation.calibration import LINES, Method, calibration_error, quantile_parts

ROWS = 4000
CONFIDENCE = np.random.default_rng(1).uniform(0.5, 1, ROWS)
RIGHT = np.random.default_rng(2).random(ROWS) < CONFIDENCE**2


def line(method: Method, confidence: NDArray[np.float64], right: NDArray[np.bool_], at: float) -> float:
    return float(np.interp(at, *LINES[method](confidence, right)))


@pytest.mark.parametrize("method", ["platt", "isotonic"])
@pytest.mark.parametrize("at", [0.6, 0.75, 0.9])
def test_a_line_follows_the_shares(method: Method, at: float) -> None:
    assert line(method, CONFIDENCE, RIGHT, at) == pytest.approx(at**2, abs=0.04)


@pytest.mark.parametrize("method", ["none", "platt", "isotonic"])
def test_a_line_rises(method: Method) -> None:
    points, shares = LINES[method](CONFIDENCE, RIGHT)

    assert (np.diff(points) > 0).all()
    assert (np.diff(shares) >= 0).all()
    assert len(points) <= 65


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_where_surer_answers_are_less_often_right_it_is_the_mean(method: Method) -> None:
    shares = [line(method, CONFIDENCE, CONFIDENCE < 0.75, at) for at in (0.6, 0.9)]

    assert shares == pytest.approx([0.5, 0.5], abs=0.05)


def test_right_answers_alone_are_not_certain_by_platts() -> None:
    assert 0.95 < line("platt", CONFIDENCE[:100], np.ones(100, dtype=np.bool_), 0.9) < 1


def test_equal_values_are_in_one_part() -> None:
    places = quantile_parts(np.array([1.0, 1, 1, 1, 2, 3]), 3)

    assert places.tolist() == [0, 0, 0, 0, 1, 1] or places.tolist() == [0, 0, 0, 0, 1, 2]


def test_the_error_is_the_mean_distance_in_bins() -> None:
    assert calibration_error(np.array([0.75, 0.75, 0.95]), np.array([True, False, True])) == pytest.approx(
        (2 * 0.25 + 0.05) / 3
    )
