"""The store writes: how versions come to be, one at a time, whoever races and whatever dies."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from skylift.aws import s3_client
from skylift.errors import AwsUnavailable, IntegrityError, NumberTaken
from skylift.manifest import BASELINE_FILE, MODEL_FILE, reference_to
from skylift.references import Reference
from skylift.store import VersionStore
from tests.conftest import BUCKET, MODEL
from tests.support.faults import (
    Killed,
    after,
    before,
    fails_with,
    kills,
    one_at_a_time,
    refusal,
    timeout,
)
from tests.support.manifests import draft, manifest
from tests.support.stored import fresh_store, overwrite, publish, read_object
from tests.support.waiting import TIMES_OUT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CLAIM, LAST_WRITE = 1, 4
WRITES = range(CLAIM, LAST_WRITE + 1)


class TestPublishing:
    def test_versions_are_numbered_from_one_in_the_order_of_their_publishing(self, store: VersionStore) -> None:
        names = [publish(store).name for _ in range(3)]

        assert names == ["v1", "v2", "v3"]

    def test_the_tenth_version_follows_the_ninth(self, store: VersionStore, s3: "S3Client") -> None:
        overwrite(s3, MODEL_FILE, b"", version="v2")
        overwrite(s3, MODEL_FILE, b"", version="v10")

        assert publish(store).name == "v11"

    def test_a_published_version_reads_back_as_it_was_returned(self, store: VersionStore) -> None:
        package = draft()

        published = store.publish(package.describe, package.artifacts)

        assert store.resolve(published.reference) == published
        assert published.manifest == package.describe(1)

    def test_a_version_is_its_files_and_its_manifest_under_its_name(self, store: VersionStore, s3: "S3Client") -> None:
        publish(store)

        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]

        assert keys == [f"models/iris/v1/{name}" for name in (BASELINE_FILE, "card.html", "manifest.json", MODEL_FILE)]

    def test_the_reference_is_the_digest_of_the_stored_manifest(self, store: VersionStore, s3: "S3Client") -> None:
        reference = publish(store)

        assert reference == reference_to(1, read_object(s3, "manifest.json"))

    def test_the_model_is_written_first_and_the_manifest_last(self, store: VersionStore, s3: "S3Client") -> None:
        written: list[str] = []
        before(s3, "PutObject", lambda params: written.append(params["Key"].rpartition("/")[2]))

        publish(store)

        assert written == [MODEL_FILE, BASELINE_FILE, "card.html", "manifest.json"]

    def test_no_write_may_replace_an_object(self, store: VersionStore, s3: "S3Client") -> None:
        conditions: list[str] = []
        before(s3, "PutObject", lambda params: conditions.append(params.get("IfNoneMatch", "")))

        publish(store)

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
        publish(store)

        found = s3.get_object(Bucket=BUCKET, Key=f"models/iris/v1/{name}")
        assert found["ContentType"] == content_type

    def test_models_in_one_bucket_are_numbered_each_for_itself(self, store: VersionStore) -> None:
        publish(store)

        wine = draft(model="wine")
        assert fresh_store("wine").publish(wine.describe, wine.artifacts).reference.name == "v1"


class TestListing:
    def test_an_empty_bucket_has_no_versions(self, store: VersionStore) -> None:
        assert store.versions() == []

    def test_versions_are_listed_by_number_not_by_name(self, store: VersionStore) -> None:
        for _ in range(10):
            publish(store)

        assert [version.reference.number for version in store.versions()] == list(range(1, 11))

    def test_a_listed_version_is_the_published_one(self, store: VersionStore) -> None:
        reference = publish(store)

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
    def test_other_objects_in_the_bucket_are_not_versions(self, store: VersionStore, s3: "S3Client", key: str) -> None:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")

        assert store.numbers() == []

    def test_more_versions_than_one_page_of_the_listing_holds_are_all_found(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        for number in (1, 2, 3):
            overwrite(s3, "manifest.json", b"{}", version=f"v{number}")
        before(s3, "ListObjectsV2", lambda params: params.update(MaxKeys=1))

        assert store.numbers() == [1, 2, 3]


class TestRacing:
    def test_a_publisher_overtaken_between_looking_and_claiming_takes_the_next_number(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        before(s3, "PutObject", lambda _: publish(fresh_store(), b"the quicker"), only=CLAIM)

        reference = publish(store, b"the slower")

        assert reference.name == "v2"
        assert read_object(s3, MODEL_FILE, version="v1") == b"the quicker"
        assert read_object(s3, MODEL_FILE, version="v2") == b"the slower"

    @pytest.mark.parametrize("write", range(CLAIM + 1, LAST_WRITE + 1))
    def test_publishers_between_each_others_writes_do_not_mix_their_files(
        self, store: VersionStore, s3: "S3Client", write: int
    ) -> None:
        between: list[Reference] = []
        before(s3, "PutObject", lambda _: between.append(publish(fresh_store(), b"the second")), only=write)

        reference = publish(store, b"the first")

        assert (reference.name, between[0].name) == ("v1", "v2")
        for mine, model in ((reference, b"the first"), (between[0], b"the second")):
            assert store.artifact(store.resolve(mine).manifest, MODEL_FILE) == model

    def test_an_unfinished_version_of_another_publisher_is_not_visible(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        seen: list[list[int]] = []
        before(s3, "PutObject", lambda _: seen.append(fresh_store().numbers()))

        publish(store)

        assert seen == [[]] * LAST_WRITE

    def test_a_conflict_in_the_claim_is_a_lost_race(self, store: VersionStore, s3: "S3Client") -> None:
        before(s3, "PutObject", fails_with(refusal("ConditionalRequestConflict", 409)), only=CLAIM)

        assert publish(store).name == "v2"

    def test_a_publisher_that_loses_every_race_gives_up_with_advice(self, store: VersionStore, s3: "S3Client") -> None:
        rival = s3_client()
        before(s3, "PutObject", lambda params: rival.put_object(Bucket=BUCKET, Key=params["Key"], Body=b"mine"))

        with pytest.raises(NumberTaken, match="other publishers took every number") as caught:
            publish(store)

        assert caught.value.hint == "publish again"

    def test_publishers_in_threads_get_a_number_each_and_every_version_holds_its_own_model(
        self, store: VersionStore
    ) -> None:
        clients = [s3_client() for _ in range(8)]
        one_at_a_time(*clients)
        start = Barrier(len(clients), timeout=TIMES_OUT)

        def publish_one(index: int) -> Reference:
            mine = VersionStore(BUCKET, MODEL, client=clients[index])
            start.wait()
            return publish(mine, f"model {index}".encode())

        with ThreadPoolExecutor(len(clients)) as pool:
            references = list(pool.map(publish_one, range(len(clients))))

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
            publish(store)

        assert store.versions() == []

    @pytest.mark.parametrize("write", WRITES)
    def test_after_a_killed_publisher_the_next_one_takes_the_next_free_number(
        self, store: VersionStore, s3: "S3Client", write: int
    ) -> None:
        before(s3, "PutObject", kills, only=write)
        with pytest.raises(Killed):
            publish(store, b"of the dead")

        reference = publish(store, b"of the living")

        assert reference.name == ("v1" if write == CLAIM else "v2")
        assert store.artifact(store.resolve(reference).manifest, MODEL_FILE) == b"of the living"
        assert store.numbers() == [reference.number]

    def test_a_publisher_killed_after_its_last_write_leaves_a_whole_version(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        after(s3, "PutObject", kills, only=LAST_WRITE)

        with pytest.raises(Killed):
            publish(store)

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
            publish(store)

        assert store.versions() == []

    def test_a_claim_whose_answer_was_lost_costs_a_number_and_no_more(
        self, store: VersionStore, s3: "S3Client"
    ) -> None:
        twin = s3_client()
        before(s3, "PutObject", lambda params: twin.put_object(**params), only=CLAIM)

        assert publish(store).name == "v2"
        assert store.numbers() == [2]

    @pytest.mark.parametrize("write", range(CLAIM + 1, LAST_WRITE + 1))
    def test_a_later_write_that_is_retried_after_its_answer_was_lost_succeeds(
        self, store: VersionStore, s3: "S3Client", write: int
    ) -> None:
        twin = s3_client()
        before(s3, "PutObject", lambda params: twin.put_object(**params), only=write)

        assert publish(store).name == "v1"
        assert store.numbers() == [1]

    @pytest.mark.parametrize("name", [BASELINE_FILE, "manifest.json"])
    def test_what_somebody_else_stored_under_the_number_is_never_overwritten(
        self, store: VersionStore, s3: "S3Client", name: str
    ) -> None:
        after(s3, "PutObject", lambda _: overwrite(s3_client(), name, b"not mine"), only=CLAIM)

        with pytest.raises(NumberTaken, match="exists already") as caught:
            publish(store)

        assert read_object(s3, name) == b"not mine"
        assert caught.value.hint == "publish again: it takes a new number"

    def test_a_conflict_in_a_later_write_is_a_failure(self, store: VersionStore, s3: "S3Client") -> None:
        before(s3, "PutObject", fails_with(refusal("ConditionalRequestConflict", 409)), only=LAST_WRITE)

        with pytest.raises(NumberTaken):
            publish(store)

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
