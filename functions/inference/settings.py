"""Settings of the service, from the environment with the prefix `SKYLIFT_`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveInt

from skylift.settings import RegistrySettings


class InferenceSettings(RegistrySettings):
    """Settings of one serving environment.

    Parameters
    ----------
    refresh_seconds
        Age in seconds at which the pointer is read again; 0 reads it in every request.
    max_pointer_age
        Age in seconds from which the pointer is too old, which `/health`, a header and a metric then say; None for
        twenty refresh times, at least a minute.
    max_instances
        Largest number of instances in a request.
    image_cache
        Folder of a version baked into the image; see `skylift.image_cache`.
    log_level
        Lowest level of Skylift's log lines.
    release
        Name of the deployment: commit and run that made it; empty where none did.
    profile
        Whether log lines hold profiles of the requests; see `skylift.monitoring.profile`.
    labels
        Whether callers may send the right answers later, so that answers hold the id that a label names.
    retraining
        Whether the API has `/retrain`, which the function `operations` answers.
    capture_rate
        Share of the answered requests whose log lines hold values of their instances, 0 to 1; see `inference.capture`.
    capture_features
        Names of the features whose values may be there, separated by commas.
    drain_seconds
        Time in seconds in which a plain server that was told to end still takes requests; see `inference.server`.
    image_digest
        Digest of the container image, `sha256:` and 64 hexadecimal digits; empty where it was not deployed by digest.
    """

    refresh_seconds: NonNegativeFloat = 15
    max_pointer_age: NonNegativeFloat | None = None
    max_instances: PositiveInt = 1000
    image_cache: Path | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    release: str = ""
    profile: bool = True
    labels: bool = False
    retraining: bool = False
    capture_rate: Annotated[float, Field(ge=0, le=1)] = 0
    capture_features: str = ""
    drain_seconds: NonNegativeFloat = 0
    image_digest: str = ""
