"""A release: what `sam build` made with its images, in a folder that travels and says what it is.

stack/             template and code, as `sam` built them
images.tar         the images
sbom.cdx.json      what is in the inference image (CycloneDX)
provenance.json    what was built from what, where (in-toto statement, SLSA)
release.json       commit, run, ids of the images and digests of the files above
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.images import PINNED, base_of, built_on, image_id, pull_if_absent
from deploy.os_packages import os_packages
from deploy.parameters import Stage, architecture_of, load_template
from deploy.provenance import run_url, statement
from deploy.sbom import cyclonedx
from deploy.tools import run
from skylift.errors import ConfigError
from training.release.git import GitState

BUILT = Path(".aws-sam/build")
FOLDERS = {"inference": Path("functions/inference"), "training": Path("training")}
"""Folders of the Dockerfiles and their requirements, by the tag of the image."""

_DOCKERFILE = FOLDERS["inference"] / "Dockerfile"
"""It names the base of all images."""

_IMAGES, _MANIFEST, _STACK = "images.tar", "release.json", "stack"
_SECONDS = 30 * 60
_DEFINITION = re.compile(r"^ +DefinitionUri: (\S+)$", re.MULTILINE)


class ReleaseManifest(BaseModel):
    """`release.json`.

    Parameters
    ----------
    commit, dirty
        Commit that was built, and whether the tree had changes; None where unknown.
    built_at
        Time of the build.
    run
        URL of the workflow's run; None by hand.
    parameters
        Parameters of the template for which it was built; `Architecture` is part of the image.
    base
        Image on which they were built, with its digest; None where this machine made it, or the release is older.
    images
        Ids of the images by name.
    files
        SHA-256 of each other file, by its path in the folder.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    commit: str | None
    dirty: bool | None
    built_at: datetime
    run: str | None
    parameters: dict[str, str]
    base: str | None = None
    images: dict[str, str]
    files: dict[str, str]

    @property
    def state(self) -> GitState:
        """Commit of the release."""
        return GitState(self.commit, self.dirty)


def fetch_base() -> None:
    """Have the base image on this machine before the build, so that its tag is resolved once.

    Raises
    ------
    ToolFailed
        Docker failed.
    """
    pull_if_absent(base_of(_DOCKERFILE))


def save(folder: Path, stage: Stage, state: GitState, environment: Mapping[str, str] = os.environ) -> ReleaseManifest:
    """Copy what was built into a release.

    Parameters
    ----------
    folder
        Folder that gets it; what it holds is deleted.
    stage
        Stage for whose parameters it was built.
    state
        Commit of the checkout.
    environment
        Environment variables; those of a GitHub workflow name the run.

    Raises
    ------
    ToolFailed
        Docker failed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(BUILT, folder / _STACK)
    _take_definitions_along(folder / _STACK)
    images = images_of(template_of(folder))
    base = built_on(base_of(_DOCKERFILE), images)
    saved = folder / _IMAGES
    run("docker", "save", "--output", str(saved), *images, seconds=_SECONDS)
    system = {image: os_packages(saved, image) for image in images}
    now = datetime.now(UTC)
    requirements = {image: _requirements(image).read_text(encoding="utf-8") for image in images}
    _write(folder / "sbom.cdx.json", cyclonedx(requirements, images, state.commit, system))
    _write(folder / "provenance.json", statement(images, stage, state.commit, environment, base=base, now=now))
    manifest = ReleaseManifest(
        commit=state.commit,
        dirty=state.dirty,
        built_at=now,
        run=run_url(environment),
        parameters=stage.parameters,
        base=base,
        images=images,
        files=_digests(folder),
    )
    (folder / _MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return manifest


def _take_definitions_along(stack: Path) -> None:
    """Copy definitions of state machines, which `sam build` leaves where they are, beside the template."""
    template = stack / "template.yaml"
    text = template.read_text(encoding="utf-8")
    for path in _DEFINITION.findall(text):
        source = BUILT / path
        shutil.copy(source, stack)
        text = text.replace(path, source.name)
    template.write_text(text, encoding="utf-8")


def read(folder: Path) -> ReleaseManifest:
    """What a release is, after comparing its files with their digests.

    Raises
    ------
    ConfigError
        The folder holds no release, or not what was built.
    """
    try:
        manifest = ReleaseManifest.model_validate_json((folder / _MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigError(f"{folder} holds no release", "make one: make package") from error
    found = _digests(folder)
    if changed := sorted(path for path in manifest.files | found if manifest.files.get(path) != found.get(path)):
        raise ConfigError(
            f"{folder} is not what was built: {', '.join(changed[:3])}", "take the release of the workflow, or make one"
        )
    return manifest


def check_architecture(folder: Path, manifest: ReleaseManifest, values: Mapping[str, str]) -> None:
    """Refuse a stack whose functions could not run the images.

    Parameters
    ----------
    values
        Parameters of the stack.

    Raises
    ------
    ConfigError
        They were built for another architecture.
    """
    template = template_of(folder)
    built, wanted = architecture_of(manifest.parameters, template), architecture_of(values, template)
    if built != wanted:
        raise ConfigError(
            f"{folder} was built for {built}, and the stack is for {wanted}",
            f"deploy with PARAMS='Architecture={built}', or make another: make package PARAMS='Architecture={wanted}'",
        )


def template_of(folder: Path) -> Path:
    """The template of a release."""
    return folder / _STACK / "template.yaml"


def load_images(folder: Path) -> None:
    """Bring a release's images to this machine.

    Raises
    ------
    ToolFailed
        Docker failed.
    """
    if (images := folder / _IMAGES).exists():
        run("docker", "load", "--input", str(images), seconds=_SECONDS)


def images_of(template: Path) -> dict[str, str]:
    """Ids by name of the images that a built template names.

    Raises
    ------
    ToolFailed
        They are not on this machine.
    """
    resources = load_template(template.read_text(encoding="utf-8")).get("Resources", {})
    uris = (resource.get("Properties", {}).get("ImageUri") for resource in resources.values())
    return {name: image_id(name) for name in sorted({uri for uri in uris if isinstance(uri, str)})}


def _requirements(image: str) -> Path:
    """Requirements of an image by its name, for example `retrainfunction:training`."""
    return FOLDERS[image.rpartition(":")[2]] / "requirements.txt"


def _digests(folder: Path) -> dict[str, str]:
    """SHA-256 of the files of a release but those that are not part of the build."""
    digests = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in {_MANIFEST, f"{_STACK}/{PINNED}"}:
            with path.open("rb") as file:
                digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def _write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
