"""Checks stored bytes against the digests that name them, wherever they are kept."""

from dataclasses import dataclass, field

from skylift.errors import IntegrityError
from skylift.manifest import Artifact, Manifest
from skylift.references import Reference, sha256


@dataclass(frozen=True, slots=True)
class Version:
    """A stored version.

    Parameters
    ----------
    reference
        Names it.
    manifest
        What it says of itself.
    body
        The manifest's bytes, which the reference pins.
    """

    reference: Reference
    manifest: Manifest
    body: bytes = field(repr=False)


def read_version(reference: Reference, body: bytes, *, model: str) -> Version:
    """The version whose manifest these bytes are.

    Parameters
    ----------
    reference
        Must name these bytes.
    model
        Must be the manifest's.

    Raises
    ------
    IntegrityError
        The bytes have another digest, are no manifest, or belong elsewhere.
    """
    if sha256(body) != reference.digest:
        raise IntegrityError(
            f"the manifest of {reference.name} does not have the digest that the reference names",
            "promote a version whose reference `skylift versions` shows",
        )
    manifest = Manifest.from_bytes(body, source=f"the manifest of {reference.name}")
    if (manifest.model, manifest.version) != (model, reference.number):
        raise IntegrityError(
            f"the manifest of {model} {reference.name} says it is {manifest.model} {manifest.name}",
            "publish the version again",
        )
    return Version(reference, manifest, body)


def artifact_entry(manifest: Manifest, name: str) -> Artifact:
    """What a manifest says of one of its files.

    Raises
    ------
    IntegrityError
        It does not list the file.
    """
    if (artifact := manifest.artifacts.get(name)) is None:
        raise IntegrityError(f"{manifest.name} has no {name}", "publish the version again")
    return artifact


def check_artifact(manifest: Manifest, name: str, data: bytes) -> bytes:
    """The bytes of a file, if they are those its manifest names.

    Raises
    ------
    IntegrityError
        They are not.
    """
    expected = artifact_entry(manifest, name)
    if len(data) != expected.bytes or sha256(data) != expected.sha256:
        raise IntegrityError(
            f"{name} of {manifest.name} does not have the digest that its manifest names",
            "restore the object, or promote another version",
        )
    return data
