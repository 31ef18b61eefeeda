"""What every command line of this project does with a failure."""

import multiprocessing
import os
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from skylift.errors import SkyliftError
from training.cli.console import err, out


class Commands(TyperGroup):
    """Turns failures into one line on stderr and exit code 1: the only place that does."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (SkyliftError, OSError) as error:
            if ctx.params.get("debug"):
                raise
            err.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
            raise typer.Exit(1) from error


def leave(code: int) -> NoReturn:
    """End the process at once: compiled code in another thread crashes when the interpreter ends around it."""
    out.print("Stopped.")
    for child in multiprocessing.active_children():  # of a search on several cores
        child.terminate()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
