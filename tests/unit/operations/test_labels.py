"""A body of labels is kept as a whole or not at all."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Never

import pytest

from operations.labels import MAX_PROBLEMS, Labels
from skylift.bucket import Bucket
from skylift.contract import Target
from skylift.errors import AwsUnavailable, IntegrityError, NoActiveVersion, SkyliftError
from skylift.http.errors import InvalidLabels, LabelsNotKept, NotJson, TooManyLabels
from skylift.monitoring.label_store import LabelStore
from skylift.monitoring.labels import MAX_LABELS
from tests.conftest import BUCKET, MODEL
from tests.support.faults import before, denied, fails_with

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SPECIES = Target(name="species", classes=("setosa", "virginica"))
REQUEST = "AbCdEfGh_-012345"
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.fixture
def bucket(s3: "S3Client") -> Bucket:
    return Bucket(BUCKET, client=s3)


@pytest.fixture
def labels(bucket: Bucket) -> Labels:
    return Labels(lambda: SPECIES, LabelStore(bucket, MODEL), clock=lambda: NOON)


def entries(count: int, label: Any = "setosa") -> list[dict[str, Any]]:
    return [{"id": f"{REQUEST}#{instance}", "label": label} for instance in range(count)]


def body(*listed: Any) -> bytes:
    return json.dumps({"labels": listed}).encode()


def kept(bucket: Bucket) -> int:
    return len(list(bucket.entries("labels/")))


def test_labels_are_counted_and_kept(labels: Labels, bucket: Bucket) -> None:
    assert labels.take(body(*entries(2))) == {"labels": 2}
    assert kept(bucket) == 1


def test_as_many_as_allowed_are_kept_as_one_object(labels: Labels, bucket: Bucket) -> None:
    lines = b"\n".join(json.dumps(entry).encode() for entry in entries(MAX_LABELS))

    assert labels.take(lines) == {"labels": MAX_LABELS}
    assert kept(bucket) == 1


def test_an_empty_list_keeps_nothing(labels: Labels, bucket: Bucket) -> None:
    assert labels.take(body()) == {"labels": 0}
    assert kept(bucket) == 0


def test_one_bad_entry_has_its_place_and_keeps_all_others_out(labels: Labels, bucket: Bucket) -> None:
    with pytest.raises(InvalidLabels) as refused:
        labels.take(body(*entries(3), {"id": f"{REQUEST}#3", "label": "virginicas"}))

    (problem,) = refused.value.problems
    assert (problem.field, problem.pointer, problem.reason) == ("labels[3]", "/labels/3", "unknown_class")
    assert "virginica" in problem.message
    assert kept(bucket) == 0


def test_a_bad_line_has_its_number(labels: Labels) -> None:
    with pytest.raises(InvalidLabels) as refused:
        labels.take(json.dumps(entries(1)[0]).encode() + b'\n{"id": 3}\n')

    (problem,) = refused.value.problems
    assert (problem.field, problem.pointer) == ("line 2", "")


def test_of_many_problems_the_first_are_told_and_all_counted(labels: Labels) -> None:
    with pytest.raises(InvalidLabels) as refused:
        labels.take(body(*entries(1000, "rose")))

    assert (len(refused.value.problems), refused.value.total) == (MAX_PROBLEMS, 1000)


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [(b"", NotJson), (b"{", InvalidLabels), (b"[]", InvalidLabels), (body(*entries(MAX_LABELS + 1)), TooManyLabels)],
)
def test_what_is_not_a_body_of_labels_is_refused(
    labels: Labels, bucket: Bucket, sent: bytes, refusal: type[SkyliftError]
) -> None:
    with pytest.raises(refusal):
        labels.take(sent)
    assert kept(bucket) == 0


def test_where_s3_fails_the_caller_is_told_to_send_them_again_and_not_what_s3_said(
    labels: Labels, s3: "S3Client", bucket: Bucket
) -> None:
    fault = before(s3, "PutObject", fails_with(denied()))
    with pytest.raises(LabelsNotKept) as failed:
        labels.take(body(*entries(1)))
    assert "secret" not in str(failed.value)
    assert BUCKET not in str(failed.value)
    fault.heal()

    assert labels.take(body(*entries(1))) == {"labels": 1}
    assert kept(bucket) == 1


@pytest.mark.parametrize("failure", [AwsUnavailable("SSM is down"), IntegrityError("the manifest is altered")])
def test_where_the_contract_cannot_be_read_nothing_is_kept(bucket: Bucket, failure: SkyliftError) -> None:
    def fails() -> Never:
        raise failure

    with pytest.raises(LabelsNotKept):
        Labels(fails, LabelStore(bucket, MODEL)).take(body(*entries(1)))
    assert kept(bucket) == 0


def test_without_an_active_version_the_caller_is_told_so(bucket: Bucket) -> None:
    def fails() -> Never:
        raise NoActiveVersion("no version is active")

    with pytest.raises(NoActiveVersion):
        Labels(fails, LabelStore(bucket, MODEL)).take(body(*entries(1)))
