"""A version baked into the container image, for a start without S3, or without AWS at all.

    {folder}/{model}/v7-<digest>/manifest.json, model.onnx, ...

It is used when the pointer names it, and when neither the pointer nor S3 can be reached at start. It is verified like
any other: the folder's name says which manifest it must hold.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from pathlib import Path

from skylift.errors import IntegrityError, InvalidReference
from skylift.manifest import MANIFEST_FILE, Manifest
from skylift.references import Reference
from skylift.verification import Version, check_artifact, read_version


def bake(version: Version, read: Callable[[str], bytes], folder: Path) -> Path:
    """Write a version into a folder for the container image.

    Parameters
    ----------
    read
        Function that returns a file of the version by name, checked against its manifest.
    folder
        Folder of all baked versions; see the module.

    Returns
    -------
    The version's own folder.
    """
    place = folder / version.manifest.model / f"{version.reference.name}-{version.reference.digest}"
    place.mkdir(parents=True, exist_ok=True)
    for name in version.manifest.artifacts:
        (place / name).write_bytes(read(name))
    (place / MANIFEST_FILE).write_bytes(version.body)
    return place


class ImageCache:
    """The baked versions of a model; usually one. What has another name than `bake` gives is left alone.

    Parameters
    ----------
    folder
        Folder of all baked versions; see the module.
    model
        Name of the model.
    """

    def __init__(self, folder: Path, model: str) -> None:
        self._model = model
        self._folders: dict[Reference, Path] = {}
        for place in sorted((folder / model).glob("v*-*")):
            with suppress(InvalidReference):
                self._folders[Reference.parse(place.name.replace("-", "@sha256:", 1))] = place

    def newest(self) -> Reference | None:
        """The baked version with the highest number."""
        return max(self._folders, default=None)

    def __contains__(self, reference: Reference) -> bool:
        return reference in self._folders

    def resolve(self, reference: Reference) -> Version:
        """The baked version; see `VersionStore.resolve`."""
        return read_version(reference, self._read(reference, MANIFEST_FILE), model=self._model)

    def open_version(self, reference: Reference) -> AbstractContextManager[tuple[Manifest, Callable[[str], bytes]]]:
        """The baked version to load; see `VersionStore.open_version`."""
        manifest = self.resolve(reference).manifest
        return nullcontext((manifest, partial(self.artifact, reference, manifest)))

    def artifact(self, reference: Reference, manifest: Manifest, name: str) -> bytes:
        """A file of it; see `VersionStore.artifact`."""
        return check_artifact(manifest, name, self._read(reference, name))

    def _read(self, reference: Reference, name: str) -> bytes:
        try:
            return (self._folders[reference] / name).read_bytes()
        except OSError as error:
            raise IntegrityError(
                f"{name} of {reference.name} is missing in the image", "build the image again"
            ) from error
