"""Labels are kept as they came, and read back from bodies and from files that people drop; nothing counts twice."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from skylift.bucket import Bucket
from skylift.contract import Target
from skylift.errors import AwsThrottled
from skylift.monitoring.label_store import LabelsRead, LabelStore
from skylift.monitoring.labels import parse
from tests.conftest import BUCKET, MODEL
from tests.support.faults import after, before, fails_with, throttled, timeout

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SPECIES = Target(name="species", classes=("setosa", "virginica"))
REQUEST = "AbCdEfGh_-012345"
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
LONG_AGO, FAR_AHEAD = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def bucket(s3: "S3Client") -> Bucket:
    return Bucket(BUCKET, client=s3)


@pytest.fixture
def store(bucket: Bucket) -> LabelStore:
    return LabelStore(bucket, MODEL)


def body_of(label: str, instance: int = 0) -> bytes:
    return json.dumps({"labels": [{"id": f"{REQUEST}#{instance}", "label": label}]}).encode()


def keep(store: LabelStore, body: bytes, arrived: datetime = NOON) -> str:
    return store.keep(body, parse(body, SPECIES, arrived).labels, arrived)


def everything(store: LabelStore) -> LabelsRead:
    return store.read(SPECIES, LONG_AGO, FAR_AHEAD)


def value(read: LabelsRead, instance: int = 0) -> object:
    return read.book.of(REQUEST)[instance].value


def test_a_body_is_one_object_by_its_day_its_time_and_its_digest(store: LabelStore, bucket: Bucket) -> None:
    key = keep(store, body_of("setosa"))

    assert key.startswith("labels/iris/2026/03/31/20260331T120000Z-")
    assert [entry.key for entry in bucket.entries("labels/")] == [key]
    assert bucket.read(key, limit=1000) == (
        b'{"id":"AbCdEfGh_-012345#0","label":"setosa","observed_at":"2026-03-31T12:00:00+00:00"}\n'
    )


def test_what_was_kept_is_read(store: LabelStore) -> None:
    keep(store, body_of("virginica", 3))

    read = everything(store)

    assert (len(read.book), read.refused, read.files, read.files_read) == (1, 0, 1, 1)
    assert value(read, 3) == "virginica"


def test_a_body_that_is_sent_again_counts_once_and_undoes_no_correction(store: LabelStore) -> None:
    keep(store, body_of("setosa"))
    keep(store, body_of("virginica"), NOON + timedelta(hours=1))
    keep(store, body_of("setosa"), NOON + timedelta(days=2))  # a queue delivers the first one again
    keep(store, body_of("setosa"))

    read = everything(store)

    assert value(read) == "virginica"
    assert (len(read.book), read.files) == (1, 2)


def test_only_what_arrived_in_the_time_is_read(store: LabelStore) -> None:
    keep(store, body_of("setosa"))
    keep(store, body_of("virginica", 1), NOON + timedelta(hours=1))

    read = store.read(SPECIES, NOON, NOON + timedelta(hours=1))

    assert [label.instance for label in read.book] == [0]


@pytest.mark.parametrize(
    "data",
    [
        b'{"id": "AbCdEfGh_-012345#0", "label": "setosa"}\n',
        b"\xef\xbb\xbfid,label,observed_at\r\nAbCdEfGh_-012345#0,setosa,\r\n",
        b"note,label,id\nby hand, setosa ,AbCdEfGh_-012345#0\n",
    ],
    ids=["JSON lines", "CSV of a spreadsheet", "CSV with other columns"],
)
def test_files_that_people_drop_are_read(store: LabelStore, bucket: Bucket, data: bytes) -> None:
    bucket.write("labels/iris/by hand/march", data, content_type="text/plain")

    assert value(everything(store)) == "setosa"


def test_of_a_dropped_file_what_is_wrong_is_counted(store: LabelStore, bucket: Bucket) -> None:
    rows = b"id,label\nAbCdEfGh_-012345#0,setosa\nAbCdEfGh_-012345#1,rose\n\xff\n"
    bucket.write("labels/iris/march.csv", rows, content_type="text/csv")

    read = everything(store)

    assert (value(read), len(read.book), read.refused) == ("setosa", 1, 2)


def test_of_more_than_can_be_read_at_once_the_last_is_read_and_the_rest_counted(store: LabelStore) -> None:
    for hour, label in enumerate(("setosa", "virginica", "setosa")):
        keep(store, body_of(label, hour), NOON + timedelta(hours=hour))

    read = store.read(SPECIES, LONG_AGO, FAR_AHEAD, most=200)

    assert [label.instance for label in read.book] == [2, 1]
    assert (read.files, read.files_read) == (3, 2)


def test_labels_of_another_model_are_not_read(store: LabelStore, bucket: Bucket) -> None:
    keep(LabelStore(bucket, "iris-2"), body_of("setosa"))

    assert everything(store).files == 0


def test_a_write_that_s3_refuses_is_told(store: LabelStore, s3: "S3Client") -> None:
    before(s3, "PutObject", fails_with(throttled("SlowDown")))

    with pytest.raises(AwsThrottled):
        keep(store, body_of("setosa"))


def test_a_write_whose_answer_is_lost_can_be_repeated(store: LabelStore, s3: "S3Client") -> None:
    after(s3, "PutObject", fails_with(timeout()), only=1)
    with pytest.raises(Exception, match="ReadTimeoutError"):
        keep(store, body_of("setosa"))

    keep(store, body_of("setosa"), NOON + timedelta(seconds=3))

    assert (len(everything(store).book), everything(store).files) == (1, 1)
