"""The data of a retraining: the objects of `data/{model}/` at one moment, each pinned by its version and digest.

Nothing is copied: the snapshot is the list, `snapshots/{model}/{id}/snapshot.json`, and the bucket keeps versions.
"""

import hashlib
import shutil
from datetime import datetime
from pathlib import Path, PurePosixPath

from pydantic import AwareDatetime

from skylift.bucket import JSON, Bucket, ModelFolder
from skylift.documents import Document
from skylift.errors import DataError, IntegrityError

_MAX_BYTES = 64 * 2**20
_MAX_OBJECTS = 100_000


class SnapshotObject(Document):
    """An object as it was.

    Parameters
    ----------
    key
        Key of the object.
    version
        Version id; None where the bucket keeps no versions.
    bytes, sha256
        Size, and SHA-256 of the content.
    """

    key: str
    version: str | None = None
    bytes: int
    sha256: str


class Snapshot(Document):
    """The objects that make up a table; without any, the table is the one that `model.yaml` names.

    Parameters
    ----------
    schema_version
        Version of this document's format.
    taken
        Time at which the objects were listed.
    objects
        Objects in the order of their keys.
    """

    schema_version: int = 1
    taken: AwareDatetime
    objects: tuple[SnapshotObject, ...]


class Snapshots(ModelFolder):
    """Takes snapshots of a model's data, and fetches what is in them.

    Parameters
    ----------
    bucket
        Bucket of the data.
    model
        Name of the model.
    """

    FOLDER = "snapshots"

    def __init__(self, bucket: Bucket, model: str) -> None:
        super().__init__(bucket, model)
        self._prefix = f"data/{model}/"

    def key(self, id: str) -> str:  # noqa: A002
        """Key of a snapshot."""
        return f"{self._root}{id}/snapshot.json"

    def take(self, id: str, now: datetime) -> Snapshot:  # noqa: A002
        """Take the snapshot of a retraining; the one that was taken before stays.

        Raises
        ------
        DataError
            There are too many objects, or a key cannot be the name of a file.
        AwsUnavailable
            S3 failed.
        """
        made = Snapshot(taken=now, objects=tuple(map(self._pinned, self._keys())))
        if self._bucket.write_new(self.key(id), made.to_bytes(), content_type=JSON):
            return made
        return self.read(id)

    def read(self, id: str) -> Snapshot:  # noqa: A002
        """The snapshot of a retraining.

        Raises
        ------
        IntegrityError
            It does not exist, or cannot be read.
        AwsUnavailable
            S3 failed.
        """
        if taken := self.find(id):
            return taken
        raise IntegrityError(f"{self.key(id)} does not exist", "start the retraining again")

    def find(self, id: str) -> Snapshot | None:  # noqa: A002
        """The snapshot of a retraining; None before it was taken. See `read`."""
        data = self._bucket.read(self.key(id), limit=_MAX_BYTES)
        if data is None:
            return None
        return Snapshot.from_bytes(data, source=self.key(id), hint="start the retraining again")

    def newest(self) -> AwareDatetime | None:
        """Time of the latest change of the data; None without any."""
        return max((entry.modified for entry in self._bucket.entries(self._prefix)), default=None)

    def fetch(self, snapshot: Snapshot, folder: Path) -> None:
        """Write the objects of a snapshot below a folder, each under the rest of its key.

        Raises
        ------
        DataError
            An object is gone, or is another one; or the disk has not enough space.
        AwsUnavailable
            S3 failed.
        """
        needed, free = sum(each.bytes for each in snapshot.objects), shutil.disk_usage(folder).free
        if needed > free:
            raise DataError(
                f"the data has {needed:,} bytes, and {folder} has {free:,} left",
                "give the function more storage, or train on Fargate",
            )
        for each in snapshot.objects:
            path = folder / each.key.removeprefix(self._prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            with self._bucket.opened(each.key, version=each.version) as content, path.open("wb") as file:
                for chunk in content.chunks:
                    digest.update(chunk)
                    file.write(chunk)
            if digest.hexdigest() != each.sha256:
                raise DataError(f"{each.key} is not what it was in the snapshot any more", "start the retraining again")

    def _keys(self) -> list[str]:
        keys = [entry.key for entry in self._bucket.entries(self._prefix) if not entry.key.endswith("/")]
        if len(keys) > _MAX_OBJECTS:
            raise DataError(f"{self._prefix} has {len(keys):,} objects", f"keep at most {_MAX_OBJECTS:,}")
        for key in keys:
            name = key.removeprefix(self._prefix)
            if ".." in PurePosixPath(name).parts or name.startswith("/") or "//" in name or "\0" in name:
                raise DataError(f"{key[:200]!r} cannot be the name of a file", "give the object another key")
        return keys

    def _pinned(self, key: str) -> SnapshotObject:
        digest, size = hashlib.sha256(), 0
        with self._bucket.opened(key) as content:
            for chunk in content.chunks:
                digest.update(chunk)
                size += len(chunk)
        return SnapshotObject(key=key, version=content.version, bytes=size, sha256=digest.hexdigest())
