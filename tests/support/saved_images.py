"""Files as `docker save` writes them."""

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path


def save_image(path: Path, name: str, *layers: Mapping[str, bytes], compressed: bool = False) -> Path:
    """Write an image of layers, each of files by path; the path."""
    with tarfile.open(path, "w") as archive:
        names = []
        for number, files in enumerate(layers):
            names.append(f"blobs/sha256/{number}")
            _add(archive, names[-1], _layer(files, compressed=compressed))
        entry = {"Config": "blobs/sha256/config", "RepoTags": [name], "Layers": names}
        _add(archive, "manifest.json", json.dumps([{"RepoTags": None, "Layers": []}, entry]).encode())
    return path


def _layer(files: Mapping[str, bytes], *, compressed: bool) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz" if compressed else "w") as layer:
        link = tarfile.TarInfo("etc/os-release")
        link.type, link.linkname = tarfile.SYMTYPE, "../usr/lib/os-release"
        layer.addfile(link)
        for name, content in files.items():
            _add(layer, name, content)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
