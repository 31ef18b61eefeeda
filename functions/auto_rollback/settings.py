"""Settings of going back, from the environment with the prefix `SKYLIFT_`."""

from pydantic import Field

from skylift.settings import RegistrySettings


class AutoRollbackSettings(RegistrySettings):
    """What is watched, and what an alarm may do.

    Parameters
    ----------
    auto_rollback_hours
        How long after a promotion an alarm undoes it; 0 for never.
    alarm_prefix
        What the names of the stack's alarms begin with: the name of the stack and `-`.
    topic_arn
        ARN of the topic that is told; empty to write into the log alone.
    inference_function
        ARN of the inference function with its alias, whose traffic a deployment of code splits; empty to not ask.
    """

    auto_rollback_hours: float = Field(24, ge=0)
    alarm_prefix: str
    topic_arn: str = ""
    inference_function: str = ""
