"""The files of a table are listed and opened, on this machine and in S3."""

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from skylift.bulk.sources import find_sources, would_name
from skylift.errors import DataError
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


@pytest.mark.parametrize(
    ("address", "named", "others"),
    [
        ("b.csv", ["b.csv", "./b.csv", "sub/../b.csv", "link.csv"], ["a.csv", "b.csv.gz"]),
        (".", ["b.csv", "new/x.csv", "sub/x"], ["_new/x.csv", ".x", "../x.csv"]),
        ("sub", ["sub/x.csv", "sub/y/x.csv"], ["b.csv", "subs/x.csv"]),
        ("*.csv", ["b.csv", "new.csv"], ["new/x.csv", "b.txt"]),
        ("**/*.csv", ["b.csv", "new/x.csv"], ["new/x.txt"]),
        ("s*/?.csv", ["sub/x.csv"], ["sub/xx.csv", "sub/y/x.csv"]),
    ],
)
def test_what_an_address_would_name_is_told_before_it_is_there(
    address: str, named: list[str], others: list[str], folder: Path
) -> None:
    (folder / "link.csv").symlink_to(folder / "b.csv")

    assert [name for name in (*named, *others) if would_name(str(folder / address), str(folder / name))] == named


def test_s3_would_name_keys_in_the_same_ways() -> None:
    def would(address: str, key: str) -> bool:
        return would_name(f"s3://b/{address}", f"s3://b/{key}")

    assert would("t", "t")
    assert would("t/", "t/u/x.csv")
    assert would("", "x.csv")
    assert would("t/*.csv", "t/u/x.csv"), "which a pattern of S3 does fit"
    assert not would("t", "tables/x.csv")
    assert not would("t", "t/_u/x.csv")
    assert not would_name("s3://b/t", "s3://c/t")
    assert not would_name("s3://b/t", "/t")


def test_empty_files_among_others_are_left_out(s3: "S3Client", tmp_path: Path) -> None:
    for name, body in (("t/a.csv", b"x\n1\n"), ("t/b.csv", b"")):
        s3.put_object(Bucket=BUCKET, Key=name, Body=body)
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(body)

    for place in (f"s3://{BUCKET}", str(tmp_path)):
        assert names(f"{place}/t") == ["a.csv"]
        assert names(f"{place}/t/b.csv") == ["b.csv"], "whoever names it means it"


@pytest.mark.parametrize("name", ["t.jsonl.gz", "t.jsonl"])
def test_a_compressed_file_is_one_whatever_its_name_says(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"{}\n"))
    (source,) = find_sources(str(tmp_path / name))

    assert (source.form, source.key) == ("jsonl", "t")
    with source.opened_content() as content:
        assert content.read() == b"{}\n"


def test_a_file_that_is_gone_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x\n")
    (source,) = find_sources(str(tmp_path / "t.csv"))
    (tmp_path / "t.csv").unlink()

    with pytest.raises(DataError, match=r"t.csv cannot be read \(No such file or directory\)"):
        source.open()


def test_a_file_that_has_changed_since_it_was_listed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x\n1\n")
    (source,) = find_sources(str(tmp_path / "t.csv"))
    (tmp_path / "t.csv").write_text("x\n1\n2\n")

    with pytest.raises(DataError, match=r"t.csv has changed since the run began: run again"):
        source.open()


def test_a_compressed_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * 1000)[:-9])
    (source,) = find_sources(str(tmp_path / "t.jsonl.gz"))

    with pytest.raises(DataError, match=r"t.jsonl.gz cannot be decompressed"), source.opened_content() as content:
        content.read()
