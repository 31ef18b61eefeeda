"""The embedded AWS's objects and parameters, kept in a folder: a file for each content, and one index of all.

The index is replaced as a whole, after the contents that it names: a kill leaves the state before a write, or after it.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, s3_backends
from moto.ssm.models import Parameter, SimpleSystemManagerBackend, ssm_backends
from pydantic import Field, ValidationError

from skylift.documents import Document
from skylift.errors import SkyliftError
from skylift.references import sha256
from training.files import TEMPORARY, replace_file

REGION: Final = "eu-central-1"

_INDEX = "index.json"
_CONTENTS = "objects"
_REPORTS = "reports/"
_AWS_OWN = "/aws/"  # parameters that every account has


class StateDamaged(SkyliftError):
    """The stored state of an embedded AWS cannot be read."""

    code = "state-damaged"


class StoredObject(Document):
    """A version of an S3 object.

    Parameters
    ----------
    key, version_id, at
        Key, S3's identifier of the version, and time of the write.
    sha256
        Digest of the content, which names its file; None for a delete marker.
    etag, metadata, checksum_algorithm, checksum
        Headers that S3 answers with.
    """

    key: str
    version_id: str
    at: datetime
    sha256: str | None = None
    etag: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    checksum_algorithm: str | None = None
    checksum: str | None = None


class StoredParameter(Document):
    """A version of an SSM parameter.

    Parameters
    ----------
    name, version, at
        Name, number of the version, and time of the write.
    value, type, data_type, tier, description
        Fields of SSM.
    """

    name: str
    version: int
    at: datetime
    value: str
    type: str = "String"
    data_type: str = "text"
    tier: str | None = None
    description: str | None = None


class Index(Document):
    """Everything that is kept, oldest version of a name first."""

    schema_version: Literal[1] = 1
    objects: tuple[StoredObject, ...] = ()
    parameters: tuple[StoredParameter, ...] = ()


class AwsState:
    """The objects of a bucket and all parameters of this process's moto, with their copy in a folder.

    Parameters
    ----------
    folder
        Folder of the copy; made if it is missing.
    bucket
        Name of the bucket, which exists in moto.
    """

    def __init__(self, folder: Path, bucket: str) -> None:
        self._folder = folder
        self._bucket = bucket
        self._stored: dict[tuple[str, str], StoredObject] = {}
        self._index = b""

    def load(self) -> None:
        """Put what the folder holds into moto, in place of what moto holds, and delete what no index names.

        Raises
        ------
        StateDamaged
            A file is missing or was changed. Nothing is deleted.
        OSError
            The folder cannot be read.
        """
        index = self._read_index()
        contents = {stored.sha256: self._content(stored) for stored in index.objects if stored.sha256}
        bucket, parameters = self._moto_bucket(), self._moto_ssm()._parameters  # noqa: SLF001 (moto has no other door)
        bucket.keys.clear()
        parameters.clear()
        for stored in index.objects:
            versions = bucket.keys.getlist(stored.key, [])
            bucket.keys.setlist(stored.key, [*versions, _moto_key(stored, contents, self._bucket)])
            self._stored[stored.key, stored.version_id] = stored
        for parameter in index.parameters:
            parameters[parameter.name].append(_moto_parameter(parameter))
        for path in self._folder.rglob("*"):
            if path.name.endswith(TEMPORARY) or (path.parent.name == _CONTENTS and path.name not in contents):
                path.unlink()

    def save(self) -> None:
        """Write what changed in moto since the last call.

        Raises
        ------
        OSError
            It cannot be written; the folder holds the state before.
        """
        forgotten = self._forget_earlier_reports()
        objects = tuple(
            self._saved(key) for _, versions in self._moto_bucket().keys.iterlists() for key in list(versions)
        )
        parameters = tuple(
            _stored_parameter(parameter)
            for name, versions in self._moto_ssm()._parameters.items()  # noqa: SLF001
            if not name.startswith(_AWS_OWN)
            for parameter in versions
        )
        index = Index(objects=objects, parameters=parameters).to_bytes()
        if index != self._index:
            self._folder.mkdir(parents=True, exist_ok=True)
            replace_file(self._folder / _INDEX, index)
            self._index = index
        for content in forgotten - {stored.sha256 for stored in objects}:
            (self._folder / _CONTENTS / content).unlink(missing_ok=True)

    def _forget_earlier_reports(self) -> set[str]:
        """Keep of each report what was written last, since the monitor writes some each hour.

        Returns
        -------
        Digests of what is no longer a report.
        """
        keys, forgotten = self._moto_bucket().keys, set()
        for name in [name for name in keys if name.startswith(_REPORTS)]:
            *earlier, last = keys.getlist(name)
            if earlier:
                keys.setlist(name, [last])
            for key in earlier:
                stored = self._stored.pop((name, key.version_id), None)
                if stored and stored.sha256:
                    forgotten.add(stored.sha256)
        return forgotten

    def _read_index(self) -> Index:
        path = self._folder / _INDEX
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            if any((self._folder / _CONTENTS).glob("*")):
                raise self._damaged(f"{path} is missing") from error
            return Index()
        try:
            return Index.model_validate_json(data)
        except ValidationError as error:
            raise self._damaged(f"{path} cannot be read: it is damaged, or of a later release") from error

    def _content(self, stored: StoredObject) -> bytes:
        path = self._folder / _CONTENTS / str(stored.sha256)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise self._damaged(f"{path}, the content of {stored.key}, is missing") from error
        if sha256(data) != stored.sha256:
            raise self._damaged(f"{path}, the content of {stored.key}, was changed")
        return data

    def _damaged(self, what: str) -> StateDamaged:
        hint = f"restore {self._folder} from a copy, or move it away: the next start then begins with an empty registry"
        return StateDamaged(what, hint)

    def _saved(self, key: FakeKey | FakeDeleteMarker) -> StoredObject:
        """The entry of an object, its content written."""
        if (stored := self._stored.get((key.name, key.version_id))) is not None:
            return stored
        if isinstance(key, FakeDeleteMarker):
            stored = StoredObject(key=key.name, version_id=key.version_id, at=_utc(key.last_modified))
        else:
            data = key.value
            stored = StoredObject(
                key=key.name,
                version_id=key.version_id,
                at=_utc(key.last_modified),
                sha256=sha256(data),
                etag=key.etag.strip('"'),
                metadata={name: str(value) for name, value in key.metadata.items()},
                checksum_algorithm=key.checksum_algorithm,
                checksum=key.checksum_value,
            )
            path = self._folder / _CONTENTS / str(stored.sha256)
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, data)
        self._stored[key.name, key.version_id] = stored
        return stored

    def _moto_bucket(self) -> FakeBucket:
        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[self._bucket]

    def _moto_ssm(self) -> SimpleSystemManagerBackend:
        return ssm_backends[DEFAULT_ACCOUNT_ID][REGION]


def _moto_key(stored: StoredObject, contents: dict[str, bytes], bucket: str) -> FakeKey | FakeDeleteMarker:
    key = FakeKey(
        stored.key,
        contents[stored.sha256] if stored.sha256 else b"",
        account_id=DEFAULT_ACCOUNT_ID,
        region_name=REGION,
        etag=stored.etag,
        is_versioned=True,
        version_id=stored.version_id,
        bucket_name=bucket,
        checksum_value=stored.checksum,
    )
    key.last_modified = stored.at.replace(tzinfo=None)
    key.checksum_algorithm = stored.checksum_algorithm
    key.set_metadata(dict(stored.metadata), replace=True)
    if stored.sha256 is not None:
        return key
    marker: Any = FakeDeleteMarker(key)
    marker.last_modified = key.last_modified
    marker._version_id = stored.version_id  # noqa: SLF001
    return marker  # type: ignore[no-any-return]


def _stored_parameter(parameter: Parameter) -> StoredParameter:
    return StoredParameter(
        name=parameter.name,
        version=parameter.version,
        at=_utc(parameter.last_modified_date),
        value=parameter.value,
        type=parameter.parameter_type,
        data_type=parameter.data_type,
        tier=parameter.tier,
        description=parameter.description,
    )


def _moto_parameter(stored: StoredParameter) -> Parameter:
    make: Any = Parameter  # abstract only as a resource of CloudFormation
    parameter: Parameter = make(
        account_id=DEFAULT_ACCOUNT_ID,
        name=stored.name,
        value=stored.value,
        parameter_type=stored.type,
        description=stored.description,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=stored.at.replace(tzinfo=None),
        version=stored.version,
        data_type=stored.data_type,
        tier=stored.tier,
    )
    return parameter


def _utc(moment: datetime) -> datetime:
    """A moment as moto has it, with its zone."""
    return moment.replace(tzinfo=UTC)
