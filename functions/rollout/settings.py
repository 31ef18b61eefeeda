"""Settings of the rollout's function, from the environment with the prefix `SKYLIFT_`."""

from pathlib import Path
from typing import Literal

from pydantic import NonNegativeFloat

from skylift.settings import RegistrySettings


class RolloutSettings(RegistrySettings):
    """Settings of the function.

    Parameters
    ----------
    log_group
        Name of the log group that holds the lines of the requests.
    service_log
        File that holds them instead, under `skylift up`.
    topic_arn
        ARN of the topic that is told how a rollout ended; empty for the log alone.
    alarm_prefix
        Beginning of the names of the stack's alarms; empty without a stack.
    held_back_seconds
        Age in seconds of the youngest lines that a look counts; None for the time that lines need to arrive.
    log_level
        Least level of the lines that are written.
    """

    log_group: str = ""
    service_log: Path | None = None
    topic_arn: str = ""
    alarm_prefix: str = ""
    held_back_seconds: NonNegativeFloat | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
