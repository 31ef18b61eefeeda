"""The Lambda entry of a durable function: its event names a retraining that was asked for."""

from functools import cache
from typing import Any

from aws_durable_execution_sdk_python import DurableContext, durable_execution

from retrain.compose import compose_work
from retrain.flow import retrain
from retrain.work import Ended, Work
from skylift.errors import ConfigError


@durable_execution
def handler(event: dict[str, Any], context: DurableContext) -> Ended:
    """Train again: see `retrain.flow` for what happens.

    Parameters
    ----------
    event
        `id`: the retraining's, as `skylift.retraining.start` gives it.

    Returns
    -------
    Ended
        How it ended.

    Raises
    ------
    ConfigError
        The event names no retraining.
    """
    if not isinstance(event, dict) or not isinstance(event.get("id"), str):
        raise ConfigError("this event names no retraining", "start one by `skylift retrain`")
    assert context.lambda_context is not None  # noqa: S101 (it runs in a function)
    return retrain(event["id"], _work(context.lambda_context.invoked_function_arn), context)


@cache
def _work(arn: str) -> Work:
    """What an environment works with, made once."""
    return compose_work(arn)
