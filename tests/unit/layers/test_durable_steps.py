"""What fails now and then is tried again, what fails for good is given up, and a lost process is one attempt."""

from datetime import timedelta

import pytest
from aws_durable_execution_sdk_python.config import StepConfig, StepSemantics
from aws_durable_execution_sdk_python.exceptions import StepInterruptedError

from skylift.durable_steps import A_DAY, HALF_AN_HOUR, TWICE
from skylift.errors import AwsRefused, AwsThrottled, AwsUnavailable, PromotionRefused


def waited(config: StepConfig, error: Exception) -> timedelta:
    """Time from the first attempt to the last."""
    assert config.retry_strategy is not None
    seconds, attempt = 0, 1
    while (decision := config.retry_strategy(error, attempt)).should_retry:
        seconds += decision.delay_seconds
        attempt += 1
    return timedelta(seconds=seconds)


@pytest.mark.parametrize("error", [AwsUnavailable("away"), AwsThrottled("busy"), StepInterruptedError("killed")])
def test_a_step_outlives_a_while_without_aws(error: Exception) -> None:
    assert timedelta(minutes=17) < waited(HALF_AN_HOUR, error) < timedelta(minutes=36)


def test_what_aws_refuses_is_given_up_when_a_change_of_a_policy_would_hold() -> None:
    assert timedelta(seconds=14) < waited(HALF_AN_HOUR, AwsRefused("no right")) < timedelta(seconds=31)


def test_training_that_is_lost_is_tried_once_more() -> None:
    assert timedelta(seconds=5) <= waited(TWICE, StepInterruptedError("killed")) <= timedelta(seconds=10)


@pytest.mark.parametrize("error", [PromotionRefused("gate"), TypeError("a fault of the code")])
def test_another_attempt_does_not_change_a_decision_nor_a_fault(error: Exception) -> None:
    assert waited(HALF_AN_HOUR, error) == timedelta(0)


@pytest.mark.parametrize(
    "error",
    [AwsUnavailable("away"), AwsRefused("no right"), PromotionRefused("gate"), StepInterruptedError("killed")],
)
def test_the_end_is_tried_for_a_day_whatever_happens(error: Exception) -> None:
    assert timedelta(hours=14) < waited(A_DAY, error) < timedelta(hours=29)


@pytest.mark.parametrize("config", [TWICE, HALF_AN_HOUR, A_DAY])
def test_a_step_that_ends_its_process_is_not_tried_forever(config: StepConfig) -> None:
    assert config.step_semantics is StepSemantics.AT_MOST_ONCE_PER_RETRY
