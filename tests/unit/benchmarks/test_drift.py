"""The proof of docs/benchmarks/drift.md at a hundredth of its size: false alarms are rare, and drift is found."""

from typing import TYPE_CHECKING

import pytest

from benchmarks.drift import Case, Found, draw
from benchmarks.drift_report import ALPHAS, HOURLY, bound, row, too_often

if TYPE_CHECKING:
    from skylift.monitoring.verdict import State


@pytest.mark.parametrize("training", [150, 5000])
@pytest.mark.parametrize("rows", [20, 50, 1000, 200_000])
def test_windows_without_drift_are_called_drift_no_more_often_than_promised(rows: int, training: int) -> None:
    case = Case(rows, training, windows=20)
    found = draw(case, ALPHAS)

    assert too_often({case: found}) == []
    assert found.states[HOURLY]["drift"] == found.states[HOURLY]["watch"] == 0


@pytest.mark.parametrize(
    ("rows", "shift", "least", "most"),
    [(50, 0.3, 0.0, 0.05), (50, 2.0, 0.9, 1.0), (200, 0.8, 0.9, 1.0), (1000, 0.5, 0.95, 1.0), (10_000, 0.1, 0.0, 0.05)],
)
def test_a_shift_is_found_as_soon_as_rows_prove_that_it_matters(
    rows: int, shift: float, least: float, most: float
) -> None:
    found = draw(Case(rows, 5000, shift, windows=20), (HOURLY,))

    assert least <= found.states[HOURLY]["drift"] / 20 <= most


def test_a_usual_cut_off_calls_nearly_every_small_window_drift() -> None:
    assert draw(Case(50, 5000, windows=10), (HOURLY,)).fixed == 10


def test_a_rate_above_the_promise_is_told() -> None:
    case = Case(50, 150, windows=100)
    states: dict[float, dict[State, int]] = {
        alpha: {"insufficient": 80, "stable": 0, "watch": 0, "drift": 20} for alpha in ALPHAS
    }
    worse = Found(states, fixed=100, distance=0.2)

    assert len(too_often({case: worse})) == len(ALPHAS)
    assert bound(0.05, 100) < 0.2
    assert row(case, worse).startswith("| 150 | 50 | 100 | 20.0% | 20.0% | 20.0% |")
