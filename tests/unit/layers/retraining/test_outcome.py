"""Which failures of a training are refusals: those that trying again does not change."""

import pytest

from skylift.errors import AwsThrottled, ConfigError, DataError, GateFailed, SkyliftError, TrainingError
from skylift.retraining.outcome import Outcome


@pytest.mark.parametrize("error", [GateFailed("gate failed"), DataError("2026/b.csv does not fit", "correct it")])
def test_gates_and_data_refuse(error: SkyliftError) -> None:
    outcome = Outcome.of_failure("iris", error)

    assert outcome.outcome == "refused"
    assert outcome.problem is not None
    assert (outcome.problem.code, outcome.problem.message, outcome.problem.hint) == (
        error.code,
        error.message,
        error.hint,
    )


@pytest.mark.parametrize("error", [AwsThrottled("x"), ConfigError("x"), TrainingError("x")])
def test_everything_else_is_a_failure(error: SkyliftError) -> None:
    assert Outcome.of_failure(None, error).outcome == "failed"
