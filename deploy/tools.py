"""Programs that a deployment runs: quiet unless they fail, or `VERBOSE=1` asks for what they print."""

import os
import shutil
import subprocess

from deploy.progress import doing, is_verbose
from skylift.errors import SkyliftError
from training.cli.console import err

_LINES_OF_A_FAILURE = 20


class ToolFailed(SkyliftError):
    """`sam` or `docker` is not there, or ended with an error."""

    code = "tool-failed"


def run(tool: str, *arguments: str, seconds: int, region: str | None = None, word: str | None = None) -> None:
    """Run a program that must succeed.

    Parameters
    ----------
    tool
        Name of the program on PATH.
    arguments
        Arguments of the program, the first one its command.
    seconds
        Time limit.
    region
        AWS region for its environment.
    word
        Password for its standard input.

    Raises
    ------
    ToolFailed
        See the class. The end of what it printed was shown.
    """
    _run(tool, arguments, seconds=seconds, region=region, word=word)


def output_of(tool: str, *arguments: str, seconds: int, region: str | None = None) -> str:
    """What a program prints on stdout that must succeed, without blanks around it; see `run`.

    Raises
    ------
    ToolFailed
        See the class.
    """
    return _run(tool, arguments, seconds=seconds, region=region).strip()


def _run(
    tool: str, arguments: tuple[str, ...], *, seconds: int, region: str | None = None, word: str | None = None
) -> str:
    regions = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region} if region else {}
    command = f"{tool} {arguments[0]}"
    try:
        with doing(command):
            done = subprocess.run(
                [path_of(tool), *arguments],
                env=os.environ | regions | {"SAM_CLI_TELEMETRY": "0"},
                timeout=seconds,
                input=word or "",
                stdout=subprocess.PIPE,
                stderr=None if is_verbose() else subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                check=True,
            )
    except subprocess.CalledProcessError as error:
        _show_end(error)
        raise ToolFailed(
            f"{command} ended with code {error.returncode}",
            "what it said last is above, VERBOSE=1 shows all; docs/runbooks/deploy-failed.md says what to do",
        ) from error
    except subprocess.TimeoutExpired as error:
        _show_end(error)
        raise ToolFailed(f"{command} took more than {seconds // 60} minutes", "VERBOSE=1 shows what it does") from error
    if is_verbose():
        err.print(done.stdout, markup=False, soft_wrap=True)
    return done.stdout


def path_of(tool: str) -> str:
    """Path of a program.

    Raises
    ------
    ToolFailed
        It is not installed.
    """
    program = shutil.which(tool)
    if program is None:
        hint = "use `make deploy`, which finds it in .venv" if tool == "sam" else f"install {tool}"
        raise ToolFailed(f"{tool} is not installed", hint)
    return program


def _show_end(error: subprocess.CalledProcessError | subprocess.TimeoutExpired) -> None:
    """Show the last lines of a program; after its time limit, Python hands out bytes."""
    printed = (
        text.decode(errors="replace") if isinstance(text, bytes) else text for text in (error.stdout, error.stderr)
    )
    lines = "\n".join(filter(None, printed)).splitlines()
    err.print("\n".join(lines[-_LINES_OF_A_FAILURE:]), markup=False, soft_wrap=True)
