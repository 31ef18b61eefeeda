"""What a version's own code may try where it is scored and measured: processes without rights."""

import sys
from pathlib import Path

import numpy as np
import pytest

from skylift.encoding import RowEncoder
from skylift.errors import GoldenMismatch, PromotionRefused, UnservableModel
from skylift.footprint import measure
from skylift.manifest import reference_to
from skylift.pointer import ActivePointer
from skylift.registry import Registry
from skylift.sandbox import SandboxedPredictor
from skylift.store import VersionStore
from skylift.verification import Version
from tests.support.models import compiled_iris_package, iris_package, with_model
from tests.support.pickles import running, trap
from tests.support.stored import placed, promoted

ANSWER = '{"shape": [1, 3], "scores": "AAAAAAAA8D8AAAAAAAAAAAAAAAAAAAAA"}'


def _score(source: str) -> None:
    """Score a version whose model runs a program when it is loaded."""
    manifest = iris_package().describe(1)
    rows = RowEncoder(manifest.contract).encode(manifest.golden.instances)
    SandboxedPredictor(manifest, lambda _: running(source)).scores(rows)


@pytest.mark.skipif(sys.platform != "linux", reason="not every system bounds memory")
def test_memory_without_end() -> None:
    with pytest.raises(UnservableModel, match=r"model\.joblib of v1 cannot be loaded \(MemoryError\)"):
        _score("import numpy; numpy.ones(10 * 2**30)")


def test_a_success_without_scores(capfd: pytest.CaptureFixture[str]) -> None:
    print_and_leave = f"import os; print({ANSWER!r}, flush=True); os.write(2, b'noise'); os._exit(0)"

    with pytest.raises(UnservableModel, match="ended its process with code 0 and without scores"):
        _score(print_and_leave)

    assert capfd.readouterr() == ("", "")


def test_scores_of_its_own_beside_those_of_the_process() -> None:
    everywhere = f"""
import os
for number in range(3, 20):
    try:
        os.write(number, {ANSWER!r}.encode())
    except OSError:
        pass
os._exit(0)
"""
    with pytest.raises((UnservableModel, GoldenMismatch)) as caught:
        _score(everywhere)

    assert "answer" in caught.value.message


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_what_measures_its_memory_has_no_rights(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    package = with_model(trap(sprung))
    manifest = package.describe(1)
    body = manifest.to_bytes()

    with pytest.raises(PromotionRefused, match=r"the memory of v1 cannot be measured: .* \(CalledProcessError\)"):
        measure(Version(reference_to(1, body), manifest, body), package.artifacts.__getitem__)

    assert not sprung.exists()


def test_a_model_of_its_publisher_is_never_opened_in_the_process_that_promotes(
    store: VersionStore, pointer: ActivePointer, tmp_path: Path
) -> None:
    sprung = tmp_path / "sprung"
    registry = Registry(store, pointer, allow_joblib=True)
    promoted(compiled_iris_package())
    placed(with_model(trap(sprung)))

    for act in (
        lambda: registry.promote("v2"),
        lambda: registry.bake("v2", tmp_path / "baked"),
        lambda: registry.predictor(registry.version("v2")).scores(np.zeros((1, 4))),
    ):
        with pytest.raises((PromotionRefused, UnservableModel), match="v2 tried to use a file"):
            act()

    assert not sprung.exists() or sys.platform != "linux"
    assert [move.after.partition("@")[0] for move in registry.history()] == ["v1"]
