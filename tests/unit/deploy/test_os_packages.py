"""Packages are read from the layers of a saved image, by the database of either kind of distribution."""

import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from deploy.os_packages import Package, os_packages
from tests.support.saved_images import save_image

IMAGE = "inference:latest"
DEBIAN = b'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_ID="12"\n'
AMAZON = b'NAME="Amazon Linux"\nID="amzn"\nID_LIKE="fedora"\n'
STATUS = b"""Package: libstdc++6
Status: install ok installed
Architecture: amd64
Version: 12.2.0-14+deb12u1
Description: GNU Standard C++ Library
 Version: not this one

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2
"""
LIBSTDCPP = "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64"
INT32, STRING = 4, 6


def header(name: str, version: str, release: str, *, arch: str | None = "aarch64", epoch: int | None = None) -> bytes:
    """A package's header as RPM stores it, with tags that do not matter before and after those that do."""
    texts = {1000: name, 1001: version, 1002: release, 1004: "a summary", **({1022: arch} if arch else {})}
    index, data = struct.pack(">4i", 63, 7, 0, 16), bytes(16)
    if epoch is not None:
        index += struct.pack(">4i", 1003, INT32, len(data), 1)
        data += struct.pack(">i", epoch)
    for tag, text in texts.items():
        index += struct.pack(">4i", tag, STRING, len(data), 1)
        data += text.encode() + b"\0"
    return struct.pack(">2i", len(index) // 16, len(data)) + index + data


def rpm_database(folder: Path, *headers: bytes) -> dict[str, bytes]:
    """The files of a database whose last writes are in its log, as those of an image may be."""
    path = folder / "rpmdb.sqlite"
    with closing(sqlite3.connect(path, autocommit=True)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        writer.executemany("INSERT INTO Packages (blob) VALUES (?)", [(each,) for each in headers])
        files = {name: (folder / name).read_bytes() for name in ("rpmdb.sqlite", "rpmdb.sqlite-wal")}
    assert files["rpmdb.sqlite-wal"]
    return files


@pytest.mark.parametrize("compressed", [False, True])
def test_debian_lists_what_is_installed(tmp_path: Path, compressed: bool) -> None:
    layer = {"./usr/lib/os-release": DEBIAN, "./var/lib/dpkg/status": STATUS}

    found = os_packages(save_image(tmp_path / "images.tar", IMAGE, layer, compressed=compressed), IMAGE)

    assert found == (
        Package("bash", "5.2.15-2", "pkg:deb/debian/bash@5.2.15-2?arch=amd64"),
        Package("libstdc++6", "12.2.0-14+deb12u1", LIBSTDCPP),
    )


@pytest.mark.parametrize("place", ["var/lib/rpm", "usr/lib/sysimage/rpm"])
def test_amazon_linux_lists_what_its_database_and_the_log_of_it_have(tmp_path: Path, place: str) -> None:
    database = rpm_database(
        tmp_path,
        header("openssl-libs", "3.2.2", "1.amzn2023.0.1", epoch=1),
        header("bash", "5.2.15", "1.amzn2023.0.2", epoch=0),
        header("gpg-pubkey", "d832c631", "6515c85e", arch=None),
    )
    layer = {"usr/lib/os-release": AMAZON} | {f"{place}/{name}": content for name, content in database.items()}

    found = os_packages(save_image(tmp_path / "images.tar", IMAGE, layer, {"opt/file": b""}), IMAGE)

    assert found == (
        Package("bash", "5.2.15-1.amzn2023.0.2", "pkg:rpm/amzn/bash@5.2.15-1.amzn2023.0.2?arch=aarch64"),
        Package(
            "openssl-libs",
            "3.2.2-1.amzn2023.0.1",
            "pkg:rpm/amzn/openssl-libs@3.2.2-1.amzn2023.0.1?arch=aarch64&epoch=1",
        ),
    )


def test_a_later_layer_replaces_the_database_of_an_earlier_one(tmp_path: Path) -> None:
    first, second = {"var/lib/dpkg/status": STATUS}, {"var/lib/dpkg/status": STATUS.replace(b"5.2.15-2", b"5.2.15-3")}

    found = os_packages(save_image(tmp_path / "images.tar", IMAGE, first, second), IMAGE)

    assert found is not None
    assert [package.version for package in found if package.name == "bash"] == ["5.2.15-3"]
    assert found[0].purl.startswith("pkg:deb/linux/")  # no file says which distribution it is


@pytest.mark.parametrize(
    "files", [{"app": b""}, {"var/lib/rpm/rpmdb.sqlite": b"Berkeley DB"}], ids=["none", "of another form"]
)
def test_an_image_without_a_database_that_can_be_read_is_unknown_and_not_empty(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    assert os_packages(save_image(tmp_path / "images.tar", IMAGE, files), IMAGE) is None
