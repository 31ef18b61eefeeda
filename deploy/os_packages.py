"""Packages of the operating system in an image, as its package manager's database lists them.

The database is read from the layers of a saved image (`docker save`): nothing of the image is executed. Debian's is a
text (deb822, man 1 dpkg-query); Amazon Linux' is an SQLite file with one binary header a package, as in the format of
RPM files (https://rpm.org/docs/latest/manual/format_header.html) without the magic number.
"""

import json
import re
import sqlite3
import struct
import tarfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast
from urllib.parse import quote

_RELEASE = ("usr/lib/os-release", "etc/os-release")
_DPKG = "var/lib/dpkg/status"
_RPM = ("var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite")
_LOG = "-wal"
"""What a writer of the database had not moved into it when its layer was closed."""

_TEXTS = {1000: "name", 1001: "version", 1002: "release", 1022: "arch"}
_EPOCH = 1003
_ENTRY = struct.Struct(">4i")


@dataclass(frozen=True, slots=True)
class Package:
    """A package.

    Parameters
    ----------
    name, version
        Name and version as its manager writes them.
    purl
        Package URL (github.com/package-url/purl-spec).
    """

    name: str
    version: str
    purl: str


def os_packages(saved: Path, image: str) -> tuple[Package, ...] | None:
    """The packages of an image's operating system.

    Parameters
    ----------
    saved
        File that `docker save` wrote.
    image
        Name of the image in it.

    Returns
    -------
    Packages by name; None where the image has no database that can be read here.
    """
    files = _files(saved, image)
    system = next((_system(files[path]) for path in _RELEASE if path in files), "linux")
    if _DPKG in files:
        found = _debian(files[_DPKG].decode(errors="replace"), system)
    elif path := next((path for path in _RPM if path in files), None):
        try:
            found = _rpm(files[path], files.get(path + _LOG), system)
        except sqlite3.DatabaseError:  # another format, or another version of it
            return None
    else:
        return None
    return tuple(sorted(found, key=lambda package: package.purl))


def _files(saved: Path, image: str) -> dict[str, bytes]:
    """Files of interest by path; those of a later layer replace those of an earlier one."""
    wanted = {*_RELEASE, _DPKG, *_RPM, *(path + _LOG for path in _RPM)}
    found: dict[str, bytes] = {}
    with tarfile.open(saved) as archive:
        entries = json.loads(_read(archive, "manifest.json"))
        for layer in next(entry["Layers"] for entry in entries if image in (entry["RepoTags"] or ())):
            with tarfile.open(fileobj=archive.extractfile(layer)) as contents:
                for member in contents:
                    if member.isfile() and (path := member.name.removeprefix("./")) in wanted:
                        found[path] = _read(contents, member)
    return found


def _read(archive: tarfile.TarFile, member: str | tarfile.TarInfo) -> bytes:
    return cast("IO[bytes]", archive.extractfile(member)).read()


def _system(release: bytes) -> str:
    """Identifier of a distribution (man 5 os-release), for example `amzn`."""
    found = re.search(rb"^ID=[\"']?([a-z0-9._-]+)", release, re.MULTILINE)
    return found[1].decode() if found else "linux"


def _debian(status: str, system: str) -> list[Package]:
    packages = []
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            purl = _purl("deb", system, name, version, arch=fields["Architecture"])
            packages.append(Package(name, version, purl))
    return packages


def _rpm(database: bytes, log: bytes | None, system: str) -> list[Package]:
    packages = []
    with TemporaryDirectory() as folder:
        path = Path(folder, "rpmdb.sqlite")
        path.write_bytes(database)
        if log:
            path.with_name(path.name + _LOG).write_bytes(log)
        with closing(sqlite3.connect(path)) as connection:
            headers = [blob for (blob,) in connection.execute("SELECT blob FROM Packages")]
    for header in headers:
        texts, epoch = _header(header)
        if texts["name"] != "gpg-pubkey":  # a key, which RPM keeps like a package
            version = f"{texts['version']}-{texts['release']}"
            more = {"arch": texts.get("arch", "noarch")} | ({"epoch": str(epoch)} if epoch else {})
            packages.append(Package(texts["name"], version, _purl("rpm", system, texts["name"], version, **more)))
    return packages


def _header(header: bytes) -> tuple[dict[str, str], int]:
    """Texts by name, and the epoch, of a header: counts, entries of tag, type, offset and count, then the data."""
    entries, _ = struct.unpack_from(">2i", header)
    data = 8 + entries * _ENTRY.size
    texts: dict[str, str] = {}
    epoch = 0
    for number in range(entries):
        tag, _, offset, _ = _ENTRY.unpack_from(header, 8 + number * _ENTRY.size)
        begin = data + offset
        if tag in _TEXTS:
            texts[_TEXTS[tag]] = header[begin : header.index(b"\0", begin)].decode(errors="replace")
        elif tag == _EPOCH:
            (epoch,) = struct.unpack_from(">i", header, begin)
    return texts, epoch


def _purl(kind: str, system: str, name: str, version: str, **qualifiers: str) -> str:
    more = "&".join(f"{key}={quote(value, safe='')}" for key, value in sorted(qualifiers.items()))
    return f"pkg:{kind}/{system}/{quote(name, safe='')}@{quote(version, safe='')}?{more}"
