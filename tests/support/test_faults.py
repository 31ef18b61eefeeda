"""Faults act on the calls of one client, in their order, and are gone at the end of a test."""

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import IncompleteReadError

from tests.conftest import BUCKET
from tests.support.aws_clients import shared_clients
from tests.support.faults import Killed, after, before, kills, truncates, unhook_all

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_only_the_call_that_is_meant_fails(s3: "S3Client") -> None:
    fault = before(s3, "ListObjectsV2", kills, only=2)
    other = before(s3, "PutObject", kills)

    s3.list_objects_v2(Bucket=BUCKET)
    with pytest.raises(Killed):
        s3.list_objects_v2(Bucket=BUCKET)
    s3.list_objects_v2(Bucket=BUCKET)

    assert (fault.calls, other.calls) == (3, 0)


def test_the_other_side_is_left_alone(s3: "S3Client") -> None:
    before(s3, "ListObjectsV2", kills)

    assert shared_clients("service").s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_a_body_breaks_off_where_it_is_told_to(s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key="models/iris/v1/card.html", Body=b"0123456789")
    after(s3, "GetObject", truncates(4))

    with pytest.raises(IncompleteReadError, match="4 read"):
        s3.get_object(Bucket=BUCKET, Key="models/iris/v1/card.html")["Body"].read()


def test_every_hook_is_removed_at_once(s3: "S3Client") -> None:
    before(s3, "ListObjectsV2", kills)

    unhook_all()

    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
