"""Whether a challenger fits: by the size of its file, before it is read."""

import sys
from pathlib import Path

import pytest

from inference import memory
from inference.memory import check_room, growth_bytes, limit_of_container
from skylift.errors import DoesNotFit
from skylift.manifest import COMPILED_FILE, MODEL_FILE, Artifact, Manifest
from tests.support.models import compiled_iris_package, iris_package

MIB = 2**20


def sized(manifest: Manifest, name: str, mib: int) -> Manifest:
    """A manifest whose model has so many MiB."""
    artifacts = manifest.artifacts | {name: Artifact(sha256="0" * 64, bytes=mib * MIB)}
    return manifest.model_copy(update={"artifacts": artifacts})


def compiled(mib: int) -> Manifest:
    return sized(compiled_iris_package().describe(3), COMPILED_FILE, mib)


@pytest.fixture(autouse=True)
def _resident(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "resident_bytes", lambda: 120 * MIB)


def test_parsing_a_compiled_form_takes_a_multiple_of_its_file() -> None:
    assert growth_bytes(compiled(2)) == 54 * MIB


def test_a_joblib_model_takes_scikit_learn_too_where_nothing_has_imported_it(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = sized(iris_package().describe(3), MODEL_FILE, 2)
    with_it = growth_bytes(manifest)
    monkeypatch.delitem(sys.modules, "sklearn")

    assert with_it == 10 * MIB
    assert growth_bytes(manifest) == 160 * MIB


def test_one_that_fits_is_taken() -> None:
    check_room(compiled(2), 174 * MIB)


def test_one_that_may_not_fit_is_refused_with_the_figures() -> None:
    with pytest.raises(DoesNotFit, match=r"v3 does not fit .* may need 174 MiB, and there are 173") as caught:
        check_room(compiled(2), 173 * MIB)

    assert "MemorySize" in caught.value.hint


def test_where_nobody_tells_the_limit_all_fit() -> None:
    check_room(compiled(10_000), None)


def test_where_the_system_does_not_tell_what_is_resident_all_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "resident_bytes", lambda: None)

    check_room(compiled(10_000), 1)


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"new": "536870912\n"}, 2**29),
        ({"new": "max\n"}, None),
        ({"old": "536870912\n"}, 2**29),
        ({"old": "9223372036854771712\n"}, None),
        ({}, None),
    ],
    ids=["limited", "unlimited", "older kernel", "older kernel without", "none"],
)
def test_the_limit_of_a_container_is_that_of_its_control_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], limit: int | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(memory, "_CGROUP", (tmp_path / "new", tmp_path / "old"))

    assert limit_of_container() == limit
