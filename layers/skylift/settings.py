"""Settings of everything that uses the registry, from the environment with the prefix `SKYLIFT_`."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""A model's or a stage's name: it becomes part of S3 keys, SSM names and URLs."""


class RegistrySettings(BaseSettings):
    """Where the registry is.

    Parameters
    ----------
    bucket
        Name of the model bucket.
    stage
        Name of the stage, for example `dev`; part of the pointer's name.
    model
        Name of the model.
    allow_joblib
        Whether `model.joblib` may be loaded, which can run any code; otherwise only versions with a compiled form go
        live. By default only in the stage `dev`.
    """

    model_config = SettingsConfigDict(env_prefix="SKYLIFT_", extra="ignore")

    bucket: str
    model: Name
    stage: Name = "dev"
    allow_joblib: bool = Field(default_factory=lambda known: known["stage"] == "dev")
