"""The command line as a person uses it, in this process."""

import typer.testing

from training.cli.app import app


def skylift(*arguments: object) -> typer.testing.Result:
    """Run `skylift` with these arguments."""
    return typer.testing.CliRunner().invoke(app, [str(argument) for argument in arguments])


def done(*arguments: object) -> str:
    """What a command prints that must succeed."""
    result = skylift(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: object) -> str:
    """The `error:` and `hint:` lines of a command that must fail, which end its stderr; nothing is on stdout."""
    result = skylift(*arguments)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    return failure_lines(result.stderr)


def failure_lines(stderr: str) -> str:
    """The last lines of a failed command's stderr: one `error:`, and one `hint:` unless nothing can be done."""
    assert "Traceback" not in stderr
    lines = stderr.splitlines()
    (first,) = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    error, *hint = lines[first:]
    assert len(hint) <= 1, stderr
    assert all(line.startswith("hint: ") for line in hint), stderr
    return "\n".join([error, *hint])
