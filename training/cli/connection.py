"""Which registry a command works on: that of a stack, or of the environment."""

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from pydantic import ValidationError

from skylift.aws import aws_errors, cloudformation_client, error_code
from skylift.documents import first_fault
from skylift.errors import ConfigError
from skylift.settings import RegistrySettings

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from training.config import ModelConfig

LOCAL_BUCKET = "skylift-local"
"""The bucket of the AWS that `skylift up` embeds."""

STACK_OUTPUTS = {"bucket": "ModelBucketName", "stage": "Stage", "model": "ModelName"}
"""Outputs of `template.yaml` by the setting that they are."""

_LATER_OUTPUTS = {
    "allow_joblib": "AllowJoblib",
    "signing_key": "SigningKeyArn",
    "trusted_keys": "TrustedKeyArns",
    "require_signature": "RequireSignature",
}
"""More of them, which a stack of an older release does not have: then the setting's own default holds."""


def registry_settings(stack: str | None, config: "Path | ModelConfig") -> RegistrySettings:
    """Where the registry is: the stack's outputs, else the environment; the model's name else from model.yaml.

    Parameters
    ----------
    stack
        Name of a CloudFormation stack.
    config
        Path of `model.yaml`, read only when nothing else names the model, or the loaded configuration.

    Raises
    ------
    ConfigError
        The bucket is named nowhere, a name cannot be used, or the `skylift up` that the environment is of has ended.
    """
    known = stack_settings(stack) if stack else {}
    if "model" not in known and "SKYLIFT_MODEL" not in os.environ:
        known["model"] = _model_of(config)
    try:
        settings = RegistrySettings(**known)  # type: ignore[arg-type]
    except ValidationError as error:
        setting, _, problem = first_fault(error).partition(": ")
        name = f"SKYLIFT_{setting.upper()}"
        raise ConfigError(
            f"{name}: {problem}", f"set {name}, or name a stack with --stack; while `make up` runs: . build/local.env"
        ) from error
    if settings.bucket == LOCAL_BUCKET:
        _check_embedded_aws()
    return settings


def _check_embedded_aws() -> None:
    """Refuse the environment of a `skylift up` that has ended: nothing listens where its AWS was."""
    address = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    if address.hostname is None or address.port is None:
        return
    try:
        with socket.create_connection((address.hostname, address.port), timeout=1):
            pass
    except ConnectionRefusedError as error:
        raise ConfigError(
            "the `skylift up` that this terminal was set up for has ended",
            "start it again (make up), or pick one that runs; then here: . build/local.env",
        ) from error


def _model_of(config: "Path | ModelConfig") -> str:
    if not isinstance(config, Path):
        return config.model
    from training.config import load_config  # metrics and all, which a named model does without

    return load_config(config).model


def stack_settings(stack: str) -> dict[str, str]:
    """Where the registry of a stack is, and what may go live: values of `RegistrySettings` by name.

    Raises
    ------
    ConfigError
        There is no such stack, or it is not one of `template.yaml`.
    """
    outputs = outputs_of(existing_stack(stack))
    if missing := [name for name in STACK_OUTPUTS.values() if name not in outputs]:
        raise ConfigError(f"stack {stack} has no output {', '.join(missing)}", "name the stack that template.yaml made")
    names = STACK_OUTPUTS | _LATER_OUTPUTS
    return {setting: outputs[name] for setting, name in names.items() if name in outputs}


def existing_stack(stack: str) -> "StackTypeDef":
    """The description of a stack that has to be there.

    Raises
    ------
    ConfigError
        There is no such stack.
    """
    description = describe_stack(stack, client=cloudformation_client())
    if description is None:
        raise ConfigError(f"there is no stack {stack}", "check its name, the region and the account")
    return description


def stack_memory(stack: str | None) -> int | None:
    """Memory of a stack's service in MiB; None if no stack is named, or it has no such parameter."""
    description = describe_stack(stack, client=cloudformation_client()) if stack else None
    parameters = description.get("Parameters", []) if description else []
    values = [each["ParameterValue"] for each in parameters if each["ParameterKey"] == "MemorySize"]
    return int(values[0]) if values else None


def stack_output(stack: str, name: str) -> str | None:
    """An output of a stack; None if it has no such output."""
    description = describe_stack(stack, client=cloudformation_client())
    return outputs_of(description).get(name) if description else None


def describe_stack(name: str, *, client: "CloudFormationClient") -> "StackTypeDef | None":
    """CloudFormation's description of a stack; None if there is no such stack.

    Raises
    ------
    AwsUnavailable
        CloudFormation failed, or refused.
    """
    with aws_errors(f"describing stack {name}"):
        try:
            return client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if error_code(error) == "ValidationError":
                return None
            raise


def outputs_of(description: "StackTypeDef") -> dict[str, str]:
    """Outputs of a described stack by name."""
    return {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
