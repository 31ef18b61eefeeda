"""How much memory there is, and what loading a version takes by the size of its file."""

import sys
from pathlib import Path

import pytest

from skylift import memory
from skylift.manifest import COMPILED_FILE, MODEL_FILE, Artifact, Manifest
from skylift.memory import growth_bytes, limit_of_container, memory_there_is
from tests.support.models import compiled_iris_package, iris_package

MIB = 2**20


def sized(manifest: Manifest, name: str, mib: int) -> Manifest:
    """A manifest whose model has so many MiB."""
    artifacts = manifest.artifacts | {name: Artifact(sha256="0" * 64, bytes=mib * MIB)}
    return manifest.model_copy(update={"artifacts": artifacts})


def compiled(mib: int) -> Manifest:
    return sized(compiled_iris_package().describe(3), COMPILED_FILE, mib)


def test_parsing_a_compiled_form_takes_a_multiple_of_its_file() -> None:
    assert growth_bytes(compiled(2)) == 54 * MIB


def test_a_joblib_model_takes_scikit_learn_too_where_nothing_has_imported_it(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = sized(iris_package().describe(3), MODEL_FILE, 2)
    with_it = growth_bytes(manifest)
    monkeypatch.delitem(sys.modules, "sklearn")

    assert with_it == 10 * MIB
    assert growth_bytes(manifest) == 160 * MIB


def write(folder: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system says of control groups and memory."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.setattr(memory, "_GROUPS", folder / "groups")
    monkeypatch.setattr(memory, "_OWN_GROUPS", folder / "own")
    monkeypatch.setattr(memory, "_MEMORY", folder / "meminfo")


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"groups/memory.max": "536870912\n"}, 2**29),
        ({"groups/memory.max": "max\n"}, None),
        ({"own": "0::/a/b\n", "groups/a/b/memory.max": "max\n", "groups/a/memory.max": "1000\n"}, 1000),
        ({"own": "0::/elsewhere\n", "groups/memory.max": "1000\n"}, 1000),
        ({"groups/memory/memory.limit_in_bytes": "536870912\n"}, 2**29),
        ({"own": "4:memory:/a\n0::/\n", "groups/memory/a/memory.limit_in_bytes": "1000\n"}, 1000),
        ({"groups/memory/memory.limit_in_bytes": "9223372036854771712\n"}, None),
        ({}, None),
    ],
)
def test_the_limit_of_a_container_is_the_least_of_its_control_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], limit: int | None
) -> None:
    write(tmp_path, files, monkeypatch)

    assert limit_of_container() == limit


def test_there_is_what_is_free_within_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"meminfo": "MemTotal:  9 kB\nMemAvailable:  4 kB\n"}, monkeypatch)
    assert memory_there_is() == 4096

    write(tmp_path, {"groups/memory.max": "1000"}, monkeypatch)
    assert memory_there_is() == 1000

    write(tmp_path, {"groups/memory.max": "max", "meminfo": "MemTotal:  9 kB\n"}, monkeypatch)
    assert memory_there_is() is None
