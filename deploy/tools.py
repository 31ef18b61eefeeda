"""Programs that a deployment runs: what they print is for the reader, their exit code for us."""

import os
import shutil
import subprocess

from skylift.errors import SkyliftError


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
        See the class.
    """
    _run(tool, arguments, seconds=seconds, region=region, word=word, captured=False)


def output_of(tool: str, *arguments: str, seconds: int) -> str:
    """What a program prints that must succeed, without blanks around it.

    Raises
    ------
    ToolFailed
        See the class.
    """
    return _run(tool, arguments, seconds=seconds, captured=True).strip()


def _run(
    tool: str,
    arguments: tuple[str, ...],
    *,
    seconds: int,
    captured: bool,
    region: str | None = None,
    word: str | None = None,
) -> str:
    program = shutil.which(tool)
    if program is None:
        hint = "use `make deploy`, which finds it in .venv" if tool == "sam" else f"install {tool}"
        raise ToolFailed(f"{tool} is not installed", hint)
    regions = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region} if region else {}
    try:
        done = subprocess.run(
            [program, *arguments],
            env=os.environ | regions | {"SAM_CLI_TELEMETRY": "0"},
            timeout=seconds,
            input=word,
            stdout=subprocess.PIPE if captured else None,
            text=True,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise ToolFailed(
            f"{tool} {arguments[0]} ended with code {error.returncode}",
            "what it said is above; docs/runbooks/deploy-failed.md says what to do",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ToolFailed(
            f"{tool} {arguments[0]} took more than {seconds // 60} minutes",
            "look at the stack's events: CloudFormation may still be working",
        ) from error
    return done.stdout if captured else ""
