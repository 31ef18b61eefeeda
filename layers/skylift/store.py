"""Versions in S3: `models/{model}/v{n}/`, the model first, the manifest last, never changed.

`model.joblib` is put with `IfNoneMatch='*'`: that put claims the number, and a lost race takes the next one.
`manifest.json` is put last: a version exists when its manifest does, so a publisher that dies before leaves
nothing visible and only skips a number.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from skylift.aws import aws_errors, error_code
from skylift.download import read_body
from skylift.errors import AwsUnavailable, IntegrityError, NumberTaken, SkyliftError, VersionNotFound
from skylift.manifest import BASELINE_FILE, COMPILED_FILE, MANIFEST_FILE, MODEL_FILE, Manifest, reference_to
from skylift.references import Reference, version_name
from skylift.signature import MAX_SIGNATURE_BYTES, SIGNATURE_FILE
from skylift.verification import Version, artifact_entry, check_artifact, read_version

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_FOLDER = re.compile(r"v([1-9][0-9]{0,8})")
_LOST_RACE = {"PreconditionFailed", "ConditionalRequestConflict"}
_ABSENT = {"NoSuchKey", "404"}
_RESTORE = "restore the object, or promote another version"
_MAX_MANIFEST_BYTES = 16 * 2**20
_CLAIM_ATTEMPTS = 100
_SERVED = (COMPILED_FILE, BASELINE_FILE)
_CONTENT_TYPES = {".json": "application/json", ".html": "text/html; charset=utf-8"}


class VersionStore:
    """The versions of one model in a bucket.

    Parameters
    ----------
    bucket
        Name of the bucket.
    model
        Name of the model.
    client
        Botocore client for S3.
    """

    def __init__(self, bucket: str, model: str, *, client: "S3Client") -> None:
        self._bucket = bucket
        self._model = model
        self._client = client

    def publish(
        self,
        describe: Callable[[int], Manifest],
        artifacts: Mapping[str, bytes],
        *,
        sign: Callable[[Reference], bytes | None] = lambda _: None,
    ) -> Version:
        """Store a new version under the next free number.

        Parameters
        ----------
        describe
            Function that makes the manifest of a version number.
        artifacts
            Contents of the files by name; `model.joblib` among them.
        sign
            Function that makes `signature.json` of a reference, or None; what it raises leaves the version invisible.

        Raises
        ------
        AwsUnavailable
            S3 failed. The number is not used again, and the version is not visible, unless all that failed is the
            answer to the last write.
        NumberTaken
            Somebody else wrote under the number, or under every number tried. The version is not visible.
        IntegrityError
            The manifest could not be read back. The version is not visible.
        """
        number = self._claim(artifacts[MODEL_FILE])
        for name, data in artifacts.items():
            if name != MODEL_FILE:
                self._put(number, name, data)
        body = describe(number).to_bytes()
        version = read_version(reference_to(number, body), body, model=self._model)
        if (signature := sign(version.reference)) is not None:
            self._put(number, SIGNATURE_FILE, signature)
        self._put(number, MANIFEST_FILE, body)
        return version

    def numbers(self) -> list[int]:
        """Numbers of the visible versions, ascending."""
        return sorted(number for number, files in self._claims().items() if MANIFEST_FILE in files)

    def versions(self) -> list[Version]:
        """The visible versions, ascending by number."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            return list(pool.map(self.version, self.numbers()))

    def version(self, number: int) -> Version:
        """A visible version as it is stored now.

        Raises
        ------
        VersionNotFound
            No version has this number.
        IntegrityError
            Its manifest cannot be read.
        """
        body = self._get(number, MANIFEST_FILE, limit=_MAX_MANIFEST_BYTES)
        return read_version(reference_to(number, body), body, model=self._model)

    def resolve(self, reference: Reference) -> Version:
        """The version a reference names, its manifest checked against the reference's digest.

        Raises
        ------
        VersionNotFound
            No version has this number.
        IntegrityError
            The stored manifest has another digest, or belongs to another version.
        """
        body = self._get(reference.number, MANIFEST_FILE, limit=_MAX_MANIFEST_BYTES)
        return read_version(reference, body, model=self._model)

    @contextmanager
    def open_version(self, reference: Reference) -> Iterator[tuple[Manifest, Callable[[str], bytes]]]:
        """A version to load at once: what serving reads is asked for together with its manifest.

        Returns
        -------
        tuple
            The manifest, as `resolve` returns it, and a function that returns a file by name, as `artifact` does.

        Raises
        ------
        VersionNotFound, IntegrityError
        """
        with ThreadPoolExecutor(len(_SERVED)) as pool:
            ahead = {name: pool.submit(self._open, reference.number, name) for name in _SERVED}
            try:
                manifest = self.resolve(reference).manifest
                responses = {name: future.result for name, future in ahead.items()}
                yield manifest, lambda name: self._artifact(manifest, name, responses.pop(name, None))
            finally:
                for future in ahead.values():
                    with suppress(SkyliftError):  # a reader has met this failure; without one it does not matter
                        future.result()["Body"].close()

    def signature(self, number: int) -> bytes | None:
        """The stored signature of a version, of which nothing is checked; None if it has none."""
        try:
            return self._get(number, SIGNATURE_FILE, limit=MAX_SIGNATURE_BYTES)
        except VersionNotFound:
            return None

    def artifact(self, manifest: Manifest, name: str) -> bytes:
        """A file of a version, checked against the digest in its manifest.

        Raises
        ------
        IntegrityError
            The manifest does not list it, or it is missing, truncated or altered.
        """
        return self._artifact(manifest, name)

    def check_files(self, manifest: Manifest) -> None:
        """Check that every file of a version can be read and has its size; contents are not read.

        Raises
        ------
        IntegrityError
            A file is missing, or of another size.
        AwsUnavailable
            S3 failed.
        """
        for name, entry in manifest.artifacts.items():
            response = self._opened(manifest, name)
            response["Body"].close()
            if response["ContentLength"] != entry.bytes:
                raise IntegrityError(
                    f"{name} of {manifest.name} has {response['ContentLength']} bytes, not {entry.bytes}", _RESTORE
                )

    def _artifact(
        self, manifest: Manifest, name: str, ahead: "Callable[[], GetObjectOutputTypeDef] | None" = None
    ) -> bytes:
        expected = artifact_entry(manifest, name)
        response = self._opened(manifest, name, ahead)
        return check_artifact(manifest, name, self._read(response, manifest.version, name, limit=expected.bytes))

    def _opened(
        self, manifest: Manifest, name: str, ahead: "Callable[[], GetObjectOutputTypeDef] | None" = None
    ) -> "GetObjectOutputTypeDef":
        try:
            return ahead() if ahead else self._open(manifest.version, name)
        except VersionNotFound as error:
            raise IntegrityError(f"{name} of {manifest.name} is missing", _RESTORE) from error

    def _key(self, number: int, name: str) -> str:
        return f"models/{self._model}/{version_name(number)}/{name}"

    def _claim(self, model: bytes) -> int:
        first = max(self._claims(), default=0) + 1
        for number in range(first, first + _CLAIM_ATTEMPTS):
            if self._put_if_absent(number, MODEL_FILE, model):
                return number
        raise NumberTaken(f"{_CLAIM_ATTEMPTS} other publishers took every number tried", "publish again")

    def _claims(self) -> dict[int, set[str]]:
        """Names of the files under each number, visible or not."""
        prefix = f"models/{self._model}/"
        claims: dict[int, set[str]] = {}
        for key in self._keys(prefix):
            folder, _, name = key.removeprefix(prefix).partition("/")
            if match := _FOLDER.fullmatch(folder):
                claims.setdefault(int(match[1]), set()).add(name)
        return claims

    def _keys(self, prefix: str) -> Iterator[str]:
        with aws_errors(f"listing the versions of {self._model} in bucket {self._bucket}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                yield from (item["Key"] for item in page.get("Contents", []))

    def _put(self, number: int, name: str, data: bytes) -> None:
        """Write a file under a number that is ours; one that is there already is from a try whose answer was lost."""
        if not self._put_if_absent(number, name, data) and not self._holds(number, name, data):
            raise NumberTaken(
                f"{name} of {version_name(number)} exists already", "publish again: it takes a new number"
            )

    def _holds(self, number: int, name: str, data: bytes) -> bool:
        try:
            return self._get(number, name, limit=len(data)) == data
        except VersionNotFound:
            return False

    def _put_if_absent(self, number: int, name: str, data: bytes) -> bool:
        key = self._key(number, name)
        suffix = name[name.rfind(".") :]
        with aws_errors(f"writing {name} of {self._model} {version_name(number)} to bucket {self._bucket}"):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=data,
                    IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256",
                    ContentType=_CONTENT_TYPES.get(suffix, "application/octet-stream"),
                )
            except ClientError as error:
                if error_code(error) in _LOST_RACE:
                    return False
                raise
        return True

    def _get(self, number: int, name: str, *, limit: int) -> bytes:
        return self._read(self._open(number, name), number, name, limit=limit)

    def _open(self, number: int, name: str) -> "GetObjectOutputTypeDef":
        """S3's answer to a request for a file, of which nothing is read yet."""
        doing = self._reading(number, name)
        with aws_errors(doing):
            try:
                return self._client.get_object(Bucket=self._bucket, Key=self._key(number, name))
            except ClientError as error:
                if error_code(error) in _ABSENT:
                    raise VersionNotFound(
                        f"{self._model} has no version {version_name(number)}", "see `skylift versions`"
                    ) from error
                if error_code(error) == "AccessDenied":  # S3's word for a missing object too, without s3:ListBucket
                    raise AwsUnavailable(
                        f"{doing} failed (AccessDenied): it is missing, or the role may not read it",
                        "see `skylift versions`; check the role's policy and credentials",
                    ) from error
                raise

    def _read(self, response: "GetObjectOutputTypeDef", number: int, name: str, *, limit: int) -> bytes:
        """Up to `limit` bytes of a file, and one more where it is longer."""
        doing = self._reading(number, name)
        with aws_errors(doing):
            return read_body(doing, response["Body"], length=response.get("ContentLength"), limit=limit)

    def _reading(self, number: int, name: str) -> str:
        return f"reading {name} of {self._model} {version_name(number)}"
