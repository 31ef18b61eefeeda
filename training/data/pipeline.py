"""Whether the DVC stage that runs a command depends on the table that the command reads."""

from pathlib import Path

import yaml
from pydantic_settings import BaseSettings

from skylift.errors import ConfigError
from training.config.locations import Location

PIPELINE = Path("dvc.yaml")


class _Stage(BaseSettings):
    """What DVC tells the commands that it runs."""

    dvc_stage: str = ""


def check_dependency(table: Location) -> None:
    """Refuse a table that the running DVC stage does not depend on: DVC would not notice when its rows change.

    Raises
    ------
    ConfigError
        It is not among the stage's `deps`.
    """
    stage = _Stage().dvc_stage.rpartition(":")[2]  # of another folder: folder/dvc.yaml:stage
    if not stage or not PIPELINE.is_file():
        return
    description = yaml.safe_load(PIPELINE.read_text(encoding="utf-8"))["stages"].get(stage, {})
    deps = [next(iter(dep)) if isinstance(dep, dict) else str(dep) for dep in description.get("deps", ())]
    if not description or any("${" in dep for dep in deps):  # a template, which only DVC resolves
        return
    named = isinstance(table, Path) and any(table.resolve().is_relative_to(Path(dep).resolve()) for dep in deps)
    if not named:
        shown = table.relative_to(Path.cwd()) if isinstance(table, Path) and table.is_relative_to(Path.cwd()) else table
        hint = f"name it in deps of each stage that names the former table, in {PIPELINE}"
        raise ConfigError(f"the stage {stage} reads {shown} (data.path), which is not in its deps", hint)
