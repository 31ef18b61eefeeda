"""How a step of a durable function is tried, and tried again: only for images, which have AWS's SDK."""

from collections.abc import Callable

from aws_durable_execution_sdk_python import DurableContext
from aws_durable_execution_sdk_python.config import Duration, JitterStrategy, StepConfig, StepSemantics
from aws_durable_execution_sdk_python.exceptions import StepInterruptedError
from aws_durable_execution_sdk_python.retries import RetryDecision, RetryStrategyConfig, create_retry_strategy

from skylift.errors import AwsRefused, AwsUnavailable

_REFUSED = 3
"""Attempts where AWS refuses: a change of a policy takes seconds to hold, and no attempt helps where it lacks it."""


def _attempts(number: int, *errors: type[Exception], refused: int = _REFUSED) -> StepConfig:
    """How often a step is tried, after which errors, with pauses from ten seconds to five minutes.

    Its start is written down before it runs: one that ends the process, or is cut off by the function's time limit,
    counts as an attempt too.

    Parameters
    ----------
    refused
        How often where AWS refuses what it asks.
    """
    patient = RetryStrategyConfig(
        max_attempts=number,
        initial_delay=Duration.from_seconds(10),
        max_delay=Duration.from_minutes(5),
        jitter_strategy=JitterStrategy.HALF,
        retryable_error_types=list(errors),
    )
    strategy = create_retry_strategy(patient)

    def decide(error: Exception, attempts_made: int) -> RetryDecision:
        if isinstance(error, AwsRefused) and attempts_made >= refused:
            return RetryDecision.no_retry()
        return strategy(error, attempts_made)

    return StepConfig(decide, StepSemantics.AT_MOST_ONCE_PER_RETRY)


HALF_AN_HOUR = _attempts(12, AwsUnavailable, StepInterruptedError)
"""For what may fail for good: 18 to 35 minutes without AWS, or with a step that never comes to its end.

Where AWS refuses, 15 to 30 seconds.
"""

TWICE = _attempts(2, AwsUnavailable, StepInterruptedError)
"""For training: where it took the process with it twice, its memory or its time will not be enough for a third."""

A_DAY = _attempts(350, Exception, refused=350)
"""For what must happen, whatever goes wrong: 14 to 29 hours, in which somebody may also correct a policy."""


def step[T](
    context: DurableContext, name: str, work: Callable[..., T], *arguments: object, config: StepConfig = HALF_AN_HOUR
) -> T:
    """Do some work once, as far as the rest of the function can tell.

    Parameters
    ----------
    work, arguments
        Function that may run twice and then ends the same, and what it takes. JSON can hold what it returns.

    Raises
    ------
    StepError
        It failed too often, or in a way that another attempt would not change.
    """
    result: T = context.step(lambda _: work(*arguments), name, config)
    return result
