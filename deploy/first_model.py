"""The model of a new stack: trained and promoted here, or left to others with the commands for it."""

import os
import subprocess
import sys
from pathlib import Path

import typer

from deploy.calls import curl
from skylift.errors import ConfigError, IntegrityError, VersionNotFound
from skylift.references import Reference
from skylift.registry import Registry
from training.cli.console import out

_TRAIN_SECONDS = 60 * 60
_CREDENTIALS = {
    "AWS_IAM": ", with credentials in the environment (`aws configure export-credentials --format env`)",
    "JWT": ", with a token of the issuer in SKYLIFT_TOKEN",
    "NONE": "",
}


def print_commands(stack: str) -> None:
    """Say how a stack gets a model."""
    out.print(
        "A new stack has no model:",
        f"  skylift train --stack {stack}",
        f"  skylift promote v1 --stack {stack}",
        sep="\n",
        markup=False,
        soft_wrap=True,
    )


def first_model(registry: Registry, stack: str, *, yes: bool) -> None:
    """Train and promote a version if none exists; a version that was not promoted stays so."""
    active = registry.active()
    if active is not None and _exists(registry, active):
        return
    if active is not None:
        out.print(
            f"The pointer names {active.name}, which the stack's bucket does not have: it was published to another.",
            "If an earlier stack kept that bucket: make deploy PARAMS='ModelBucketName=...' serves from it.",
            sep="\n",
            soft_wrap=True,
        )
    if versions := registry.versions():
        name = versions[-1].manifest.name
        out.print(f"No version is active. Make one live: skylift promote {name} --stack {stack}", soft_wrap=True)
        return
    if not yes and not typer.confirm("There is no model to serve. Train and promote one?", default=True):
        return
    _skylift("train", "--stack", stack)
    _skylift("promote", registry.versions()[-1].manifest.name, "--stack", stack)


def print_call(registry: Registry, url: str, region: str, auth: str) -> None:
    """Print a call of the active version for a shell, if there is one."""
    active = registry.active()
    if active is None or not _exists(registry, active):
        return
    body = {"instances": [registry.resolve().manifest.contract.example]}
    out.print(f"\nTry it{_CREDENTIALS[auth]}:")
    out.print(f"  {curl(url, region=region, body=body, auth=auth)}", markup=False, soft_wrap=True)


def _exists(registry: Registry, reference: Reference) -> bool:
    """Whether the bucket has the version that a reference names: the pointer outlives a stack and its bucket."""
    try:
        registry.version(reference)
    except (VersionNotFound, IntegrityError):
        return False
    return True


def _skylift(*arguments: str) -> None:
    """Run `skylift` as a person does, with its own messages."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SKYLIFT_")}
    try:
        subprocess.run(
            [Path(sys.executable).with_name("skylift"), *arguments],
            env=environment,
            timeout=_TRAIN_SECONDS,
            check=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise ConfigError(
            f"skylift {arguments[0]} failed: the code is deployed, the model is not",
            f"fix what it says above, then: skylift {' '.join(arguments)}",
        ) from error
