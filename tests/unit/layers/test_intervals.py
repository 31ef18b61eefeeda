"""Intervals of shares are those of the textbook."""

import pytest

from skylift.intervals import wilson


@pytest.mark.parametrize(("hits", "rows", "low", "high"), [(0, 10, 0, 0.2775), (5, 10, 0.2366, 0.7634)])
def test_wilsons_is_that_of_the_textbook(hits: int, rows: int, low: float, high: float) -> None:
    found = wilson(hits, rows)

    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_trials_that_count_as_fewer_tell_less() -> None:
    whole, half = wilson(80, 100), wilson(40.0, 50.0)

    assert half.low < whole.low < 0.8 < whole.high < half.high
