"""A failure that can be explained ends every command line of this project the same way."""

import errno
import os
import subprocess
import sys

import pytest
import typer
import typer.testing

from skylift.errors import ConfigError
from tests.support.waiting import TIMES_OUT
from training.cli.commands import Commands


def run(failure: Exception | None, *options: str) -> typer.testing.Result:
    app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)

    @app.callback()
    def main(debug: bool = False) -> None:
        """Options of every command."""

    @app.command()
    def fly() -> None:
        if failure:
            raise failure

    return typer.testing.CliRunner().invoke(app, [*options, "fly"])


@pytest.mark.parametrize(
    ("failure", "lines"),
    [
        (ConfigError("no [bold]wings[/bold]", "grow [some]"), ["error: no [bold]wings[/bold]", "hint: grow [some]"]),
        (ConfigError("no wings"), ["error: no wings"]),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), ["error: [Errno 28] No space left on device"]),
        (ConfigError("x" * 300, "y" * 300), [f"error: {'x' * 300}", f"hint: {'y' * 300}"]),
    ],
    ids=["with a hint", "without a hint", "of the system", "longer than a line of the terminal"],
)
def test_a_failure_is_a_line_on_stderr_and_one_with_what_to_do(failure: Exception, lines: list[str]) -> None:
    result = run(failure)

    assert result.exit_code == 1
    assert (result.stdout, result.stderr.splitlines()) == ("", lines)


@pytest.mark.parametrize(
    ("failure", "options"),
    [(ConfigError("no wings"), ["--debug"]), (ZeroDivisionError(), [])],
    ids=["one that debug asks for", "an unexpected one"],
)
def test_what_a_trace_explains_better_is_raised(failure: Exception, options: list[str]) -> None:
    result = run(failure, *options)

    assert result.exception is failure
    assert "error:" not in result.stderr


def test_a_command_that_succeeds_says_nothing_of_it() -> None:
    assert (run(None).exit_code, run(None).output) == (0, "")


@pytest.mark.skipif(os.name != "posix", reason="Windows has no named semaphores to clean up")
def test_leaving_while_processes_compute_prints_no_warning_of_a_library() -> None:
    code = (
        "import joblib\n"
        "from training.cli.commands import leave, silence_trackers\n"
        "silence_trackers()\n"
        "joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(number) for number in (1, 2))\n"
        "leave(0)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=TIMES_OUT)

    assert (done.stdout, done.stderr) == ("Stopped.\n", "")


WRITES = """
import typer
from training.cli.commands import Commands
from training.cli.console import out
app = typer.Typer(cls=Commands)
@app.callback()
def main() -> None:
    pass
@app.command()
def work() -> None:
    for _ in range(2000):
        out.print("Class 日本 of a table")
app()
"""


def test_a_terminal_that_cannot_write_a_letter_fails_no_command() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    command = [sys.executable, "-c", WRITES, "work"]

    done = subprocess.run(command, check=True, capture_output=True, env=environment, timeout=TIMES_OUT)

    assert done.stdout.splitlines()[0] == rb"Class \u65e5\u672c of a table"


def test_a_reader_that_left_fails_no_command() -> None:
    command = [sys.executable, "-c", WRITES, "work"]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, errors = process.communicate(timeout=TIMES_OUT)

    assert (process.returncode, errors) == (0, b"")
