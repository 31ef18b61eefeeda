"""The memory of a version: measured in another process, and enough for a switch or refused with figures."""

import sys
from collections.abc import Mapping

import pytest

from skylift import footprint
from skylift.errors import PromotionRefused
from skylift.footprint import SERVICE_MIB, Footprint, check_memory, measure
from skylift.manifest import COMPILED_FILE, reference_to
from skylift.verification import Version
from tests.support.models import compiled_iris_package

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")

FOREST = Footprint(base=60, rest=300, peak=500)


def iris() -> tuple[Version, Mapping[str, bytes]]:
    """Iris v1 with its compiled form, and its files."""
    package = compiled_iris_package()
    manifest = package.describe(1)
    body = manifest.to_bytes()
    return Version(reference_to(1, body), manifest, body), package.artifacts


def measures(monkeypatch: pytest.MonkeyPatch, figures: Footprint) -> None:
    """Let every version have these figures."""
    monkeypatch.setattr(footprint, "measure", lambda _version, _read: figures)


def test_a_version_is_measured_in_a_process_of_its_own() -> None:
    version, files = iris()

    figures = measure(version, files.__getitem__)

    assert 20 < figures.base < 400
    assert 0 <= figures.rest <= figures.peak < 100
    assert 0 < figures.row_ms < 1000


def test_a_version_that_cannot_be_loaded_there_is_refused() -> None:
    version, files = iris()

    with pytest.raises(PromotionRefused, match=r"the memory of v1 cannot be measured: .* \(CalledProcessError\)"):
        measure(version, (dict(files) | {COMPILED_FILE: b"altered"}).__getitem__)


def test_a_switch_holds_the_version_in_place_and_the_one_that_loads() -> None:
    assert FOREST.beside(FOREST) == 60 + SERVICE_MIB + 300 + 500


def test_a_version_that_fits_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    measures(monkeypatch, FOREST)
    version, files = iris()

    check_memory(version, files.__getitem__, FOREST.beside(FOREST))


def test_one_that_does_not_is_refused_with_figures_and_the_memory_that_would_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measures(monkeypatch, FOREST)
    version, files = iris()

    with pytest.raises(PromotionRefused) as caught:
        check_memory(version, files.__getitem__, 896)

    assert caught.value.message == (
        "v1 does not fit: while it takes over from a version like it, the service needs 910 MiB and has 896 "
        "(110 for itself, 300 for a version, 500 while one loads)"
    )
    assert caught.value.hint.startswith("deploy with MemorySize=1024, ")
