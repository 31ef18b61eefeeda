"""What is in the image, as CycloneDX (version 1.6): the pinned packages that the Dockerfile installs.

The base image's own packages are not in it: ECR's scan on push lists those.
"""

from collections.abc import Mapping
from typing import Any

from packaging.requirements import Requirement

from skylift.version import __version__

_IN_THE_IMAGE = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "python_version": "3.13"}
_IN_THE_IMAGE |= {"python_full_version": "3.13.0", "implementation_name": "cpython"}


def cyclonedx(requirements: str, images: Mapping[str, str], commit: str | None) -> dict[str, Any]:
    """The bill of materials of a release.

    Parameters
    ----------
    requirements
        Text of the image's requirements, each pinned with its hashes.
    images
        Ids of the images by name.
    commit
        Commit of the release; None where unknown.

    Returns
    -------
    Document for JSON.
    """
    application = {"type": "application", "bom-ref": "skylift", "name": "skylift", "version": __version__}
    if commit:
        application["purl"] = f"pkg:generic/skylift@{__version__}?vcs_revision={commit}"
    containers = [
        {"type": "container", "bom-ref": digest, "name": name, "version": digest} for name, digest in images.items()
    ]
    packages = [_component(line) for line in _pins(requirements)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": application},
        "components": containers + packages,
        "dependencies": [
            {"ref": "skylift", "dependsOn": [each["bom-ref"] for each in containers]},
            *({"ref": each["bom-ref"], "dependsOn": [one["bom-ref"] for one in packages]} for each in containers),
        ],
    }


def _pins(requirements: str) -> list[Requirement]:
    """Requirements that hold in the image."""
    lines = (line.partition("\\")[0].strip() for line in requirements.splitlines())
    found = [Requirement(line) for line in lines if line and not line.startswith(("#", "--"))]
    return [each for each in found if each.marker is None or each.marker.evaluate(_IN_THE_IMAGE)]


def _component(pin: Requirement) -> dict[str, str]:
    (specifier,) = pin.specifier
    purl = f"pkg:pypi/{pin.name}@{specifier.version}"
    return {"type": "library", "bom-ref": purl, "name": pin.name, "version": specifier.version, "purl": purl}
