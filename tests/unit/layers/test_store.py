"""The store: how versions come to be, and that nothing but what was published is ever read."""

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any

import joblib
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from skylift.aws import s3_client
from skylift.errors import AwsUnavailable, IntegrityError, VersionNotFound
from skylift.manifest import BASELINE_FILE, COMPILED_FILE, MODEL_FILE, reference_to
from skylift.references import Reference
from skylift.store import VersionStore
from tests.conftest import BUCKET, MODEL
from tests.support.aws_clients import every_operation
from tests.support.faults import (
    Killed,
    after,
    before,
    denied,
    fails_with,
    hangs,
    kills,
    one_at_a_time,
    refusal,
    refused,
    throttled,
    timeout,
    truncates,
)
from tests.support.manifests import draft, manifest
from tests.support.pickles import trap
from tests.support.waiting import TIMES_OUT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CLAIM, LAST_WRITE = 1, 4
WRITES = range(CLAIM, LAST_WRITE + 1)
FAULTS: dict[str, ClientError | BotoCoreError] = {
    "throttled": throttled("SlowDown"),
    "denied": denied(),
    "timed out": timeout(),
    "connection refused": refused(),
}


def _publish(store: VersionStore, model: bytes = b"a model") -> Reference:
    package = draft(model)
    return store.publish(package.describe, package.artifacts).reference


def _store(model: str = MODEL) -> VersionStore:
    return VersionStore(BUCKET, model, client=s3_client())


def _read(s3: "S3Client", name: str, *, version: str = "v1") -> bytes:
    return s3.get_object(Bucket=BUCKET, Key=f"models/iris/{version}/{name}")["Body"].read()


def _overwrite(s3: "S3Client", name: str, data: bytes, *, version: str = "v1") -> None:
    s3.put_object(Bucket=BUCKET, Key=f"models/iris/{version}/{name}", Body=data)


class TestPublishing:
    def test_versions_are_numbered_from_one_in_the_order_of_their_publishing(self, store: VersionStore) -> None:
        names = [_publish(store).name for _ in range(3)]

        assert names == ["v1", "v2", "v3"]

    def test_the_tenth_version_follows_the_ninth(self, store: VersionStore, s3: "S3Client") -> None:
        _overwrite(s3, MODEL_FILE, b"", version="v2")
        _overwrite(s3, MODEL_FILE, b"", version="v10")

        assert _publish(store).name == "v11"

    def test_a_published_version_reads_back_as_it_was_returned(self, store: VersionStore) -> None:
        package = draft()

        published = store.publish(package.describe, package.artifacts)

        assert store.resolve(published.reference) == published
        assert published.manifest == package.describe(1)

    def test_a_version_is_its_files_and_its_manifest_under_its_name(self, store: VersionStore, s3: "S3Client") -> None:
        _publish(store)

        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]

        assert keys == [f"models/iris/v1/{name}" for name in (BASELINE_FILE, "card.html", "manifest.json", MODEL_FILE)]

    def test_the_reference_is_the_digest_of_the_stored_manifest(self, store: VersionStore, s3: "S3Client") -> None:
        reference = _publish(store)

        assert reference == reference_to(1, _read(s3, "manifest.json"))

    def test_the_model_is_written_first_and_the_manifest_last(self, store: VersionStore, s3: "S3Client") -> None:
        written: list[str] = []
        before(s3, "PutObject", lambda params: written.append(params["Key"].rpartition("/")[2]))

        _publish(store)

        assert written == [MODEL_FILE, BASELINE_FILE, "card.html", "manifest.json"]

    def test_no_write_may_replace_an_object(self, store: VersionStore, s3: "S3Client") -> None:
        conditions: list[str] = []
        before(s3, "PutObject", lambda params: conditions.append(params.get("IfNoneMatch", "")))

        _publish(store)

        assert conditions == ["*"] * LAST_WRITE

    @pytest.mark.parametrize(
        ("name", "content_type"),
        [
            (MODEL_FILE, "application/octet-stream"),
            ("manifest.json", "application/json"),
            ("card.html", "text/html; charset=utf-8"),
        ],
    )
    def test_files_carry_the_type_that_a_browser_needs(
        self, store: VersionStore, s3: "S3Client", name: str, content_type: str
    ) -> None:
        _publish(store)

        found = s3.get_object(Bucket=BUCKET, Key=f"models/iris/v1/{name}")
        assert found["ContentType"] == content_type

    def test_models_in_one_bucket_are_numbered_each_for_itself(self, store: VersionStore) -> None:
        _publish(store)

        wine = draft(model="wine")
        assert _store("wine").publish(wine.describe, wine.artifacts).reference.name == "v1"


class TestListing:
    def test_an_empty_bucket_has_no_versions(self, store: VersionStore) -> None:
        assert store.versions() == []

    def test_versions_are_listed_by_number_not_by_name(self, store: VersionStore) -> None:
        for _ in range(10):
            _publish(store)

        assert [version.reference.number for version in store.versions()] == list(range(1, 11))

    def test_a_listed_version_is_the_published_one(self, store: VersionStore) -> None:
        reference = _publish(store)

        assert store.versions() == [store.resolve(reference)]

    @pytest.mark.parametrize(
        "key",
        [
            "models/iris/v1/model.joblib",
            "models/iris/v1.json",
            "models/iris/latest/manifest.json",
            "models/iris/v07/manifest.json",
            "models/iris/v0/manifest.json",
            "models/iris/v-1/manifest.json",
            "models/iris/v\u0667/manifest.json",
            "models/iris/v1234567890/manifest.json",
            "models/iris/backup/v1/manifest.json",
            "models/iris/v1/backup/manifest.json",
            "models/iris2/v1/manifest.json",
            "v1/manifest.json",
        ],
    )
    def test_other_objects_in_the_bucket_are_no_versions(self, store: VersionStore, s3: "S3Client", key: str) -> None:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")

        assert store.numbers() == []

    def test_more_versions_than_one_page_of_the_listing_holds_are_all_found(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        for number in (1, 2, 3):
            _overwrite(s3, "manifest.json", b"{}", version=f"v{number}")
        before(s3, "ListObjectsV2", lambda params: params.update(MaxKeys=1))

        assert store.numbers() == [1, 2, 3]


class TestRacing:
    def test_a_publisher_overtaken_between_looking_and_claiming_takes_the_next_number(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        before(s3, "PutObject", lambda _: _publish(_store(), b"the quicker"), only=CLAIM)

        reference = _publish(store, b"the slower")

        assert reference.name == "v2"
        assert _read(s3, MODEL_FILE, version="v1") == b"the quicker"
        assert _read(s3, MODEL_FILE, version="v2") == b"the slower"

    @pytest.mark.parametrize("write", range(CLAIM + 1, LAST_WRITE + 1))
    def test_publishers_between_each_others_writes_do_not_mix_their_files(
        self, store: VersionStore, s3: "S3Client", write: int
    ) -> None:
        between: list[Reference] = []
        before(s3, "PutObject", lambda _: between.append(_publish(_store(), b"the second")), only=write)

        reference = _publish(store, b"the first")

        assert (reference.name, between[0].name) == ("v1", "v2")
        for mine, model in ((reference, b"the first"), (between[0], b"the second")):
            assert store.artifact(store.resolve(mine).manifest, MODEL_FILE) == model

    def test_an_unfinished_version_of_another_publisher_is_not_visible(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        seen: list[list[int]] = []
        before(s3, "PutObject", lambda _: seen.append(_store().numbers()))

        _publish(store)

        assert seen == [[]] * LAST_WRITE

    def test_a_conflict_in_the_claim_is_a_lost_race(self, store: VersionStore, s3: "S3Client") -> None:
        before(s3, "PutObject", fails_with(refusal("ConditionalRequestConflict", 409)), only=CLAIM)

        assert _publish(store).name == "v2"

    def test_a_publisher_that_loses_every_race_gives_up_with_advice(self, store: VersionStore, s3: "S3Client") -> None:
        rival = s3_client()
        before(s3, "PutObject", lambda params: rival.put_object(Bucket=BUCKET, Key=params["Key"], Body=b"mine"))

        with pytest.raises(AwsUnavailable, match="other publishers took every number") as caught:
            _publish(store)

        assert caught.value.hint == "publish again"

    def test_publishers_in_threads_get_a_number_each_and_every_version_holds_its_own_model(
        self, store: VersionStore
    ) -> None:
        clients = [s3_client() for _ in range(8)]
        one_at_a_time(*clients)
        start = Barrier(len(clients), timeout=TIMES_OUT)

        def publish(index: int) -> Reference:
            mine = VersionStore(BUCKET, MODEL, client=clients[index])
            start.wait()
            return _publish(mine, f"model {index}".encode())

        with ThreadPoolExecutor(len(clients)) as pool:
            references = list(pool.map(publish, range(len(clients))))

        assert sorted(reference.number for reference in references) == list(range(1, 9))
        for index, reference in enumerate(references):
            found = store.artifact(store.resolve(reference).manifest, MODEL_FILE)
            assert found == f"model {index}".encode()


class TestDying:
    @pytest.mark.parametrize("write", WRITES)
    def test_a_publisher_killed_before_a_write_leaves_no_visible_version(
        self, store: VersionStore, s3: "S3Client", write: int
    ) -> None:
        before(s3, "PutObject", kills, only=write)

        with pytest.raises(Killed):
            _publish(store)

        assert store.versions() == []

    @pytest.mark.parametrize("write", WRITES)
    def test_after_a_killed_publisher_the_next_one_takes_the_next_free_number(
        self, store: VersionStore, s3: "S3Client", write: int
    ) -> None:
        before(s3, "PutObject", kills, only=write)
        with pytest.raises(Killed):
            _publish(store, b"of the dead")

        reference = _publish(store, b"of the living")

        assert reference.name == ("v1" if write == CLAIM else "v2")
        assert store.artifact(store.resolve(reference).manifest, MODEL_FILE) == b"of the living"
        assert store.numbers() == [reference.number]

    def test_a_publisher_killed_after_its_last_write_leaves_a_whole_version(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        after(s3, "PutObject", kills, only=LAST_WRITE)

        with pytest.raises(Killed):
            _publish(store)

        (version,) = store.versions()
        assert {
            name: store.artifact(version.manifest, name) for name in version.manifest.artifacts
        } == draft().artifacts

    @pytest.mark.parametrize("write", WRITES)
    def test_a_write_that_fails_leaves_no_visible_version(
        self, store: VersionStore, s3: "S3Client", write: int
    ) -> None:
        before(s3, "PutObject", fails_with(timeout()), only=write)

        with pytest.raises(AwsUnavailable):
            _publish(store)

        assert store.versions() == []

    def test_a_claim_whose_answer_was_lost_costs_a_number_and_no_more(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        twin = s3_client()
        before(s3, "PutObject", lambda params: twin.put_object(**params), only=CLAIM)

        assert _publish(store).name == "v2"
        assert store.numbers() == [2]

    @pytest.mark.parametrize("write", range(CLAIM + 1, LAST_WRITE + 1))
    def test_a_later_write_that_is_retried_after_its_answer_was_lost_succeeds(
        self, store: VersionStore, s3: "S3Client", write: int
    ) -> None:
        twin = s3_client()
        before(s3, "PutObject", lambda params: twin.put_object(**params), only=write)

        assert _publish(store).name == "v1"
        assert store.numbers() == [1]

    @pytest.mark.parametrize("name", [BASELINE_FILE, "manifest.json"])
    def test_what_somebody_else_stored_under_the_number_is_never_overwritten(
        self, store: VersionStore, s3: "S3Client", name: str
    ) -> None:
        after(s3, "PutObject", lambda _: _overwrite(s3_client(), name, b"not mine"), only=CLAIM)

        with pytest.raises(AwsUnavailable, match="exists already") as caught:
            _publish(store)

        assert _read(s3, name) == b"not mine"
        assert caught.value.hint == "publish again: it takes a new number"

    def test_a_conflict_in_a_later_write_is_a_failure(self, store: VersionStore, s3: "S3Client") -> None:
        before(s3, "PutObject", fails_with(refusal("ConditionalRequestConflict", 409)), only=LAST_WRITE)

        with pytest.raises(AwsUnavailable):
            _publish(store)

        assert store.versions() == []

    def test_a_manifest_that_cannot_be_made_leaves_no_visible_version(self, store: VersionStore) -> None:
        def describe(version: int) -> Any:
            raise RuntimeError("git is not there")

        with pytest.raises(RuntimeError):
            store.publish(describe, draft().artifacts)

        assert store.versions() == []

    @pytest.mark.parametrize(("field", "value"), [("version", 7), ("model", "wine"), ("selected", None)])
    def test_a_manifest_that_could_not_be_read_again_is_not_stored(
        self, store: VersionStore, field: str, value: object
    ) -> None:
        def describe(version: int) -> Any:
            return manifest(version).model_copy(update={field: value})

        with pytest.raises(IntegrityError):
            store.publish(describe, draft().artifacts)

        assert store.versions() == []


class TestResolving:
    def test_a_version_that_does_not_exist_is_not_found(self, store: VersionStore) -> None:
        with pytest.raises(VersionNotFound, match="iris has no version v3") as caught:
            store.version(3)

        assert caught.value.hint == "see `skylift versions`"

    def test_a_claimed_number_without_a_manifest_is_not_found(self, store: VersionStore, s3: "S3Client") -> None:
        _overwrite(s3, MODEL_FILE, b"a model")

        with pytest.raises(VersionNotFound):
            store.version(1)

    def test_a_reference_to_a_version_that_does_not_exist_is_not_found(self, store: VersionStore) -> None:
        with pytest.raises(VersionNotFound):
            store.resolve(Reference(1, "0" * 64))

    def test_a_reference_with_another_digest_is_refused(self, store: VersionStore) -> None:
        _publish(store)

        with pytest.raises(IntegrityError, match="manifest of v1 does not have the digest") as caught:
            store.resolve(Reference(1, "0" * 64))

        assert "skylift versions" in caught.value.hint

    def test_a_reference_does_not_open_another_version(self, store: VersionStore) -> None:
        first = _publish(store)
        _publish(store, b"another")

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
        reference = _publish(store)
        _overwrite(s3, "manifest.json", alter(_read(s3, "manifest.json")))

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
        _overwrite(s3, "manifest.json", body)

        with pytest.raises(IntegrityError, match="v1"):
            store.version(1)
        with pytest.raises(IntegrityError, match="v1"):
            store.resolve(reference_to(1, body))

    def test_a_manifest_of_absurd_size_is_refused(
        self, store: VersionStore, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reference = _publish(store)
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
        version = store.resolve(_publish(store))
        _overwrite(s3, MODEL_FILE, alter(_read(s3, MODEL_FILE)))

        with pytest.raises(IntegrityError, match="does not have the digest") as caught:
            store.artifact(version.manifest, MODEL_FILE)

        assert caught.value.hint == "restore the object, or promote another version"

    @pytest.mark.parametrize("name", [MODEL_FILE, BASELINE_FILE, "card.html"])
    def test_every_kind_of_artifact_is_checked_and_named(self, store: VersionStore, s3: "S3Client", name: str) -> None:
        version = store.resolve(_publish(store))
        _overwrite(s3, name, b"altered")

        with pytest.raises(IntegrityError, match=f"{name} of v1"):
            store.artifact(version.manifest, name)

    def test_an_artifact_of_another_version_is_refused(self, store: VersionStore, s3: "S3Client") -> None:
        version = store.resolve(_publish(store, b"model 1"))
        _publish(store, b"model 2")
        _overwrite(s3, MODEL_FILE, _read(s3, MODEL_FILE, version="v2"))

        with pytest.raises(IntegrityError):
            store.artifact(version.manifest, MODEL_FILE)

    def test_an_artifact_that_is_gone_is_refused(self, store: VersionStore, s3: "S3Client") -> None:
        version = store.resolve(_publish(store))
        every_operation().delete_object(Bucket=BUCKET, Key=f"models/iris/v1/{MODEL_FILE}")

        with pytest.raises(IntegrityError, match=r"model\.joblib of v1 is missing"):
            store.artifact(version.manifest, MODEL_FILE)

    def test_an_object_that_the_manifest_does_not_list_is_refused_though_it_is_there(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        version = store.resolve(_publish(store))
        _overwrite(s3, "model.onnx", b"smuggled")

        with pytest.raises(IntegrityError, match=r"v1 has no model\.onnx"):
            store.artifact(version.manifest, "model.onnx")

    def test_of_an_artifact_that_grew_only_one_byte_too_many_is_read(self, store: VersionStore, s3: "S3Client") -> None:
        version = store.resolve(_publish(store))
        _overwrite(s3, MODEL_FILE, b"x" * 1_000_000)
        read: list[int] = []

        class Counted(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                data = super().read(size)
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
        version = store.resolve(_publish(store))
        _overwrite(s3, MODEL_FILE, trap(sprung))

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
            ("ListObjectsV2", lambda store, reference: _publish(store)),
            ("PutObject", lambda store, reference: _publish(store)),
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
        reference = _publish(store)
        before(s3, operation, fails_with(denied()))

        with pytest.raises(AwsUnavailable, match="iris"):
            act(store, reference)

    @pytest.mark.parametrize("fault", [truncates(10), hangs], ids=["breaks", "hangs"])
    def test_a_body_that_does_not_arrive_whole_is_a_failure_of_storage_not_of_the_version(
        self, store: VersionStore, s3: "S3Client", fault: Callable[[dict[str, Any]], None]
    ) -> None:
        reference = _publish(store)
        after(s3, "GetObject", fault)

        with pytest.raises(AwsUnavailable):
            store.resolve(reference)

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
    """Loading: the compiled form is asked for together with the manifest."""

    def test_it_gives_what_the_version_holds(self, store: VersionStore) -> None:
        version = store.version(_publish_compiled(store).number)

        with store.open_version(version.reference) as (found, read):
            assert found == version.manifest
            assert (read(COMPILED_FILE), read(MODEL_FILE)) == (b"compiled", b"a model")
            assert read(COMPILED_FILE) == b"compiled"

    def test_manifest_and_compiled_form_are_under_way_at_the_same_time(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        reference = _publish_compiled(store)
        both = Barrier(2, timeout=TIMES_OUT)
        before(s3, "GetObject", lambda _: both.wait())

        with store.open_version(reference) as (_, read):
            assert read(COMPILED_FILE) == b"compiled"

    def test_a_version_without_a_compiled_form_loads_its_model(self, store: VersionStore) -> None:
        with store.open_version(_publish(store)) as (_, read):
            assert read(MODEL_FILE) == b"a model"
            with pytest.raises(IntegrityError, match=r"v1 has no model\.onnx"):
                read(COMPILED_FILE)

    def test_a_compiled_form_that_was_altered_is_refused(self, store: VersionStore, s3: "S3Client") -> None:
        reference = _publish_compiled(store)
        _overwrite(s3, COMPILED_FILE, b"Compiled")

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
        _overwrite(s3, "manifest.json", b"{}")

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

        assert len(bodies) == 2
        assert all(body.closed for body in bodies)


def _publish_compiled(store: VersionStore) -> Reference:
    files = draft().artifacts | {COMPILED_FILE: b"compiled"}
    return store.publish(lambda number: manifest(number, artifacts=files), files).reference
