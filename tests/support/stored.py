"""Versions as objects in S3: how a test publishes small ones, reads what is stored and alters it."""

from typing import TYPE_CHECKING

from skylift.aws import s3_client
from skylift.references import Reference
from skylift.store import VersionStore
from tests.conftest import BUCKET, MODEL
from tests.support.manifests import draft

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def publish(store: VersionStore, model: bytes = b"a model") -> Reference:
    """Publish a version whose model is some bytes."""
    package = draft(model)
    return store.publish(package.describe, package.artifacts).reference


def fresh_store(model: str = MODEL) -> VersionStore:
    """A store with a client of its own."""
    return VersionStore(BUCKET, model, client=s3_client())


def read_object(s3: "S3Client", name: str, *, version: str = "v1") -> bytes:
    """The stored bytes of a file."""
    return s3.get_object(Bucket=BUCKET, Key=f"models/iris/{version}/{name}")["Body"].read()


def overwrite(s3: "S3Client", name: str, data: bytes, *, version: str = "v1") -> None:
    """Alter a stored file."""
    s3.put_object(Bucket=BUCKET, Key=f"models/iris/{version}/{name}", Body=data)
