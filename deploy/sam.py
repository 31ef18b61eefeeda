"""AWS's `sam`, run as a program."""

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.parameters import SAMCONFIG, Stage
from deploy.tools import output_of, run

_BUILD_SECONDS = 30 * 60
_CHANGE_SET_SECONDS = 20 * 60  # with images to push
_CHANGE_SET = re.compile(r"arn:\S+:changeSet/\S+")


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
    run("sam", "build", "--config-env", stage.name, *_overrides(parameters), region=region, seconds=_BUILD_SECONDS)


def change_set(
    stage: Stage,
    parameters: Mapping[str, str],
    *,
    region: str,
    artifacts: Artifacts,
    template: Path | None = None,
) -> str | None:
    """Bring everything to AWS that a deployment needs, and ask CloudFormation what would change.

    Parameters
    ----------
    template
        Template of a release; the last build by default.

    Returns
    -------
    ARN of the change set; None if nothing would change.

    Raises
    ------
    ToolFailed
        See the class.
    """
    # `sam` looks for its configuration beside the template, which is elsewhere in a release.
    arguments = ["--config-file", str(SAMCONFIG.resolve()), "--config-env", stage.name, "--stack-name", stage.stack]
    arguments += ["--no-execute-changeset", "--no-confirm-changeset", "--no-fail-on-empty-changeset"]
    arguments += artifacts.options()
    if template:
        arguments += ["--template-file", str(template)]
    said = output_of("sam", "deploy", *arguments, *_overrides(parameters), region=region, seconds=_CHANGE_SET_SECONDS)
    found = _CHANGE_SET.search(said)
    return found.group() if found else None


def _overrides(parameters: Mapping[str, str]) -> list[str]:
    """As `sam` takes them. It would let the command line replace all of the file's values, so all are given."""
    given = [f"{name}={_quoted(value)}" for name, value in parameters.items()]
    return ["--parameter-overrides", *given] if given else []


def _quoted(value: str) -> str:
    """A value as `sam` takes it, whatever is in it; also an empty one."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
