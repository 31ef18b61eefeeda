"""The dependencies of DVC's stages are all the code that their commands run."""

from typing import Any

import pytest
import yaml

from tests.support.import_graph import closure, imports_of_function, modules
from tests.support.paths import ROOT

STAGES: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]

WITHOUT_EFFECT = {
    "training/cli",
    "training/tracking",
    "training/extras.py",
    "training/files.py",
    "training/__init__.py",
}
"""What prints or records what a stage makes, locks what it writes, or only names a missing package."""


def command_of(stage: str) -> tuple[str, str]:
    """Module and function of the command that a stage runs."""
    _, *words = STAGES[stage]["cmd"].split()
    if words[0] == "data":
        return "training.cli.data", words[1]
    return ("training.cli.data" if words[0] == "evaluate" else "training.cli.app"), words[0]


def packages_of(stage: str) -> set[str]:
    """Packages whose code the command of a stage runs, relative to the root."""
    files = (modules()[module].relative_to(ROOT) for module in closure(imports_of_function(*command_of(stage))))
    return {"/".join(path.parts[:2]) for path in files} - WITHOUT_EFFECT


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_packages_that_it_runs_and_on_no_others(stage: str) -> None:
    code = {name for name in STAGES[stage]["deps"] if name.startswith(("layers/", "training/"))}

    assert code == packages_of(stage)


def test_no_dependency_holds_the_configuration_of_which_each_stage_sees_its_own_part() -> None:
    dependencies = {ROOT / name for stage in STAGES.values() for name in stage["deps"]}

    assert dependencies.isdisjoint((ROOT / "training" / "model.yaml").parents)
