"""Settings of everything that uses the registry, from the environment with the prefix `SKYLIFT_`."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""A model's or a stage's name: it becomes part of S3 keys, SSM names and URLs."""


_KEY = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+"


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
    signing_key
        ARN of the KMS key that signs what is published; empty to sign nothing. No alias, which can be
        pointed at another key.
    trusted_keys
        ARNs of further keys whose signatures count, separated by commas.
    require_signature
        Whether only a version with a signature that counts may go live.
    """

    model_config = SettingsConfigDict(env_prefix="SKYLIFT_", extra="ignore")

    bucket: str
    model: Name
    stage: Name = "dev"
    allow_joblib: bool = Field(default_factory=lambda known: known["stage"] == "dev")
    signing_key: str = Field("", pattern=rf"^({_KEY})?$")
    trusted_keys: str = Field("", pattern=rf"^({_KEY}(,|$))*$")
    require_signature: bool = False
