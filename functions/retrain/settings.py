"""Settings of training again, from the environment with the prefix `SKYLIFT_`."""

from typing import Literal

from pydantic import PositiveFloat

from skylift.retraining.state import Rollout
from skylift.settings import RegistrySettings


class RetrainSettings(RegistrySettings):
    """Settings of the function, and of its task on Fargate.

    Parameters
    ----------
    rollout_function
        ARN of the function that rolls versions out; empty for no such function.
    retrain_rollout
        The most that follows a version, whoever asked: with `manual` a person approves each rollout. With `none` there
        is no `rollout_function`.
    topic_arn
        ARN of the topic that is told how a retraining ended; empty for the log alone.
    task_cluster, task_definition, task_subnets
        Cluster, task definition and subnets, separated by commas, of training on Fargate; empty to train in the
        function.
    train_minutes
        Longest training in minutes. In the function the time that Lambda leaves it is shorter.
    approval_hours
        Hours after which nobody approves a rollout any more.
    log_level
        Least level of the lines that are written.
    """

    rollout_function: str = ""
    retrain_rollout: Rollout = "auto"
    topic_arn: str = ""
    task_cluster: str = ""
    task_definition: str = ""
    task_subnets: str = ""
    train_minutes: PositiveFloat = 24 * 60
    approval_hours: PositiveFloat = 24
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
