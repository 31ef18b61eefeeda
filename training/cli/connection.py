"""Which registry a command works on: that of a stack, or of the environment."""

import os
from pathlib import Path

from botocore.exceptions import ClientError
from pydantic import ValidationError

from skylift.aws import aws_errors, cloudformation_client, error_code
from skylift.errors import ConfigError
from skylift.manifest import first_fault
from skylift.settings import RegistrySettings
from training.config import ModelConfig, load_config

STACK_OUTPUTS = {"bucket": "ModelBucketName", "stage": "Stage", "model": "ModelName"}
"""Outputs of `template.yaml` by the setting that they are."""


def registry_settings(stack: str | None, config: Path | ModelConfig) -> RegistrySettings:
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
        The bucket is named nowhere, or a name cannot be used.
    """
    known = _stack_outputs(stack) if stack else {}
    if "model" not in known and "SKYLIFT_MODEL" not in os.environ:
        known["model"] = (load_config(config) if isinstance(config, Path) else config).model
    try:
        return RegistrySettings(**known)  # type: ignore[arg-type]
    except ValidationError as error:
        setting, _, problem = first_fault(error).partition(": ")
        name = f"SKYLIFT_{setting.upper()}"
        raise ConfigError(f"{name}: {problem}", f"set {name}, or name a stack with --stack") from error


def _stack_outputs(stack: str) -> dict[str, str]:
    with aws_errors(f"reading the outputs of stack {stack}"):
        try:
            found = cloudformation_client().describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
        except ClientError as error:
            if error_code(error) == "ValidationError":
                raise ConfigError(f"there is no stack {stack}", "check its name, the region and the account") from error
            raise
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found}
    if missing := [name for name in STACK_OUTPUTS.values() if name not in outputs]:
        raise ConfigError(f"stack {stack} has no output {', '.join(missing)}", "name the stack that template.yaml made")
    return {setting: outputs[name] for setting, name in STACK_OUTPUTS.items()}
