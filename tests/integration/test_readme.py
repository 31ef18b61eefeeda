"""The README, and the second table and configuration that the docs print, work as printed."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skylift.registry import Registry
from tests.support.paths import ROOT
from training.cli.app import app


def code_block(language: str, page: str = "docs/tables.md") -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    (block,) = re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)
    return str(block)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "rents.csv").write_text(code_block("csv"), encoding="utf-8")
    path = tmp_path / "rents.yaml"
    path.write_text(code_block("yaml"), encoding="utf-8")
    return path


def test_the_second_model_in_the_docs_trains_and_is_published(
    config: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYLIFT_MODEL", "rents")

    result = CliRunner().invoke(app, ["train", "--config", str(config)])

    assert result.exit_code == 0, result.output
    assert "Published v1@sha256:" in result.output


def test_every_shell_command_in_the_readme_names_an_existing_make_target_or_subcommand() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}

    assert set(re.findall(r"\bmake ([a-z-]+)\b", text)) <= targets
    assert set(re.findall(r"^(?:\.venv/bin/)?skylift ([a-z]+)", text, flags=re.MULTILINE)) <= commands


def test_the_readme_has_no_placeholder() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    assert re.findall(r"^[A-Z_]+$", text, flags=re.MULTILINE) == []
