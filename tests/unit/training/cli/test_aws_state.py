"""What the embedded AWS keeps in its folder, and what becomes of a damaged one."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from skylift.aws import ssm_client
from skylift.pointer import ActivePointer, Move
from skylift.references import Reference
from training.cli.aws_state import StateDamaged
from training.cli.connection import LOCAL_BUCKET
from training.cli.embedded_aws import embedded_aws

FIRST, SECOND = Reference(1, "a" * 64), Reference(2, "b" * 64)

pytestmark = pytest.mark.usefixtures("own_environment")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two versions of one object, a deleted one, and a pointer that moved twice."""
    folder = tmp_path / "aws"
    with embedded_aws("wine", folder):
        s3 = boto3.client("s3")
        for body in (b"old", b"new"):
            s3.put_object(Bucket=LOCAL_BUCKET, Key="models/wine/v1/é.json", Body=body, ContentType="application/json")
        s3.put_object(Bucket=LOCAL_BUCKET, Key="gone", Body=b"gone")
        s3.delete_object(Bucket=LOCAL_BUCKET, Key="gone")
        pointer = ActivePointer("local", "wine", client=ssm_client())
        pointer.move(FIRST)
        pointer.move(SECOND)
    return folder


def held() -> tuple[list[Any], list[Any], list[Move]]:
    """Everything that the embedded AWS says about delete markers, objects and the pointer."""
    s3: Any = boto3.client("s3")
    listed = s3.list_object_versions(Bucket=LOCAL_BUCKET)
    markers = [(marker["Key"], marker["VersionId"], marker["LastModified"]) for marker in listed["DeleteMarkers"]]
    objects = []
    for version in listed["Versions"]:
        key, identifier = version["Key"], version["VersionId"]
        answer = s3.get_object(Bucket=LOCAL_BUCKET, Key=key, VersionId=identifier, ChecksumMode="ENABLED")
        headers = [answer[name] for name in ("LastModified", "ETag", "ContentType", "ChecksumCRC32")]
        objects.append((key, identifier, version["IsLatest"], answer["Body"].read(), *headers))
    return markers, objects, ActivePointer("local", "wine", client=ssm_client()).history()


def test_the_next_start_holds_the_same_objects_and_the_same_history(folder: Path) -> None:
    with embedded_aws("wine", folder):
        before = held()
        ActivePointer("local", "wine", client=ssm_client()).move(FIRST)
    with mock_aws():  # another process holds nothing
        pass
    with embedded_aws("wine", folder):
        markers, objects, moves = held()

    assert (markers, objects, moves[:-1]) == before
    assert [move.after for move in moves] == ["none", str(FIRST), str(SECOND), str(FIRST)]
    assert {body for _, _, _, body, *_ in objects} == {b"old", b"new", b"gone"}


def test_a_version_is_still_written_once(folder: Path) -> None:
    with embedded_aws("wine", folder), pytest.raises(ClientError, match="PreconditionFailed"):
        boto3.client("s3").put_object(Bucket=LOCAL_BUCKET, Key="models/wine/v1/é.json", Body=b"x", IfNoneMatch="*")


def test_another_folder_holds_nothing_of_it(folder: Path, tmp_path: Path) -> None:
    with embedded_aws("wine", folder):
        pass
    with embedded_aws("wine", tmp_path / "other"):
        assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=LOCAL_BUCKET)
        assert ActivePointer("local", "wine", client=ssm_client()).read() is None


def test_what_a_kill_leaves_between_two_writes_is_the_state_before(folder: Path) -> None:
    (folder / "index.json.7.tmp").write_bytes(b"{")
    (folder / "objects" / ("c" * 64)).write_bytes(b"a content that no index names yet")

    with embedded_aws("wine", folder):
        assert ActivePointer("local", "wine", client=ssm_client()).read() == SECOND

    assert {path.name for path in folder.iterdir()} == {"index.json", "objects", "signing-key.pem"}
    assert not (folder / "objects" / ("c" * 64)).exists()


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("index.json", None, "index.json is missing"),
        ("index.json", b"{", "index.json cannot be read"),
        ("index.json", b'{"schema_version": 2}', "index.json cannot be read: it is damaged, or of a later release"),
        ("objects/*", None, "the content of .* is missing"),
        ("objects/*", b"x", "the content of .* was changed"),
    ],
)
def test_a_damaged_folder_is_refused_and_left_as_it_is(
    folder: Path, file: str, content: bytes | None, said: str
) -> None:
    damaged = next(folder.glob(file))
    if content is None:
        damaged.unlink()
    else:
        damaged.write_bytes(content)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    with pytest.raises(StateDamaged, match=said), embedded_aws("wine", folder):
        pass

    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_of_a_report_what_was_written_last_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "aws"
    with embedded_aws("wine", folder):
        s3 = boto3.client("s3")
        for body in (b"one", b"two", b"three"):
            for key in ("reports/wine/latest.json", "reports/wine/window.json"):
                s3.put_object(Bucket=LOCAL_BUCKET, Key=key, Body=body)
        contents = {path.read_bytes() for path in (folder / "objects").iterdir()}
        versions = s3.list_object_versions(Bucket=LOCAL_BUCKET)["Versions"]
        assert (len(versions), contents) == (2, {b"three"})

    with embedded_aws("wine", folder):
        answer = boto3.client("s3").get_object(Bucket=LOCAL_BUCKET, Key="reports/wine/latest.json")
        assert answer["Body"].read() == b"three"
