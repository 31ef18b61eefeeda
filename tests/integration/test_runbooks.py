"""Commands of the runbooks and the architecture, without running them: `tests/e2e/test_runbooks.py` runs them."""

import re
import shlex
import subprocess

import pytest
import typer.main

from deploy.cli import app
from deploy.parameters import assignments, check_parameters, read_stage
from tests.support import aws_cli
from tests.support.paths import ROOT
from tests.support.runbooks import FOLDER, RUNBOOKS, environment_is_posix, script_of
from tests.support.waiting import TIMES_OUT

pytestmark = [
    pytest.mark.skipif(not environment_is_posix(), reason="runbooks are for a POSIX shell with make and git"),
]

MAKE = sorted(set(re.findall(r"^.*\bmake (.*)$", "\n".join(map(script_of, RUNBOOKS)), flags=re.MULTILINE)))


class TestEveryCommand:
    @pytest.mark.parametrize("name", RUNBOOKS)
    def test_stands_in_a_block_that_is_run(self, name: str) -> None:
        text = (FOLDER / name).read_text(encoding="utf-8")

        assert set(re.findall(r"^ *```(\w+)$", text, flags=re.MULTILINE)) <= {"sh"}

    @pytest.mark.parametrize("words", MAKE)
    def test_of_make_is_one_of_the_deploying_command_line(self, words: str) -> None:
        make = ["make", "--dry-run", *shlex.split(words.replace("$STAGE", "dev"))]
        printed = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True, timeout=TIMES_OUT).stdout
        (command,) = re.findall(r"-m deploy (.*)$", printed.replace("\\\n", " "), flags=re.MULTILINE)
        group = typer.main.get_command(app)
        verb, *arguments = shlex.split(command)
        context = group.commands[verb].make_context(verb, arguments)  # type: ignore[attr-defined]
        stage = read_stage(context.params["stage"], ROOT / "samconfig.toml")
        check_parameters(stage.parameters | assignments(context.params.get("parameter") or []), ROOT / "template.yaml")


class TestArchitecture:
    """Its table names commands for a real account only: they are compared with AWS's descriptions."""

    @pytest.mark.parametrize(
        "command", re.findall(r"`(aws [^`]+)`", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
    )
    def test_a_command_for_a_real_account_exists(self, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
        words = shlex.split(re.sub(r"\$\(output (\w+)\)", r"\1", command))[1:]
        service = aws_cli.ALIASES.get(words[0], words[0])
        monkeypatch.setenv(aws_cli.ONLY_CHECKS, service)
        monkeypatch.chdir(ROOT)
        if words[1:] == ["get-cost-and-usage"]:
            words += ["--time-period", "Start=2026-11-01,End=2026-11-02", "--granularity", "DAILY", "--metrics", "Cost"]
        if words[1:] == ["describe-stack-events"]:
            words += ["--stack-name", "s"]

        aws_cli.main(words)
