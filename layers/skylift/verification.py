"""Checks stored bytes against the digests that name them, wherever they are kept."""

from dataclasses import dataclass, field

from skylift.errors import IntegrityError, JoblibNotAllowed
from skylift.manifest import MODEL_FILE, Artifact, Manifest
from skylift.references import Reference, sha256


@dataclass(frozen=True, slots=True)
class Version:
    """A stored version.

    Parameters
    ----------
    reference
        Reference to the version.
    manifest
        Manifest of the version.
    body
        Bytes of the manifest, which the reference pins.
    """

    reference: Reference
    manifest: Manifest
    body: bytes = field(repr=False)


def read_version(reference: Reference, body: bytes, *, model: str) -> Version:
    """The version whose manifest these bytes are.

    Parameters
    ----------
    reference
        Reference that must name these bytes.
    model
        Name of the model that the manifest must have.

    Raises
    ------
    IntegrityError
        The bytes have another digest, are not a manifest, or belong to another version.
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


def check_form(manifest: Manifest, *, allow_joblib: bool) -> None:
    """Refuse a version that would be served from `model.joblib` where that is not allowed.

    Loading it runs whatever its publisher wrote; a compiled form only computes.

    Raises
    ------
    JoblibNotAllowed
    """
    if not (allow_joblib or manifest.compiled.format):
        raise JoblibNotAllowed(
            f"{manifest.name} has no compiled form, and {MODEL_FILE}, which could run any code, is not allowed here",
            f"train one that compiles (`skylift show {manifest.name}` says why it did not), or set the parameter "
            "AllowJoblib=true of the stack, SKYLIFT_ALLOW_JOBLIB=true elsewhere",
        )


def artifact_entry(manifest: Manifest, name: str) -> Artifact:
    """Digest and size of a file, from the manifest.

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
