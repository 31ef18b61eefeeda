"""The files of a table are listed and opened, on this machine and in S3."""

import gzip
import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from skylift.bulk.sources import S3Object, Window, find_sources
from skylift.errors import AwsUnavailable, DataError
from tests.conftest import BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def names(address: Path | str) -> list[str]:
    return [source.name for source in find_sources(str(address))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.csv", "sub/c.csv", ".hidden.csv", "_skylift.csv", "_parts/d.csv", "notes.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x\n1\n")
    return tmp_path


def test_a_file_a_folder_and_a_pattern_name_files(folder: Path) -> None:
    (folder / "notes.jsonl").unlink()

    assert names(folder / "b.csv") == ["b.csv"]
    assert names(folder / "_skylift.csv") == ["_skylift.csv"], "whoever names it means it"
    assert names(folder) == ["a.csv", "b.csv", "sub/c.csv"]
    assert names(folder / "*.csv") == ["a.csv", "b.csv"]
    assert names(folder / "**" / "*.csv") == ["a.csv", "b.csv", "sub/c.csv"]
    assert names(folder / "s*" / "?.csv") == ["sub/c.csv"]


def test_no_file_and_files_of_several_forms_are_refused(folder: Path) -> None:
    with pytest.raises(DataError, match=r"none.csv names no files"):
        find_sources(str(folder / "none.csv"))
    with pytest.raises(DataError, match="files of several forms: csv, jsonl"):
        find_sources(str(folder))


def test_s3_names_files_in_the_same_ways(s3: "S3Client") -> None:
    for key in ("t/a.csv", "t/b/c.csv", "t/_parts/d.csv", "tables.csv", "t/"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"" if key.endswith("/") else b"x\n")

    assert names(f"s3://{BUCKET}/t/a.csv") == ["a.csv"]
    assert names(f"s3://{BUCKET}/t") == names(f"s3://{BUCKET}/t/") == ["a.csv", "b/c.csv"]
    assert names(f"s3://{BUCKET}/t/*/*.csv") == ["b/c.csv"]
    assert names(f"s3://{BUCKET}/ta*.csv") == ["tables.csv"]
    assert names(f"s3://{BUCKET}") == ["t/a.csv", "t/b/c.csv", "tables.csv"]
    with pytest.raises(DataError, match="names no files"):
        find_sources(f"s3://{BUCKET}/tab")


def test_an_object_is_read_at_any_byte(s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key="t.parquet", Body=bytes(range(100)))
    (source,) = find_sources(f"s3://{BUCKET}/t.parquet")

    with source.open() as file:
        assert file.seek(-2, io.SEEK_END) == 98
        assert file.read() == b"bc"
        file.seek(10)
        assert (file.read(3), file.tell()) == (b"\n\x0b\x0c", 13)


def test_an_object_that_is_shorter_by_now_is_refused(s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key="t.csv", Body=b"12345")

    with pytest.raises(AwsUnavailable, match="it has changed"):
        S3Object(BUCKET, "t.csv", 9, client=s3).readinto(bytearray(9))


def test_a_compressed_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(b"{}\n"))
    (source,) = find_sources(str(tmp_path / "t.jsonl.gz"))

    assert (source.form, source.is_compressed, source.key) == ("jsonl", True, "t")
    with source.opened_content() as content:
        assert content.read() == b"{}\n"


def test_a_window_shows_some_bytes() -> None:
    window = io.BufferedReader(Window(io.BytesIO(b"0123456789"), 3, 7))

    assert window.read() == b"3456"
    window.close()


def test_a_file_that_is_gone_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x\n")
    (source,) = find_sources(str(tmp_path / "t.csv"))
    (tmp_path / "t.csv").unlink()

    with pytest.raises(DataError, match=r"t.csv cannot be read \(No such file or directory\)"):
        source.open()
