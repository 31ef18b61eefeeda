"""`skylift client` writes the client of what is active."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from skylift.registry import Registry
from tests.support.models import iris_package
from tests.support.stored import promoted
from training.cli.app import app


@pytest.fixture
def _active(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    promoted(iris_package())
    monkeypatch.setenv("SKYLIFT_MODEL", "iris")


@pytest.mark.usefixtures("_active")
def test_it_prints_the_client_or_writes_it_into_a_file(tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["client", "python"])
    written = CliRunner().invoke(app, ["client", "python", "-o", str(tmp_path / "iris.py")])
    assert (printed.exit_code, written.exit_code) == (0, 0), printed.output
    assert (tmp_path / "iris.py").read_text(encoding="utf-8") == printed.output
    assert 'MODEL = "iris"' in printed.output


@pytest.mark.usefixtures("_active")
def test_typescript_is_the_other_language() -> None:
    printed = CliRunner().invoke(app, ["client", "typescript"])
    assert "export class Client" in printed.output
    assert CliRunner().invoke(app, ["client", "cobol"]).exit_code == 2


@pytest.mark.usefixtures("registry")
def test_without_an_active_version_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYLIFT_MODEL", "iris")
    refused = CliRunner().invoke(app, ["client", "python"])
    assert refused.exit_code == 1
    assert "no version is active" in refused.output
