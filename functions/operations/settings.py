"""Settings of the function, from the environment with the prefix `SKYLIFT_`."""

from typing import Literal

from skylift.retraining.state import Rollout
from skylift.settings import RegistrySettings


class OperationsSettings(RegistrySettings):
    """Settings of one environment.

    Parameters
    ----------
    log_level
        Lowest level of Skylift's log lines.
    release
        Name of the deployment: commit and run that made it; empty where none did.
    retrain_function
        ARN of the durable function that trains again; empty for no routes for it.
    retrain_rollout
        The most that follows a version that is trained again; with `none`, asking for a rollout is refused.
    image_digest
        Digest of the container image, `sha256:` and 64 hexadecimal digits; empty where it was not deployed by digest.
    """

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    release: str = ""
    retrain_function: str = ""
    retrain_rollout: Rollout = "auto"
    image_digest: str = ""
