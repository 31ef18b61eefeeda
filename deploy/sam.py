"""AWS's `sam`, run as a program: what it prints is for the reader, its exit code for us.

A release is what `sam build` made, in a folder that travels: the same files and images then go to every stage.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.parameters import SAMCONFIG, Stage, load_template
from skylift.errors import ConfigError, SkyliftError

BUILT = Path(".aws-sam/build")
_IMAGES = "images.tar"
_STACK = "stack"
_BUILD_SECONDS = 30 * 60
_DEPLOY_SECONDS = 100 * 60  # a canary waits ten minutes, a rolled back one as long again


class ToolFailed(SkyliftError):
    """`sam` or `docker` is not there, or ended with an error."""

    code = "tool-failed"


class Artifacts(BaseSettings):
    """Where a deployment puts what it needs, and who executes it, from the environment; workflows set all three.

    Parameters
    ----------
    image_repository
        ECR repository of the images; `sam` makes one by default.
    artifact_bucket
        S3 bucket of templates and code; `sam` makes one by default.
    cloudformation_role_arn
        ARN of the role that CloudFormation assumes; the caller's by default.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    image_repository: str | None = None
    artifact_bucket: str | None = None
    cloudformation_role_arn: str | None = None

    def options(self) -> list[str]:
        """As `sam deploy` takes them."""
        return [
            *(["--image-repository", self.image_repository] if self.image_repository else ["--resolve-image-repos"]),
            *(["--no-resolve-s3", "--s3-bucket", self.artifact_bucket] if self.artifact_bucket else ["--resolve-s3"]),
            *(["--role-arn", self.cloudformation_role_arn] if self.cloudformation_role_arn else []),
        ]


def build(stage: Stage, parameters: Mapping[str, str], *, region: str) -> None:
    """Build what `template.yaml` names, for the values it is deployed with: `Architecture` is one of them.

    Raises
    ------
    ToolFailed
        See the class.
    """
    _run("sam", "build", "--config-env", stage.name, *_overrides(parameters), region=region, seconds=_BUILD_SECONDS)


def save(folder: Path) -> None:
    """Copy what was built into a release.

    Raises
    ------
    ToolFailed
        See the class.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(BUILT, folder / _STACK)
    if images := _images(folder):
        _run("docker", "save", "--output", str(folder / _IMAGES), *images, seconds=_BUILD_SECONDS)


def template_of(folder: Path) -> Path:
    """The template of a release.

    Raises
    ------
    ConfigError
        The folder holds no release.
    """
    template = folder / _STACK / "template.yaml"
    if not template.exists():
        raise ConfigError(f"{folder} holds no release", "make one: make package")
    return template


def load_images(folder: Path) -> None:
    """Bring a release's images to this machine.

    Raises
    ------
    ToolFailed
        See the class.
    """
    if (images := folder / _IMAGES).exists():
        _run("docker", "load", "--input", str(images), seconds=_BUILD_SECONDS)


def deploy(
    stage: Stage,
    parameters: Mapping[str, str],
    *,
    region: str,
    confirm: bool,
    artifacts: Artifacts,
    template: Path | None = None,
) -> None:
    """Show the change set and execute it.

    Parameters
    ----------
    confirm
        Whether `sam` asks before it executes the change set.
    template
        Template of a release; the last build by default.

    Raises
    ------
    ToolFailed
        See the class.
    """
    # `sam` looks for its configuration beside the template, which is elsewhere in a release.
    arguments = ["--config-file", str(SAMCONFIG.resolve()), "--config-env", stage.name, "--stack-name", stage.stack]
    arguments.append("--no-fail-on-empty-changeset")
    arguments.append("--confirm-changeset" if confirm else "--no-confirm-changeset")
    arguments += artifacts.options()
    if template:
        arguments += ["--template-file", str(template)]
    _run("sam", "deploy", *arguments, *_overrides(parameters), region=region, seconds=_DEPLOY_SECONDS)


def _images(folder: Path) -> list[str]:
    """Names of the images that a release's template names."""
    resources = load_template((folder / _STACK / "template.yaml").read_text(encoding="utf-8")).get("Resources", {})
    uris = (resource.get("Properties", {}).get("ImageUri") for resource in resources.values())
    return sorted({uri for uri in uris if isinstance(uri, str)})


def _overrides(parameters: Mapping[str, str]) -> list[str]:
    """As `sam` takes them. It would let the command line replace all of the file's values, so all are given."""
    given = [f"{name}={_quoted(value)}" for name, value in parameters.items()]
    return ["--parameter-overrides", *given] if given else []


def _quoted(value: str) -> str:
    """A value as `sam` takes it, whatever is in it; also an empty one."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _run(tool: str, *arguments: str, seconds: int, region: str | None = None) -> None:
    program = shutil.which(tool)
    if program is None:
        hint = "use `make deploy`, which finds it in .venv" if tool == "sam" else f"install {tool}"
        raise ToolFailed(f"{tool} is not installed", hint)
    regions = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region} if region else {}
    try:
        subprocess.run(
            [program, *arguments],
            env=os.environ | regions | {"SAM_CLI_TELEMETRY": "0"},
            timeout=seconds,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise ToolFailed(
            f"{tool} {arguments[0]} ended with code {error.returncode}",
            "what it said is above; docs/runbooks/deploy-failed.md says what to do",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ToolFailed(
            f"{tool} {arguments[0]} took more than {seconds // 60} minutes",
            "look at the stack's events: CloudFormation may still be working",
        ) from error
