"""What every command line of this project does with a failure."""

import multiprocessing
import os
import sys
from typing import Any, NoReturn

import typer
from rich.text import Text
from typer.core import TyperGroup

from skylift.errors import SkyliftError
from training.cli.console import err, out


class Commands(TyperGroup):
    """Turns failures into `error:` and `hint:` lines on stderr and exit code 1: the only place that does."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (SkyliftError, OSError) as error:
            if ctx.params.get("debug"):
                raise
            message, hint = (error.message, error.hint) if isinstance(error, SkyliftError) else (str(error), "")
            err.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)
            if hint:
                err.print(Text.assemble(("hint: ", "bold cyan"), hint), soft_wrap=True)
            raise typer.Exit(1) from error


def leave(code: int) -> NoReturn:
    """End the process at once: compiled code in another thread crashes when the interpreter ends around it."""
    out.print("Stopped.")
    for child in multiprocessing.active_children():  # of a search on several cores
        child.terminate()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
