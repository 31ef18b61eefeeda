"""The data at one moment: what comes or changes later is not in it, and what is gone is missed."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from retrain.snapshot import Snapshots
from skylift.bucket import Bucket
from skylift.errors import DataError, IntegrityError
from skylift.references import sha256
from tests.conftest import BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOW = datetime(2026, 11, 26, 4, 30, tzinfo=UTC)
type Put = Callable[[str, str], None]


@pytest.fixture
def snapshots(s3: "S3Client") -> Snapshots:
    return Snapshots(Bucket(BUCKET, client=s3), "iris")


@pytest.fixture
def versioned(s3: "S3Client") -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})


def test_objects_are_pinned_in_the_order_of_their_keys(snapshots: Snapshots, put: Put, versioned: None) -> None:
    put("b.csv", "x\n2\n")
    put("2026/a.csv", "x\n1\n")
    put("folder/", "")

    taken = snapshots.take("one", NOW)

    assert [each.key for each in taken.objects] == ["data/iris/2026/a.csv", "data/iris/b.csv"]
    assert taken.objects[1].sha256 == sha256(b"x\n2\n")
    assert taken.objects[1].bytes == 4
    assert taken.objects[1].version
    assert snapshots.find("one") == snapshots.read("one") == taken


def test_what_changes_later_is_not_in_it(snapshots: Snapshots, put: Put, versioned: None, tmp_path: Path) -> None:
    put("a.csv", "x\n1\n")
    taken = snapshots.take("one", NOW)
    put("a.csv", "x\n2\n")
    put("b.csv", "x\n3\n")

    snapshots.fetch(taken, tmp_path)

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.csv": "x\n1\n"}


def test_the_one_that_was_taken_first_stays(snapshots: Snapshots, put: Put) -> None:
    first = snapshots.take("one", NOW)
    put("a.csv", "x\n1\n")

    assert snapshots.take("one", NOW) == first


def test_without_versions_a_changed_object_is_found_out(snapshots: Snapshots, put: Put, tmp_path: Path) -> None:
    put("a.csv", "x\n1\n")
    taken = snapshots.take("one", NOW)
    put("a.csv", "x\n2\n")

    with pytest.raises(DataError, match=r"data/iris/a\.csv is not what it was"):
        snapshots.fetch(taken, tmp_path)


def test_data_that_the_disk_cannot_hold_is_refused_before(snapshots: Snapshots, put: Put, tmp_path: Path) -> None:
    put("a.csv", "x\n1\n")
    taken = snapshots.take("one", NOW)
    huge = taken.model_copy(update={"objects": (taken.objects[0].model_copy(update={"bytes": 2**60}),)})

    with pytest.raises(DataError, match="left"):
        snapshots.fetch(huge, tmp_path)


@pytest.mark.parametrize("name", ["../a.csv", "/etc/passwd", "a/../../b.csv", "a//b.csv"])
def test_a_key_cannot_lead_out_of_the_folder(snapshots: Snapshots, put: Put, name: str) -> None:
    put(name, "x\n1\n")

    with pytest.raises(DataError, match="cannot be the name of a file"):
        snapshots.take("one", NOW)


def test_one_that_is_not_there_or_cannot_be_read_is_said_to_be_so(snapshots: Snapshots, s3: "S3Client") -> None:
    assert snapshots.find("one") is None
    with pytest.raises(IntegrityError, match="does not exist"):
        snapshots.read("one")
    s3.put_object(Bucket=BUCKET, Key=snapshots.key("one"), Body=b"{}")
    with pytest.raises(IntegrityError, match="cannot be read"):
        snapshots.find("one")


def test_the_newest_change_tells_whether_more_may_come(snapshots: Snapshots, put: Put) -> None:
    assert snapshots.newest() is None
    put("a.csv", "x\n1\n")
    assert snapshots.newest() is not None
