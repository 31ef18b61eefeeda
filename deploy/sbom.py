"""What is in the images, as CycloneDX (version 1.6): the pinned packages that a Dockerfile installs, and its base's.

Python itself and Lambda's runtime are in no package of the base, so no list is complete, and the document says so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from packaging.requirements import Requirement

from deploy.os_packages import Package
from skylift.version import __version__

_IN_THE_IMAGE = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "python_version": "3.13"}
_IN_THE_IMAGE |= {"python_full_version": "3.13.0", "implementation_name": "cpython"}


def cyclonedx(
    requirements: Mapping[str, str],
    images: Mapping[str, str],
    commit: str | None,
    system: Mapping[str, Sequence[Package] | None],
) -> dict[str, Any]:
    """The bill of materials of a release.

    Parameters
    ----------
    requirements
        Texts of the images' requirements, each pinned with its hashes, by name of the image.
    images
        Ids of the images by name.
    commit
        Commit of the release; None where unknown.
    system
        Packages of the operating system by name of the image; None where unknown.

    Returns
    -------
    Document for JSON.
    """
    application = {"type": "application", "bom-ref": "skylift", "name": "skylift", "version": __version__}
    if commit:
        application["purl"] = f"pkg:generic/skylift@{__version__}?vcs_revision={commit}"
    containers = [_container(name, digest, system[name]) for name, digest in images.items()]
    held = {
        digest: [*map(_package, _pins(requirements[name])), *(system[name] or ())] for name, digest in images.items()
    }
    packages = {package.purl: package for each in held.values() for package in each}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": application},
        "components": [*containers, *map(_library, packages.values())],
        "dependencies": [
            {"ref": "skylift", "dependsOn": [each["bom-ref"] for each in containers]},
            *({"ref": digest, "dependsOn": [one.purl for one in each]} for digest, each in held.items()),
        ],
        "compositions": [
            {"aggregate": "unknown" if system[name] is None else "incomplete", "dependencies": [digest]}
            for name, digest in images.items()
        ],
    }


def _pins(requirements: str) -> list[Requirement]:
    """Requirements that hold in the image."""
    lines = (line.partition("\\")[0].strip() for line in requirements.splitlines())
    found = [Requirement(line) for line in lines if line and not line.startswith(("#", "--"))]
    return [each for each in found if each.marker is None or each.marker.evaluate(_IN_THE_IMAGE)]


def _package(pin: Requirement) -> Package:
    (specifier,) = pin.specifier
    return Package(pin.name, specifier.version, f"pkg:pypi/{pin.name}@{specifier.version}")


def _container(name: str, digest: str, system: Sequence[Package] | None) -> dict[str, Any]:
    known = "unknown" if system is None else str(len(system))
    return {
        "type": "container",
        "bom-ref": digest,
        "name": name,
        "version": digest,
        "properties": [{"name": "skylift:os-packages", "value": known}],
    }


def _library(package: Package) -> dict[str, str]:
    named = {"name": package.name, "version": package.version}
    return {"type": "library", "bom-ref": package.purl, **named, "purl": package.purl}
