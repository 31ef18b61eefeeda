"""A stand-in for GitHub's CLI that compares commands with this repository's workflows.

gh workflow run promote.yml -f stage=dev -f version=v7@sha256:...
"""

import argparse
import re
import sys

import yaml

from tests.support.paths import ROOT
from tests.support.stand_ins import Outcome

WORKFLOWS = ROOT / ".github" / "workflows"


def main(arguments: list[str]) -> None:
    """Refuse what names no workflow, no input, no choice or no variable of this repository."""
    parser = argparse.ArgumentParser(prog="gh")
    commands = parser.add_subparsers(dest="command", required=True)
    workflow = commands.add_parser("workflow").add_subparsers(dest="action", required=True).add_parser("run")
    workflow.add_argument("file")
    workflow.add_argument("-f", action="append", default=[], dest="inputs")
    variable = commands.add_parser("variable").add_subparsers(dest="action", required=True).add_parser("set")
    variable.add_argument("name")
    variable.add_argument("--env")
    variable.add_argument("--body", required=True)
    asked = parser.parse_args(arguments)
    if asked.command == "workflow":
        _check_run(asked.file, dict(text.split("=", 1) for text in asked.inputs))
    elif asked.name not in variables():
        sys.exit(f"gh: no workflow uses vars.{asked.name}")


def gh(arguments: list[str]) -> Outcome:
    """Run a command as a program does."""
    try:
        main(arguments)
    except SystemExit as refusal:
        return Outcome(1, stderr=f"{refusal}\n")
    return Outcome(0)


def variables() -> set[str]:
    """Names of the variables that workflows read."""
    return {name for path in WORKFLOWS.glob("*.yml") for name in re.findall(r"\bvars\.(\w+)", path.read_text("utf-8"))}


def _check_run(file: str, inputs: dict[str, str]) -> None:
    if not (WORKFLOWS / file).exists():
        sys.exit(f"gh: there is no workflow {file}")
    triggers = yaml.safe_load((WORKFLOWS / file).read_text(encoding="utf-8"))[True]  # YAML reads `on` as a boolean
    known = (triggers["workflow_dispatch"] or {}).get("inputs", {})
    if unknown := inputs.keys() - known.keys():
        sys.exit(f"gh: {file} has no input {', '.join(unknown)}")
    for name, declared in known.items():
        if declared.get("required") and name not in inputs:
            sys.exit(f"gh: {file} needs {name}")
        if name in inputs and declared.get("type") == "choice" and inputs[name] not in declared["options"]:
            sys.exit(f"gh: {name} of {file} is none of {declared['options']}")
