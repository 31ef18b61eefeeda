"""Gates hold or do not."""

import pytest

from skylift.errors import GateFailed
from skylift.metrics import Gate, Interval
from training.config import Bound
from training.evaluation.gates import check_gates, is_excused, judge, keeps_bound
from training.evaluation.report import Champion
from training.metrics.intervals import Difference

REFERENCE = "v1@sha256:0"
WIDE = Interval(low=-0.2, high=0.1, level=0.95)


class TestChampion:
    """Worse than the active version: by more than `max_regression` and by more than noise, or not refused."""

    @pytest.mark.parametrize("metric", ["accuracy", "log_loss", "r2"])
    @pytest.mark.parametrize(
        ("regression", "within_noise", "interval", "kept", "excused"),
        [
            (0.01, False, WIDE, True, False),
            (0.01, True, WIDE, True, False),
            (0.3, False, WIDE, False, False),
            (0.3, True, WIDE, False, True),
            (0.3, True, None, False, False),
            (None, False, WIDE, False, False),
        ],
        ids=["a little", "a little by chance", "much", "much by chance", "chance cannot be told", "beyond any bound"],
    )
    def test_it_is_refused_beyond_both(
        self,
        metric: str,
        regression: float | None,
        within_noise: bool,
        interval: Interval | None,
        kept: bool,
        excused: bool,
    ) -> None:
        change = Difference(
            metric=metric, before=1, after=2, test="paired bootstrap", within_noise=within_noise, interval=interval
        )
        champion = Champion(
            version="v1", reference=REFERENCE, difference=change, regression=regression, max_regression=0.05
        )

        assert (keeps_bound(champion), is_excused(champion)) == (kept, excused)

    def test_one_that_was_not_compared_forbids_nothing(self) -> None:
        champion = Champion(version="v1", reference=REFERENCE, reason="its classes are others", max_regression=0.05)

        assert keeps_bound(champion)


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


class TestRefusal:
    BOUND = Gate(metric="accuracy", min=0.9, value=0.8, passed=False)
    BEHAVIOUR = Gate(metric="behaviour", min=1, value=0.5, passed=False, detail="(nan: refused)")
    TRAFFIC = Gate(metric="log_loss", value=0.9, passed=False, detail="not above v1", rows="labelled traffic")

    @pytest.mark.parametrize(
        ("gates", "words"),
        [
            ([BOUND], f"on the holdout: {BOUND}"),
            ([TRAFFIC], f"on labelled traffic: {TRAFFIC}"),
            ([BOUND, TRAFFIC, BEHAVIOUR], f"on the holdout: {BOUND}, {BEHAVIOUR}; on labelled traffic: {TRAFFIC}"),
        ],
        ids=["holdout", "traffic", "both"],
    )
    def test_it_says_which_rows_each_gate_was_measured_on(self, gates: list[Gate], words: str) -> None:
        with pytest.raises(GateFailed) as refused:
            check_gates(gates, rows="holdout", hint="improve it")

        assert refused.value.message == f"gate failed {words}"

    def test_gates_that_passed_refuse_nothing(self) -> None:
        check_gates([self.BOUND.model_copy(update={"passed": True})], rows="holdout", hint="improve it")
