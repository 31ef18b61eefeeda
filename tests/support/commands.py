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
    """The one line on stderr of a command that must fail, after any progress; nothing is on stdout."""
    result = skylift(*arguments)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result.stderr
    assert result.stderr.splitlines()[-1] == errors[0]
    assert "Traceback" not in result.stderr
    return errors[0]
