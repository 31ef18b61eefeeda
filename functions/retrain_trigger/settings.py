"""Settings of the trigger, from the environment with the prefix `SKYLIFT_`."""

from pydantic import PositiveInt

from skylift.retraining.state import Rollout
from skylift.settings import RegistrySettings


class TriggerSettings(RegistrySettings):
    """Settings of the function.

    Parameters
    ----------
    retrain_function
        ARN of the function that trains again, with its alias.
    retrain_rollout
        What follows a version that a trigger had trained.
    retrain_window_seconds
        Length of the windows of new data: what comes in one is trained on at once.
    """

    retrain_function: str
    retrain_rollout: Rollout = "none"
    retrain_window_seconds: PositiveInt = 600
