"""The Lambda entry of a durable function: its event is the plan of a rollout."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from aws_durable_execution_sdk_python import DurableContext, durable_execution

from rollout.flow import roll_out
from rollout.plan import criteria_of
from rollout.settings import RolloutSettings
from rollout.work import Ended, Work
from skylift.alarms import firing_alarms
from skylift.aws import cloudwatch_client, s3_client, sns_client, ssm_client
from skylift.bucket import Bucket
from skylift.durable_steps import A_DAY, step
from skylift.errors import ConfigError
from skylift.experiment.lines import count
from skylift.experiment.parameter import ChallengerParameter
from skylift.experiment.sources import lines_of
from skylift.experiment.store import ExperimentStore
from skylift.experiment.trials import Trials
from skylift.notify import Notifier
from skylift.observability import logger, set_level
from skylift.registry import Registry
from skylift.rollout import RolloutPlan
from skylift.served import ServedParameters


@durable_execution
def handler(event: dict[str, Any], context: DurableContext) -> Ended:
    """Roll a version out: see `skylift.rollout.RolloutPlan` for the event, and `rollout.flow` for what happens.

    Returns
    -------
    Ended
        How it ended.

    Raises
    ------
    ConfigError
        The event is not the plan of a rollout, or its limits are not possible. Nothing was begun.
    """
    return run(event, _work(), context)


def run(event: dict[str, Any], work: Work, context: DurableContext) -> Ended:
    """`handler`, with what it works with."""
    try:
        plan = RolloutPlan.of_event(event)
        criteria = criteria_of(plan)
    except ConfigError as error:
        step(context, "refuse", work.refuse, str(error), config=A_DAY)
        raise
    ended = roll_out(plan, criteria, work, context)
    logger.info("rollout", extra={"experiment": ended["id"], **ended})
    return ended


def clock() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


@cache
def _work() -> Work:
    """What an environment works with, made once."""
    settings = RolloutSettings()
    set_level(settings.log_level)
    stage, model, held_back = settings.stage, settings.model, settings.held_back_seconds
    s3, ssm, cloudwatch = s3_client(), ssm_client(patient=True), cloudwatch_client()
    store = ExperimentStore(Bucket(settings.bucket, client=s3), model)
    registry = Registry.open(settings, s3=s3, ssm=ssm)
    lines = lines_of(settings.log_group, settings.service_log)
    return Work(
        Trials(registry, ChallengerParameter(stage, model, client=ssm), store, tool="the rollout", clock=clock),
        store,
        ServedParameters(stage, model, client=ssm),
        count=lambda experiment, start, end: count(lines, experiment, start, end)[-1],
        held_back=lines.held_back if held_back is None else timedelta(seconds=held_back),
        alarms=lambda: firing_alarms(settings.alarm_prefix, client=cloudwatch),
        notifier=Notifier(settings.topic_arn, client=sns_client()),
        stage=stage,
        clock=clock,
    )
