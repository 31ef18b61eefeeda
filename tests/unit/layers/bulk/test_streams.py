"""An object in S3 and some bytes of a file are read as files."""

import io
from typing import TYPE_CHECKING

import pytest

from skylift.bulk.sources import find_sources
from skylift.bulk.streams import Window
from skylift.errors import DataError
from tests.conftest import BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_an_object_is_read_at_any_byte(s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key="t.parquet", Body=bytes(range(100)))
    (source,) = find_sources(f"s3://{BUCKET}/t.parquet")

    with source.open() as file:
        assert file.seek(-2, io.SEEK_END) == 98
        assert file.read() == b"bc"
        file.seek(10)
        assert (file.read(3), file.tell()) == (b"\n\x0b\x0c", 13)


def test_an_object_that_has_changed_since_it_was_listed_is_refused(s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key="t.csv", Body=b"12345")
    (source,) = find_sources(f"s3://{BUCKET}/t.csv")
    s3.put_object(Bucket=BUCKET, Key="t.csv", Body=b"12346")

    with pytest.raises(DataError, match=r"t.csv has changed since the run began: run again"), source.open() as file:
        file.read()


def test_a_window_shows_some_bytes() -> None:
    window = io.BufferedReader(Window(io.BytesIO(b"0123456789"), 3, 7))

    assert window.read() == b"3456"
    window.close()
