"""What Docker can build is known before a build begins."""

from pathlib import Path

import pytest

from deploy import machine
from deploy.machine import check_docker
from skylift.errors import ConfigError

BUILDX = "Name: default\nPlatforms: linux/amd64*, linux/amd64/v2, linux/386"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """What Docker answers by command, which may be changed: an engine for amd64 that emulates nothing."""
    known: dict[str, str | None] = {"version": "amd64", "buildx": BUILDX}
    monkeypatch.setattr(machine, "_answer", lambda command, *_: known[command])
    return known


@pytest.mark.parametrize(("engine", "architecture"), [("amd64", "x86_64"), ("arm64", "arm64"), ("amd64", None)])
def test_its_own_architecture_is_built(answers: dict[str, str | None], engine: str, architecture: str | None) -> None:
    answers["version"] = engine

    check_docker(architecture)


def test_another_one_is_refused_with_the_parameter_and_the_emulator(answers: dict[str, str | None]) -> None:
    with pytest.raises(ConfigError, match="are for arm64, and Docker here builds for x86_64 only") as caught:
        check_docker("arm64")

    assert "PARAMS='Architecture=x86_64'" in caught.value.hint
    assert "tonistiigi/binfmt --install arm64" in caught.value.hint


def test_another_one_that_is_emulated_is_built(answers: dict[str, str | None]) -> None:
    answers["buildx"] = f"{BUILDX}, linux/arm64, linux/arm/v7"

    check_docker("arm64")


@pytest.mark.parametrize("emulated", [True, False])
def test_without_buildx_the_kernel_knows_what_is_emulated(
    answers: dict[str, str | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulated: bool
) -> None:
    answers |= {"version": "arm64", "buildx": None}
    monkeypatch.setattr(machine, "_EMULATORS", tmp_path)
    if emulated:
        (tmp_path / "qemu-x86_64").touch()
        check_docker("x86_64")
    else:
        with pytest.raises(ConfigError, match="builds for arm64 only"):
            check_docker("x86_64")


def test_an_engine_that_does_not_run_is_told(answers: dict[str, str | None]) -> None:
    answers["version"] = None

    with pytest.raises(ConfigError, match="Docker does not run"):
        check_docker()
