"""A retraining beside `skylift up`: by Lambda's API, the local runner, the real function and a real training."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from skylift.registry import Registry
from skylift.settings import RegistrySettings
from tests.support.commands import done
from tests.support.tables import lines, write_project
from tests.support.waiting import wait_until
from training.cli import durable_functions, retrain
from training.cli.durable_functions import DurableFunctions
from training.cli.embedded_aws import embedded_aws

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are watched through /proc")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small table that is learned at once."""
    text = lines("x,n,y", lambda number: f"{number},{number % 7},{'ab'[number // 20]}")
    return write_project(tmp_path, text, model="quick", select_by="accuracy")


@pytest.fixture
def functions(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DurableFunctions]:
    """The functions beside an embedded AWS of the project, in whose environment commands run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(durable_functions, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(retrain, "POLL_SECONDS", 0.1)
    before = dict(os.environ)
    with mock_aws():  # forgets what an earlier test stored in this process
        pass
    functions = DurableFunctions(tmp_path / "store.sqlite", tmp_path / "log", {"SKYLIFT_CONFIG": str(project)})
    with embedded_aws("quick", functions=functions), functions:
        yield functions
    os.environ.clear()
    os.environ.update(before)


def names() -> tuple[str | None, list[str]]:
    """The active version, and all versions."""
    registry = Registry.open(RegistrySettings())
    active = registry.active()
    return active.name if active else None, [version.reference.name for version in registry.versions()]


def test_one_that_is_killed_amid_its_training_publishes_one_signed_version_and_promotes_nothing(
    functions: DurableFunctions, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = json.loads(done("retrain", "--config", project, "--reason", "new rows", "--json"))
    log = tmp_path / "log"
    wait_until(lambda: '"message":"training"' in log.read_text(), what="the first line of the training")
    assert functions._process is not None
    os.kill(functions._process.pid, signal.SIGKILL)

    told = json.loads(done("retrain", "--config", project, "--id", started["id"], "--wait", "--json"))

    assert (told["state"], told["step"], told["reason"]) == ("succeeded", "done", "new rows")
    assert told["versions"]["published"].startswith("v1@sha256:")
    assert names() == (None, ["v1"])
    monkeypatch.setenv("SKYLIFT_REQUIRE_SIGNATURE", "true")
    done("promote", "v1", "--config", project)
    assert names() == ("v1", ["v1"])
