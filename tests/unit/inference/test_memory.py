"""Whether a challenger fits: by the size of its file, before it is read."""

import pytest

from inference import memory
from inference.memory import check_room
from skylift.errors import DoesNotFit
from skylift.manifest import COMPILED_FILE, Artifact, Manifest
from tests.support.models import compiled_iris_package

MIB = 2**20


def compiled(mib: int) -> Manifest:
    """A manifest whose model has so many MiB."""
    described = compiled_iris_package().describe(3)
    artifacts = described.artifacts | {COMPILED_FILE: Artifact(sha256="0" * 64, bytes=mib * MIB)}
    return described.model_copy(update={"artifacts": artifacts})


@pytest.fixture(autouse=True)
def _resident(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "resident_bytes", lambda: 120 * MIB)


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
