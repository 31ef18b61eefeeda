"""Metrics and gates as people read them."""

import pytest

from skylift.metrics import Gate, Interval, Spread


def test_a_spread_reads_as_its_mean_and_deviation() -> None:
    assert str(Spread(mean=0.97, std=0.0123, folds=(0.96, 0.98))) == "0.9700 +- 0.0123"


def test_an_interval_reads_as_its_ends() -> None:
    assert str(Interval(low=0.9, high=0.98765)) == "0.9000 to 0.9877"


@pytest.mark.parametrize(
    ("gate", "text"),
    [
        (Gate(metric="accuracy", min=0.9, value=0.85, passed=False), "accuracy 0.8500 (>= 0.9)"),
        (Gate(metric="accuracy", min=0.95, value=0.949996, passed=False), "accuracy 0.949996 (>= 0.95)"),
        (Gate(metric="accuracy", min=0.123456789, value=0.5, passed=True), "accuracy 0.5000 (>= 0.123456789)"),
        (Gate(metric="mae", max=1238888, value=1238888.4, passed=False), "mae 1238888.4000 (<= 1238888)"),
        (
            Gate(metric="roc_auc", value=0.05001, against=0.05004, detail="> 0.05004", passed=False),
            "roc_auc 0.050010 > 0.05004",
        ),
        (Gate(metric="rmse", max=1e-6, value=1.23456e-5, passed=False), "rmse 1.235e-05 (<= 1e-06)"),
        (Gate(metric="rmse", max=12, value=15.25, passed=False), "rmse 15.2500 (<= 12)"),
        (Gate(metric="r2", min=0, max=1, value=0.5, passed=True), "r2 0.5000 (>= 0 and <= 1)"),
    ],
)
def test_a_gate_reads_as_its_value_and_bounds(gate: Gate, text: str) -> None:
    assert str(gate) == text
