"""A file that is written is there as a whole, or not at all."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from skylift.bulk.places import UNFINISHED, Place, place_of
from skylift.errors import DataError
from tests.conftest import BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(params=["folder", "prefix", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path, s3: "S3Client") -> Place:
    addresses = {"folder": str(tmp_path / "out"), "prefix": f"s3://{BUCKET}/out/", "bucket": f"s3://{BUCKET}"}
    return place_of(addresses[request.param])


def test_what_is_written_is_read(place: Place) -> None:
    assert place.read("a/b.json") is None
    for content in (b"old", b"new"):
        with place.writing("a/b.json") as file:
            file.write(content)
        assert place.read("a/b.json") == content


def test_a_file_whose_writing_fails_keeps_its_old_content(place: Place) -> None:
    with place.writing("a.json") as file:
        file.write(b"old")
    with suppress(KeyError), place.writing("a.json") as file:
        file.write(b"half")
        raise KeyError

    assert place.read("a.json") == b"old"


def test_keys_begin_with_the_prefix(s3: "S3Client") -> None:
    with place_of(f"s3://{BUCKET}/runs/1").writing("a.json") as file:
        file.write(b"{}")

    assert s3.get_object(Bucket=BUCKET, Key="runs/1/a.json")["Body"].read() == b"{}"


def test_what_is_unfinished_has_a_folder_of_its_own(tmp_path: Path) -> None:
    with place_of(str(tmp_path)).writing("a/b.json"):
        assert [path.parent.name for path in tmp_path.rglob("*") if path.is_file()] == [UNFINISHED]


def test_a_place_is_empty_until_something_is_finished_there(place: Place) -> None:
    assert place.is_empty()
    with place.writing("a.json") as file:
        assert place.is_empty()
        file.write(b"{}")
    assert not place.is_empty()


def test_a_place_that_is_full_is_told(tmp_path: Path) -> None:
    full = pytest.raises(DataError, match=r"cannot take more \(No space left on device\): make room")
    with full, place_of(str(tmp_path)).writing("a.json"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(PermissionError), place_of(str(tmp_path)).writing("a.json"):
        raise PermissionError
