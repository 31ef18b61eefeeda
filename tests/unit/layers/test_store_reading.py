"""The store reads: nothing but what was published, and never as anything else."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any

import joblib
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import ProtocolError

from skylift.errors import AwsUnavailable, IntegrityError, VersionNotFound
from skylift.manifest import BASELINE_FILE, COMPILED_FILE, MODEL_FILE, reference_to
from skylift.references import Reference
from skylift.store import VersionStore
from tests.conftest import BUCKET, MODEL
from tests.support.aws_clients import every_operation
from tests.support.faults import (
    after,
    before,
    denied,
    fails_with,
    hangs,
    refused,
    throttled,
    timeout,
    truncates,
)
from tests.support.manifests import draft, manifest
from tests.support.pickles import trap
from tests.support.stored import overwrite, publish, read_object
from tests.support.waiting import TIMES_OUT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FAULTS: dict[str, ClientError | BotoCoreError] = {
    "throttled": throttled("SlowDown"),
    "denied": denied(),
    "timed out": timeout(),
    "connection refused": refused(),
}


def _publish_compiled(store: VersionStore) -> Reference:
    files = draft().artifacts | {COMPILED_FILE: b"compiled"}
    return store.publish(lambda number: manifest(number, artifacts=files), files).reference


class TestResolving:
    def test_a_version_that_does_not_exist_is_not_found(self, store: VersionStore) -> None:
        with pytest.raises(VersionNotFound, match="iris has no version v3") as caught:
            store.version(3)

        assert caught.value.hint == "see `skylift versions`"

    def test_a_claimed_number_without_a_manifest_is_not_found(self, store: VersionStore, s3: "S3Client") -> None:
        overwrite(s3, MODEL_FILE, b"a model")

        with pytest.raises(VersionNotFound):
            store.version(1)

    def test_a_reference_to_a_version_that_does_not_exist_is_not_found(self, store: VersionStore) -> None:
        with pytest.raises(VersionNotFound):
            store.resolve(Reference(1, "0" * 64))

    def test_a_reference_with_another_digest_is_refused(self, store: VersionStore) -> None:
        publish(store)

        with pytest.raises(IntegrityError, match="manifest of v1 does not have the digest") as caught:
            store.resolve(Reference(1, "0" * 64))

        assert "skylift versions" in caught.value.hint

    def test_a_reference_does_not_open_another_version(self, store: VersionStore) -> None:
        first = publish(store)
        publish(store, b"another")

        with pytest.raises(IntegrityError):
            store.resolve(Reference(2, first.digest))

    @pytest.mark.parametrize(
        "alter",
        [
            lambda body: body.replace(b'"passed": true', b'"passed":  true'),
            lambda body: body[:-1],
            lambda body: body + b" ",
            lambda body: b"",
            lambda body: b"not JSON",
            lambda body: json.dumps(json.loads(body)).encode(),
        ],
        ids=["one byte more", "one byte less", "a space at the end", "empty", "not JSON", "same content, other bytes"],
    )
    def test_a_manifest_that_was_altered_does_not_resolve(
        self, store: VersionStore, s3: "S3Client", alter: Callable[[bytes], bytes]
    ) -> None:
        reference = publish(store)
        overwrite(s3, "manifest.json", alter(read_object(s3, "manifest.json")))

        with pytest.raises(IntegrityError, match="does not have the digest"):
            store.resolve(reference)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"not JSON",
            manifest().to_bytes()[:-100],
            manifest(model="wine").to_bytes(),
            manifest(2).to_bytes(),
            manifest().to_bytes().replace(b'"schema_version": 1', b'"schema_version": 2'),
        ],
        ids=["empty", "not JSON", "truncated", "of another model", "of another version", "of a newer schema"],
    )
    def test_a_manifest_that_is_none_of_this_version_is_refused_even_where_the_digest_is_right(
        self, store: VersionStore, s3: "S3Client", body: bytes
    ) -> None:
        overwrite(s3, "manifest.json", body)

        with pytest.raises(IntegrityError, match="v1"):
            store.version(1)
        with pytest.raises(IntegrityError, match="v1"):
            store.resolve(reference_to(1, body))

    def test_a_manifest_of_absurd_size_is_refused(
        self, store: VersionStore, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reference = publish(store)
        monkeypatch.setattr("skylift.store._MAX_MANIFEST_BYTES", 100)

        with pytest.raises(IntegrityError):
            store.resolve(reference)


class TestArtifacts:
    @pytest.mark.parametrize(
        "alter",
        [
            lambda data: b"A" + data[1:],
            lambda data: data[:-1],
            lambda data: data + b"!",
            lambda data: data + b"!" * 100_000,
            lambda data: b"",
        ],
        ids=["one byte altered", "one byte less", "one byte more", "much longer", "emptied"],
    )
    def test_an_artifact_that_was_altered_is_refused(
        self, store: VersionStore, s3: "S3Client", alter: Callable[[bytes], bytes]
    ) -> None:
        version = store.resolve(publish(store))
        overwrite(s3, MODEL_FILE, alter(read_object(s3, MODEL_FILE)))

        with pytest.raises(IntegrityError, match="does not have the digest") as caught:
            store.artifact(version.manifest, MODEL_FILE)

        assert caught.value.hint == "restore the object, or promote another version"

    @pytest.mark.parametrize("name", [MODEL_FILE, BASELINE_FILE, "card.html"])
    def test_every_kind_of_artifact_is_checked_and_named(self, store: VersionStore, s3: "S3Client", name: str) -> None:
        version = store.resolve(publish(store))
        overwrite(s3, name, b"altered")

        with pytest.raises(IntegrityError, match=f"{name} of v1"):
            store.artifact(version.manifest, name)

    def test_an_artifact_of_another_version_is_refused(self, store: VersionStore, s3: "S3Client") -> None:
        version = store.resolve(publish(store, b"model 1"))
        publish(store, b"model 2")
        overwrite(s3, MODEL_FILE, read_object(s3, MODEL_FILE, version="v2"))

        with pytest.raises(IntegrityError):
            store.artifact(version.manifest, MODEL_FILE)

    def test_an_artifact_that_is_gone_is_refused(self, store: VersionStore, s3: "S3Client") -> None:
        version = store.resolve(publish(store))
        every_operation().delete_object(Bucket=BUCKET, Key=f"models/iris/v1/{MODEL_FILE}")

        with pytest.raises(IntegrityError, match=r"model\.joblib of v1 is missing"):
            store.artifact(version.manifest, MODEL_FILE)

    def test_an_object_that_the_manifest_does_not_list_is_refused_though_it_is_there(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        version = store.resolve(publish(store))
        overwrite(s3, "model.onnx", b"smuggled")

        with pytest.raises(IntegrityError, match=r"v1 has no model\.onnx"):
            store.artifact(version.manifest, "model.onnx")

    def test_of_an_artifact_that_grew_only_one_byte_too_many_is_read(self, store: VersionStore, s3: "S3Client") -> None:
        version = store.resolve(publish(store))
        overwrite(s3, MODEL_FILE, b"x" * 1_000_000)
        read: list[int] = []

        class Counted(io.BytesIO):
            def read1(self, size: int | None = -1, /) -> bytes:
                data = super().read1(size)
                read.append(len(data))
                return data

        after(s3, "GetObject", lambda answer: answer.update(Body=Counted(answer["Body"].read())))

        with pytest.raises(IntegrityError):
            store.artifact(version.manifest, MODEL_FILE)

        assert sum(read) == len(b"a model") + 1

    def test_a_pickle_in_place_of_the_model_is_never_opened(
        self, store: VersionStore, s3: "S3Client", tmp_path: Path
    ) -> None:
        sprung = tmp_path / "sprung"
        version = store.resolve(publish(store))
        overwrite(s3, MODEL_FILE, trap(sprung))

        with pytest.raises(IntegrityError):
            joblib.load(io.BytesIO(store.artifact(version.manifest, MODEL_FILE)))

        assert not sprung.exists()


class TestStorageFailing:
    @pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
    def test_every_fault_says_what_failed_and_what_to_do_and_no_secret(
        self, store: VersionStore, s3: "S3Client", fault: ClientError | BotoCoreError
    ) -> None:
        before(s3, "ListObjectsV2", fails_with(fault))

        with pytest.raises(AwsUnavailable, match="listing the versions of iris in bucket models-test") as caught:
            store.numbers()

        assert caught.value.hint
        assert "secret" not in str(caught.value)
        assert "arn:" not in str(caught.value)

    @pytest.mark.parametrize(
        ("operation", "act"),
        [
            ("ListObjectsV2", lambda store, reference: store.numbers()),
            ("ListObjectsV2", lambda store, reference: publish(store)),
            ("PutObject", lambda store, reference: publish(store)),
            ("GetObject", lambda store, reference: store.version(1)),
            ("GetObject", lambda store, reference: store.versions()),
            ("GetObject", lambda store, reference: store.resolve(reference)),
            ("GetObject", lambda store, reference: store.artifact(manifest(artifacts={"a": b""}), "a")),
        ],
        ids=["list numbers", "claim", "write", "read a version", "read all", "resolve", "read an artifact"],
    )
    def test_no_operation_fails_otherwise(
        self,
        store: VersionStore,
        s3: "S3Client",
        operation: str,
        act: Callable[[VersionStore, Reference], object],
    ) -> None:
        reference = publish(store)
        before(s3, operation, fails_with(denied()))

        with pytest.raises(AwsUnavailable, match="iris"):
            act(store, reference)

    @pytest.mark.parametrize("fault", [truncates(10), hangs], ids=["breaks", "hangs"])
    def test_a_body_that_does_not_arrive_whole_is_a_failure_of_storage_not_of_the_version(
        self, store: VersionStore, s3: "S3Client", fault: Callable[[dict[str, Any]], None]
    ) -> None:
        reference = publish(store)
        after(s3, "GetObject", fault)

        with pytest.raises(AwsUnavailable):
            store.resolve(reference)

    def test_a_body_of_unknown_length_is_read_to_its_end(self, store: VersionStore, s3: "S3Client") -> None:
        reference = publish(store)
        after(s3, "GetObject", lambda answer: answer.pop("ContentLength"))

        assert store.resolve(reference).reference == reference

    def test_a_body_that_breaks_below_botocore_is_a_failure_of_storage(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        class Broken(io.BytesIO):
            def read1(self, size: int | None = -1, /) -> bytes:
                raise ProtocolError("connection reset by peer at 10.1.2.3")

        reference = publish(store)
        after(s3, "GetObject", lambda answer: answer.update(Body=Broken()))

        with pytest.raises(AwsUnavailable, match=r"reading manifest.json of iris v1 failed \(ProtocolError\)"):
            store.resolve(reference)

    @pytest.mark.parametrize(
        "act",
        [
            lambda store, reference: store.version(1),
            lambda store, reference: store.resolve(reference),
            lambda store, reference: store.artifact(manifest(artifacts={"a": b""}), "a"),
        ],
        ids=["version", "resolve", "artifact"],
    )
    def test_a_refusal_to_read_says_that_the_object_may_be_missing(
        self, store: VersionStore, s3: "S3Client", act: Callable[[VersionStore, Reference], object]
    ) -> None:
        """Without `s3:ListBucket`, S3 refuses what is not there."""
        reference = publish(store)
        before(s3, "GetObject", fails_with(denied()))

        with pytest.raises(AwsUnavailable, match="it is missing, or the role may not read it") as caught:
            act(store, reference)

        assert "skylift versions" in caught.value.hint
        assert "policy" in caught.value.hint

    def test_a_bucket_that_does_not_exist_is_named_with_the_setting_that_names_it(self, s3: "S3Client") -> None:
        with pytest.raises(AwsUnavailable, match="elsewhere") as caught:
            VersionStore("elsewhere", MODEL, client=s3).numbers()

        assert "SKYLIFT_BUCKET" in caught.value.hint

    def test_a_failure_that_has_passed_is_forgotten(self, store: VersionStore, s3: "S3Client") -> None:
        fault = before(s3, "ListObjectsV2", fails_with(throttled("SlowDown")))
        with pytest.raises(AwsUnavailable):
            store.numbers()

        fault.heal()

        assert store.numbers() == []


class TestOpened:
    """Loading: what serving reads is asked for together with the manifest."""

    def test_it_gives_what_the_version_holds(self, store: VersionStore) -> None:
        version = store.version(_publish_compiled(store).number)

        with store.open_version(version.reference) as (found, read):
            assert found == version.manifest
            assert (read(COMPILED_FILE), read(MODEL_FILE)) == (b"compiled", b"a model")
            assert read(COMPILED_FILE) == b"compiled"

    def test_manifest_compiled_form_and_training_distribution_are_under_way_at_the_same_time(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        reference = _publish_compiled(store)
        all_three = Barrier(3, timeout=TIMES_OUT)
        before(s3, "GetObject", lambda _: all_three.wait())

        with store.open_version(reference) as (_, read):
            assert (read(COMPILED_FILE), read(BASELINE_FILE)) == (b"compiled", b"{}")

    def test_a_version_without_a_compiled_form_loads_its_model(self, store: VersionStore) -> None:
        with store.open_version(publish(store)) as (_, read):
            assert read(MODEL_FILE) == b"a model"
            with pytest.raises(IntegrityError, match=r"v1 has no model\.onnx"):
                read(COMPILED_FILE)

    def test_a_compiled_form_that_was_altered_is_refused(self, store: VersionStore, s3: "S3Client") -> None:
        reference = _publish_compiled(store)
        overwrite(s3, COMPILED_FILE, b"Compiled")

        with (
            store.open_version(reference) as (_, read),
            pytest.raises(IntegrityError, match="does not have the digest"),
        ):
            read(COMPILED_FILE)

    def test_a_compiled_form_that_is_gone_is_refused(self, store: VersionStore, s3: "S3Client") -> None:
        reference = _publish_compiled(store)
        every_operation().delete_object(Bucket=BUCKET, Key=f"models/iris/v1/{COMPILED_FILE}")

        with (
            store.open_version(reference) as (_, read),
            pytest.raises(IntegrityError, match=r"model\.onnx of v1 is missing"),
        ):
            read(COMPILED_FILE)

    def test_a_manifest_that_was_altered_is_refused_whatever_came_with_it(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        reference = _publish_compiled(store)
        overwrite(s3, "manifest.json", b"{}")

        with pytest.raises(IntegrityError), store.open_version(reference):
            pass

    @pytest.mark.parametrize("fault", [truncates(3), hangs], ids=["breaks", "hangs"])
    def test_a_body_that_does_not_arrive_whole_is_a_failure_of_storage(
        self, store: VersionStore, s3: "S3Client", fault: Callable[[dict[str, Any]], None]
    ) -> None:
        reference = _publish_compiled(store)
        after(s3, "GetObject", lambda answer: fault(answer) if answer["ContentLength"] == len(b"compiled") else None)

        with store.open_version(reference) as (_, read), pytest.raises(AwsUnavailable):
            read(COMPILED_FILE)

    @pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
    def test_where_s3_fails_it_fails_as_any_other_read(
        self, store: VersionStore, s3: "S3Client", fault: ClientError | BotoCoreError
    ) -> None:
        reference = _publish_compiled(store)
        before(s3, "GetObject", fails_with(fault))

        with pytest.raises(AwsUnavailable), store.open_version(reference):
            pass

    def test_what_was_asked_for_and_not_read_is_closed(self, store: VersionStore, s3: "S3Client") -> None:
        reference = _publish_compiled(store)
        bodies: list[Any] = []
        after(s3, "GetObject", lambda answer: bodies.append(answer["Body"]._raw_stream))

        with store.open_version(reference):
            pass

        assert len(bodies) == 3
        assert all(body.closed for body in bodies)
