"""What every command line of this project does with a failure."""

from typing import Any

import typer
from typer.core import TyperGroup

from skylift.errors import SkyliftError
from training.cli.console import err


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
