"""`skylift init`: the first command of a new user."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.commands import done, refused
from tests.support.tables import mixed
from training.cli import init
from training.cli.app import app
from training.config import load_config


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "Bank Churn.csv"
    path.write_text(mixed(), encoding="utf-8")
    return path


def test_it_writes_a_file_that_can_be_trained_and_says_so(table: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.yaml"

    told = done("init", str(table), "--target", "churned", "--output", str(output))

    config = load_config(output)
    assert (config.model, config.data.path, config.target.column) == ("bank-churn", table, "churned")
    assert "category of 3: Lyon, Oslo, Rome" in told
    assert f"skylift up --config {output}" in told


def test_it_replaces_no_file_unless_asked_to(table: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.yaml"
    output.write_text("mine", encoding="utf-8")
    command = ("init", str(table), "--target", "churned", "--output", str(output))

    error = refused(*command)

    assert "is there already" in error
    assert "--force" in error
    assert output.read_text(encoding="utf-8") == "mine"
    done(*command, "--force")
    assert load_config(output).target.column == "churned"


def test_without_a_terminal_it_says_how_to_name_the_target(table: Path, tmp_path: Path) -> None:
    error = refused("init", str(table), "--output", str(tmp_path / "model.yaml"))

    assert "--target COLUMN" in error
    assert "churned" in error


def test_a_misspelt_target_is_told_with_the_nearest(table: Path, tmp_path: Path) -> None:
    error = refused("init", str(table), "--target", "churn", "--output", str(tmp_path / "model.yaml"))

    assert "did you mean 'churned'?" in error


@pytest.mark.parametrize("answer", ["churned", "8", ""], ids=["name", "number", "default"])
def test_on_a_terminal_it_asks(table: Path, tmp_path: Path, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "_terminal", lambda: True)
    output = tmp_path / "model.yaml"

    result = CliRunner().invoke(app, ["init", str(table), "--output", str(output)], input=f"{answer}\n")

    assert result.exit_code == 0, result.output
    assert "Column to predict" in result.output
    assert load_config(output).target.column == "churned"
