"""The folder of a served model: one process at a time, and the environment of the one that was started last."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from skylift.errors import ConfigError
from training.cli.model_folder import CURRENT_ENVIRONMENT, ModelFolder, claimed_folder

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="its shell")


@pytest.fixture(autouse=True)
def _folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@contextmanager
def served(model: str) -> Iterator[ModelFolder]:
    with claimed_folder(model, 8000) as folder, folder.environment({"SKYLIFT_MODEL": model}):
        yield folder


def sourced(path: Path = CURRENT_ENVIRONMENT, *, shell: str = "sh", names: str = "$SKYLIFT_MODEL") -> str:
    """What a shell has that reads the file: values of variables, or what it says instead."""
    command = [shutil.which(shell) or shell, "-c", f'. ./{path} && printf %s "{names}"']
    done = subprocess.run(command, env={}, check=False, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else done.stderr


def killed_process() -> int:
    """The number of a process that is gone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def test_a_model_that_is_served_is_refused_with_its_address() -> None:
    said = r"wine is being served already \(http://127\.0\.0\.1:8000\): stop that one"
    with served("wine"), pytest.raises(ConfigError, match=said), claimed_folder("wine", 8001):
        pass

    with served("wine"):
        pass  # free again


@POSIX_ONLY
def test_the_environment_is_that_of_the_model_started_last_and_still_served() -> None:
    with ExitStack() as first:
        wine = first.enter_context(served("wine"))
        with served("iris") as iris:
            assert sourced() == "iris"
            assert sourced(wine.environment_file) == "wine"
        assert sourced() == "wine"
        assert not iris.environment_file.exists()
        with ExitStack() as last:
            last.enter_context(served("iris"))
            first.close()
            assert sourced() == "iris"
        assert not CURRENT_ENVIRONMENT.exists()


@POSIX_ONLY
def test_a_shell_passes_over_a_model_whose_process_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = killed_process()
    with served("wine"), ExitStack() as stack:
        with monkeypatch.context() as killed:
            killed.setattr(os, "getpid", lambda: dead)
            stack.enter_context(served("iris"))

        assert sourced() == "wine"


@POSIX_ONLY
@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh"])
def test_a_shell_is_told_when_every_process_was_killed(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    dead = killed_process()
    monkeypatch.setattr(os, "getpid", lambda: dead)

    with served("wine"), served("iris"):
        assert sourced(shell=shell) == "error: no model is served here any more: make up\n"


def test_the_environment_of_a_killed_process_is_gone_with_the_next_start() -> None:
    killed = ModelFolder(Path("build/models/wine"))
    killed.path.mkdir(parents=True)
    for path in (killed.environment_file, CURRENT_ENVIRONMENT):
        path.write_text("{ kill -0 1 && export SKYLIFT_MODEL=wine; }", encoding="utf-8")
    (killed.path / "lock").write_text("http://127.0.0.1:8000", encoding="utf-8")

    with claimed_folder("wine", 8000):
        assert not CURRENT_ENVIRONMENT.exists()
        assert not killed.environment_file.exists()


def test_the_environment_is_gone_after_a_failure() -> None:
    with suppress(KeyboardInterrupt), served("wine") as folder:
        raise KeyboardInterrupt

    assert not folder.environment_file.exists()
    assert not CURRENT_ENVIRONMENT.exists()


@POSIX_ONLY
@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh"])
def test_a_shell_that_reads_it_has_the_environment(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    variables = {"AWS_ENDPOINT_URL": "http://x:1", "ODD": "it's $HOME; `id`"}
    with claimed_folder("wine", 8000) as folder, folder.environment(variables):
        assert sourced(shell=shell, names="$AWS_ENDPOINT_URL|$ODD") == "http://x:1|it's $HOME; `id`"
