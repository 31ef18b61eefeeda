"""Whether the DVC stage that runs a command depends on the files that the command reads."""

from pathlib import Path

import yaml
from pydantic_settings import BaseSettings

from skylift.errors import ConfigError
from training.config.locations import Location

PIPELINE = Path("dvc.yaml")


class _Stage(BaseSettings):
    """What DVC tells the commands that it runs."""

    dvc_stage: str = ""


def check_dependency(read: Location, *, named_by: str = "data.path") -> None:
    """Refuse a file that the running DVC stage does not depend on: DVC would not notice when it changes.

    Parameters
    ----------
    read
        Table or file that the command reads.
    named_by
        What names it, for the message.

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
    named = isinstance(read, Path) and any(read.resolve().is_relative_to(Path(dep).resolve()) for dep in deps)
    if not named:
        shown = read.relative_to(Path.cwd()) if isinstance(read, Path) and read.is_relative_to(Path.cwd()) else read
        hint = f"name it in deps of each stage that reads it, in {PIPELINE}"
        raise ConfigError(f"the stage {stage} reads {shown} ({named_by}), which is not in its deps", hint)
