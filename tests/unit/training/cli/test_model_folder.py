"""The folder of a served model: one process at a time, and the environment of the one that was started last."""

import os
import shutil
import subprocess
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


def current() -> str | None:
    return CURRENT_ENVIRONMENT.read_text(encoding="utf-8") if CURRENT_ENVIRONMENT.exists() else None


def test_a_model_that_is_served_is_refused_with_its_address() -> None:
    said = r"wine is being served already \(http://127\.0\.0\.1:8000\): stop that one"
    with served("wine"), pytest.raises(ConfigError, match=said), claimed_folder("wine", 8001):
        pass

    with served("wine"):
        pass  # free again


def test_the_environment_is_that_of_the_model_started_last_and_still_served() -> None:
    with ExitStack() as first:
        wine = first.enter_context(served("wine"))
        with served("iris") as iris:
            assert current() == "export SKYLIFT_MODEL=iris\n"
            assert wine.environment_file.read_text(encoding="utf-8") == "export SKYLIFT_MODEL=wine\n"
        assert current() == "export SKYLIFT_MODEL=wine\n"
        assert not iris.environment_file.exists()
        with ExitStack() as last:
            last.enter_context(served("iris"))
            first.close()
            assert current() == "export SKYLIFT_MODEL=iris\n"
        assert current() is None


def test_the_environment_of_a_killed_process_is_gone_with_the_next_start() -> None:
    killed = ModelFolder(Path("build/models/wine"))
    killed.path.mkdir(parents=True)
    for path in (killed.environment_file, CURRENT_ENVIRONMENT):
        path.write_text("export SKYLIFT_MODEL=wine\n", encoding="utf-8")
    (killed.path / "lock").write_text("http://127.0.0.1:8000", encoding="utf-8")

    with claimed_folder("wine", 8000):
        assert current() is None
        assert not killed.environment_file.exists()


def test_the_environment_is_gone_after_a_failure() -> None:
    with suppress(KeyboardInterrupt), served("wine") as folder:
        raise KeyboardInterrupt

    assert not folder.environment_file.exists()
    assert current() is None


@POSIX_ONLY
def test_a_shell_that_reads_it_has_the_environment() -> None:
    variables = {"AWS_ENDPOINT_URL": "http://x:1", "ODD": "it's $HOME; `id`"}
    with claimed_folder("wine", 8000) as folder, folder.environment(variables):
        shell = [
            shutil.which("sh") or "sh",
            "-c",
            f'. {CURRENT_ENVIRONMENT} && printf "%s|%s" "$AWS_ENDPOINT_URL" "$ODD"',
        ]
        printed = subprocess.run(shell, check=True, capture_output=True, text=True).stdout

    assert printed == "http://x:1|it's $HOME; `id`"
