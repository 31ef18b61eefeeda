"""AWS's `sam`, run as a program: what it prints is for the reader, its exit code for us."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.parameters import Stage
from skylift.errors import SkyliftError

_BUILD_SECONDS = 30 * 60
_DEPLOY_SECONDS = 100 * 60  # a canary waits ten minutes, a rolled back one as long again


class SamFailed(SkyliftError):
    """`sam` is not there, or ended with an error."""


def build(stage: Stage, *, region: str) -> None:
    """Build what `template.yaml` names.

    Raises
    ------
    SamFailed
        See the class.
    """
    _sam("build", "--config-env", stage.name, region=region, seconds=_BUILD_SECONDS)


def package(stage: Stage, output: Path, *, region: str, repository: str | None) -> None:
    """Push what was built, and write the template that names it, for a deployment elsewhere and later.

    Raises
    ------
    SamFailed
        See the class.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    arguments = ["--config-env", stage.name, "--output-template-file", str(output)]
    _sam("package", *arguments, *_repository(repository), region=region, seconds=_BUILD_SECONDS)


def deploy(
    stage: Stage,
    parameters: Mapping[str, str],
    *,
    region: str,
    confirm: bool,
    template: Path | None = None,
    repository: str | None = None,
) -> None:
    """Show the change set and execute it.

    Parameters
    ----------
    confirm
        Whether `sam` asks before it executes the change set.
    template
        A packaged template; what was built last, where absent.
    repository
        Where images are pushed; what `samconfig.toml` says, where absent.

    Raises
    ------
    SamFailed
        See the class.
    """
    arguments = ["--config-env", stage.name, "--stack-name", stage.stack, "--no-fail-on-empty-changeset"]
    arguments.append("--confirm-changeset" if confirm else "--no-confirm-changeset")
    if template:
        arguments += ["--template-file", str(template)]
    if parameters:
        # `sam` would let the command line replace all of the file's values, so all are given.
        arguments += ["--parameter-overrides", *(f"{name}={_quoted(value)}" for name, value in parameters.items())]
    _sam("deploy", *arguments, *_repository(repository), region=region, seconds=_DEPLOY_SECONDS)


def _repository(uri: str | None) -> list[str]:
    return ["--image-repository", uri] if uri else []


def _quoted(value: str) -> str:
    """A value as `sam` takes it, whatever is in it; also an empty one."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _sam(*arguments: str, region: str, seconds: int) -> None:
    program = shutil.which("sam")
    if program is None:
        raise SamFailed("sam is not installed", "run `make .venv/.dev` and use `make deploy`, which finds it there")
    environment = os.environ | {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "SAM_CLI_TELEMETRY": "0"}
    try:
        subprocess.run([program, *arguments], env=environment, timeout=seconds, check=True)
    except subprocess.CalledProcessError as error:
        raise SamFailed(
            f"sam {arguments[0]} ended with code {error.returncode}",
            "what it said is above; docs/runbooks/deploy-failed.md says what to do",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SamFailed(
            f"sam {arguments[0]} took more than {seconds // 60} minutes",
            "look at the stack's events: CloudFormation may still be working",
        ) from error
