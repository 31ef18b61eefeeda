"""Objects in the bucket: read, listed and written, and what S3's faults become."""

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from skylift.bucket import Bucket
from skylift.errors import AwsThrottled, AwsUnavailable
from tests.conftest import BUCKET
from tests.support.faults import after, before, fails_with, hangs, throttled, timeout, truncates

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def bucket(s3: "S3Client") -> Bucket:
    return Bucket(BUCKET, client=s3)


def test_an_object_is_read_as_it_was_written_last(bucket: Bucket) -> None:
    bucket.write("reports/iris/latest.json", b"one", content_type="application/json")
    bucket.write("reports/iris/latest.json", b"two", content_type="application/json")

    assert bucket.read("reports/iris/latest.json", limit=10) == b"two"
    assert b"".join(bucket.chunks("reports/iris/latest.json")) == b"two"


def test_a_new_object_does_not_replace_one_that_is_there(bucket: Bucket) -> None:
    assert bucket.write_new("labels/iris/one.jsonl", b"one", content_type="application/x-ndjson")
    assert not bucket.write_new("labels/iris/one.jsonl", b"two", content_type="application/x-ndjson")

    assert bucket.read("labels/iris/one.jsonl", limit=10) == b"one"


def test_an_object_is_replaced_only_by_who_read_what_it_holds(bucket: Bucket) -> None:
    bucket.write("lock.json", b"one", content_type="application/json")
    found = bucket.read_tagged("lock.json", limit=10)
    assert found is not None
    body, tag = found

    assert body == b"one"
    assert bucket.replace("lock.json", b"two", tag=tag, content_type="application/json")
    assert not bucket.replace("lock.json", b"three", tag=tag, content_type="application/json")
    assert bucket.read("lock.json", limit=10) == b"two"


def test_a_write_at_the_same_time_as_another_has_lost(bucket: Bucket, s3: "S3Client") -> None:
    answer = {"Error": {"Code": "ConditionalRequestConflict"}, "ResponseMetadata": {"HTTPStatusCode": 409}}
    before(s3, "PutObject", fails_with(ClientError(answer, "PutObject")))  # type: ignore[arg-type]

    assert not bucket.write_new("lock.json", b"one", content_type="application/json")


def test_its_type_is_kept_for_browsers(bucket: Bucket, s3: "S3Client") -> None:
    bucket.write("a.html", b"<p>", content_type="text/html; charset=utf-8")

    assert s3.get_object(Bucket=BUCKET, Key="a.html")["ContentType"] == "text/html; charset=utf-8"


def test_there_may_be_none(bucket: Bucket) -> None:
    assert bucket.read("reports/iris/latest.json", limit=10) is None
    assert list(bucket.entries("reports/")) == []


def test_a_longer_object_is_not_taken_for_a_whole_one(bucket: Bucket) -> None:
    bucket.write("long", b"x" * 100, content_type="text/plain")

    assert bucket.read("long", limit=10) == b"x" * 11


def test_a_listing_has_size_and_time_of_what_begins_so_in_order(bucket: Bucket) -> None:
    for key, size in {"a/2": 2, "a/1": 1, "b/1": 3}.items():
        bucket.write(key, b"x" * size, content_type="text/plain")

    found = list(bucket.entries("a/"))

    assert [(entry.key, entry.size) for entry in found] == [("a/1", 1), ("a/2", 2)]
    assert all(entry.modified.tzinfo is not None for entry in found)


def test_faults_of_s3_are_told_by_what_was_attempted(bucket: Bucket, s3: "S3Client") -> None:
    bucket.write("key", b"data", content_type="text/plain")
    before(s3, "PutObject", fails_with(throttled("SlowDown")))
    before(s3, "ListObjectsV2", fails_with(timeout()))

    with pytest.raises(AwsThrottled, match=rf"writing key to bucket {BUCKET} failed \(SlowDown\)"):
        bucket.write("key", b"", content_type="text/plain")
    with pytest.raises(AwsUnavailable, match="listing a/ in bucket"):
        list(bucket.entries("a/"))
    with pytest.raises(AwsUnavailable, match="reading other"):
        list(bucket.chunks("other"))


@pytest.mark.parametrize("fault", [truncates(1), hangs])
def test_half_an_object_is_none(bucket: Bucket, s3: "S3Client", fault: object) -> None:
    bucket.write("key", b"data", content_type="text/plain")
    after(s3, "GetObject", fault)  # type: ignore[arg-type]

    with pytest.raises(AwsUnavailable, match="reading key"):
        bucket.read("key", limit=10)
