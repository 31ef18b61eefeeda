"""Gates hold or do not."""

import pytest

from skylift.manifest import Gate
from training.config import Bound
from training.evaluation.gates import judge


class TestGates:
    @pytest.mark.parametrize(
        ("bounds", "passed"),
        [
            ({"min": 0.9}, True),
            ({"min": 0.95}, True),
            ({"min": 0.96}, False),
            ({"max": 0.95}, True),
            ({"max": 0.9}, False),
            ({"min": 0.9, "max": 0.94}, False),
            ({"min": 0.9, "max": 1}, True),
        ],
    )
    def test_a_gate_passes_within_its_bounds(self, bounds: dict[str, float], passed: bool) -> None:
        (gate,) = judge({"accuracy": Bound(**bounds)}, {"accuracy": 0.95})

        assert gate.passed is passed

    def test_a_metric_that_is_not_a_number_passes_no_gate(self) -> None:
        (gate,) = judge({"r2": Bound(min=-1)}, {"r2": float("nan")})

        assert not gate.passed

    def test_a_gate_says_what_was_measured_and_what_was_asked(self) -> None:
        (gate,) = judge({"accuracy": Bound(min=0.9)}, {"accuracy": 0.85})

        assert str(gate) == "accuracy 0.8500 (>= 0.9)"

    def test_what_the_holdout_cannot_tell_passes_no_gate_and_says_why(self) -> None:
        (gate,) = judge({"r2": Bound(min=-1)}, {"rmse": 0.0})

        assert not gate.passed
        assert str(gate).startswith("r2 undefined on the holdout: its rows cannot tell")
        assert Gate.model_validate_json(gate.model_dump_json()) == gate
