"""Whether the DVC stage that runs a command depends on the table that the command reads."""

from pathlib import Path

import pytest

from skylift.errors import ConfigError
from training.config import ModelConfig, load_config
from training.data.pipeline import check_dependency

STAGES = """
stages:
  prepare: {cmd: skylift data prepare, deps: [raw/old.csv, code]}
  folder: {cmd: skylift data prepare, deps: [raw]}
  template: {cmd: skylift data prepare, deps: ["${table}"]}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelConfig:
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").write_text(STAGES, encoding="utf-8")
    Path("model.yaml").write_text("model: m\ndata: {path: raw/new.csv}\ntarget: {column: y}\n", encoding="utf-8")
    return load_config(tmp_path / "model.yaml")


def test_a_table_that_the_stage_does_not_name_is_refused(config: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "prepare")

    with pytest.raises(ConfigError, match=r"the stage prepare reads raw.new.csv .* not in its deps: name it in deps"):
        check_dependency(config.data.path)

    check_dependency(Path("raw/old.csv"))


@pytest.mark.parametrize("stage", ["folder", "template", "of-another-file", ""])
def test_a_stage_that_may_depend_on_it_and_a_command_of_its_own_are_left_alone(
    config: ModelConfig, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setenv("DVC_STAGE", stage)

    check_dependency(config.data.path)
