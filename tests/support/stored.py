"""Versions as objects in S3: how a test stores them, reads what is stored and alters it."""

from typing import TYPE_CHECKING

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from skylift.aws import s3_client
from skylift.manifest import MANIFEST_FILE, reference_to
from skylift.pointer import ActivePointer
from skylift.references import Reference
from skylift.store import VersionStore
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.aws_clients import shared_clients
from tests.support.manifests import Draft, draft

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from training.release.packaging import Package


def placed(package: "Package | Draft") -> Reference:
    """Store a version in the bucket as publishing does, in moto's memory at once: its calls take longer than a test."""
    s3 = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    folder = f"models/{package.describe(1).model}/"
    taken = {key.removeprefix(folder).split("/")[0] for key in s3.get_bucket(BUCKET).keys if key.startswith(folder)}
    number = len(taken) + 1
    manifest = package.describe(number).to_bytes()
    for name, data in {**package.artifacts, MANIFEST_FILE: manifest}.items():
        s3.put_object(BUCKET, f"{folder}v{number}/{name}", data)
    return reference_to(number, manifest)


def promoted(package: "Package | Draft") -> Reference:
    """Store a version, and let the pointer name it without an examination."""
    reference = placed(package)
    ActivePointer(STAGE, MODEL, client=shared_clients("operator").ssm).move(reference)
    return reference


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
