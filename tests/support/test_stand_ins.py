"""A script's stand-ins get what its programs would get, and it gets what they answer."""

import os
from pathlib import Path

import pytest

from tests.support.runbooks import environment_is_posix
from tests.support.stand_ins import Outcome, run_script

pytestmark = pytest.mark.skipif(not environment_is_posix(), reason="the script is for a POSIX shell")


def echo(arguments: list[str]) -> Outcome:
    return Outcome(0, f"{Path.cwd().name} {os.environ.get('COLOUR')} {arguments}\n")


def run(script: str, folder: Path, **stand_ins: Outcome) -> Outcome:
    programs = {name: lambda _, outcome=outcome: outcome for name, outcome in stand_ins.items()}
    environment = {"PATH": f"{folder}/.venv/bin:/usr/bin:/bin"}
    return run_script(script, folder, environment, {"echoes": echo, **programs})


def test_one_gets_arguments_folder_and_environment_of_its_call(tmp_path: Path) -> None:
    before = Path.cwd(), dict(os.environ)

    outcome = run("mkdir sub; cd sub; export COLOUR=red; echoes 'two words' x", tmp_path)

    assert outcome == Outcome(0, "sub red ['two words', 'x']\n")
    assert (Path.cwd(), dict(os.environ)) == before


def test_one_that_fails_ends_the_script(tmp_path: Path) -> None:
    outcome = run("fails; echoes", tmp_path, fails=Outcome(3, stderr="error: no\n"))

    assert outcome == Outcome(3, "error: no\n")


def test_an_answer_can_be_used_by_the_script(tmp_path: Path) -> None:
    assert run('printf %s "$(knows)" | tr a b', tmp_path, knows=Outcome(0, "aha\n")).stdout == "bhb"
