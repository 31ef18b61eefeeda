"""Images in a repository: pushed once by their content, deployed by their digest.

A tag made from the image's id never changes its meaning, so a job that runs again finds what it pushed, also in a
repository that takes each tag once.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from botocore.exceptions import ClientError

from deploy.tools import ToolFailed, output_of, run
from skylift.aws import aws_errors, error_code

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

PINNED = "pinned.json"
"""Name of the copy of a template whose images are named by digest."""

_VARIABLE = "SKYLIFT_IMAGE_DIGEST"
_INSPECT_SECONDS = 60
_PUSH_SECONDS = 30 * 60


def image_id(image: str) -> str:
    """Id of an image on this machine, `sha256:` and 64 hexadecimal digits.

    Raises
    ------
    ToolFailed
        There is no such image.
    """
    return output_of("docker", "image", "inspect", "--format", "{{.Id}}", image, seconds=_INSPECT_SECONDS)


def base_of(dockerfile: Path) -> str:
    """The image on which a Dockerfile builds: that of its first FROM, which later stages name by its alias."""
    lines = dockerfile.read_text(encoding="utf-8").splitlines()
    return next(line.split()[1] for line in lines if line.startswith("FROM "))


def pull_if_absent(image: str) -> None:
    """Have an image on this machine, so that all of a build takes the same: a tag may move meanwhile.

    Raises
    ------
    ToolFailed
        It cannot be pulled.
    """
    if not output_of("docker", "images", "--quiet", image, seconds=_INSPECT_SECONDS):
        run("docker", "pull", "--quiet", image, seconds=_PUSH_SECONDS)


def built_on(base: str, images: Iterable[str]) -> str | None:
    """A base image with its digest, which is that of the images' first layers too.

    Parameters
    ----------
    base
        Name of the base image, with its tag.
    images
        Names of the images that were built on it.

    Returns
    -------
    For example `public.ecr.aws/lambda/python:3.13@sha256:...`; None where this machine made the base:
    no registry has given it a digest.

    Raises
    ------
    ToolFailed
        An image was built on another one.
    """
    repository = base.partition("@")[0].rpartition(":")[0]
    digests = _inspect(base, "{{json .RepoDigests}}")
    digest = next((each.rpartition("@")[2] for each in digests or () if each.startswith(f"{repository}@")), None)
    if digest is None:
        return None
    layers = _inspect(base, "{{json .RootFS.Layers}}")
    for image in images:
        if _inspect(image, "{{json .RootFS.Layers}}")[: len(layers)] != layers:
            raise ToolFailed(f"{image} is not built on the {base} of this machine", "did somebody pull it? build again")
    return f"{base.partition('@')[0]}@{digest}"


def _inspect(image: str, template: str) -> list[str]:
    found: list[str] = json.loads(
        output_of("docker", "image", "inspect", "--format", template, image, seconds=_INSPECT_SECONDS)
    )
    return found


def pinned(template: Path, images: Mapping[str, str], repository: str, *, client: "ECRClient") -> Path:
    """Push the images that a repository lacks, and name them by digest in a copy of the template.

    Functions get the digest as `SKYLIFT_IMAGE_DIGEST`: nothing in an image can tell it, and no parameter, which a later
    deployment might keep, can name another one than the function runs. A container of a task names an image by its tag.

    Parameters
    ----------
    template
        Built template.
    images
        Ids by name of the images in it, which are on this machine.
    repository
        URI of the repository, for example `123456789012.dkr.ecr.eu-central-1.amazonaws.com/skylift`.
    client
        ECR client.

    Returns
    -------
    Path of the copy, beside the template: the paths in it are relative. It is JSON, which leaves no text to be read as
    a number or a date.

    Raises
    ------
    ToolFailed
        Docker failed.
    """
    digests = {
        image: _digest(image, identity.replace(":", "-"), repository, client) for image, identity in images.items()
    }
    by_tag = {image.rpartition(":")[2]: f"{repository}@{digest}" for image, digest in digests.items()}
    document = yaml.safe_load(template.read_text(encoding="utf-8"))
    for resource in document["Resources"].values():
        properties = resource.get("Properties", {})
        for container in properties.get("ContainerDefinitions", ()):  # `sam` names images of functions only
            container["Image"] = by_tag.get(container["Image"], container["Image"])
        if digest := digests.get(properties.get("ImageUri")):
            properties["ImageUri"] = f"{repository}@{digest}"
            properties.setdefault("Environment", {}).setdefault("Variables", {})[_VARIABLE] = digest
    copy = template.with_name(PINNED)
    copy.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return copy


def _digest(image: str, tag: str, repository: str, client: "ECRClient") -> str:
    """Digest of an image in the repository, which has it afterwards."""
    if (found := _find(tag, repository, client)) is None:
        _push(image, f"{repository}:{tag}", client)
        found = _find(tag, repository, client)
    if found is None:
        raise ToolFailed(f"{repository} has no {tag} after the push", "is IMAGE_REPOSITORY in this region?")
    return found


def _find(tag: str, repository: str, client: "ECRClient") -> str | None:
    _, _, name = repository.partition("/")
    with aws_errors(f"looking for {tag[:19]} in {repository}"):
        try:
            details = client.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])["imageDetails"]
        except ClientError as error:
            if error_code(error) == "ImageNotFoundException":
                return None
            raise
    return details[0]["imageDigest"]


def _push(image: str, uri: str, client: "ECRClient") -> None:
    with aws_errors("logging in to the registry"):
        (login,) = client.get_authorization_token()["authorizationData"]
    user, _, word = base64.b64decode(login["authorizationToken"]).decode().partition(":")
    registry, _, _ = uri.partition("/")
    run("docker", "login", "--username", user, "--password-stdin", registry, seconds=_INSPECT_SECONDS, word=word)
    run("docker", "tag", image, uri, seconds=_INSPECT_SECONDS)
    run("docker", "push", "--quiet", uri, seconds=_PUSH_SECONDS)
