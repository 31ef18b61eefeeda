"""What every command line of this project does with a failure."""

import io
import multiprocessing
import os
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from skylift.errors import SkyliftError
from training.cli.console import message_and_hint, out, print_failure

_TRACKER_WARNING = "ignore:resource_tracker:UserWarning"


class Commands(TyperGroup):
    """Turns failures into `error:` and `hint:` lines on stderr and exit code 1: the only place that does."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        silence_trackers()
        escape_what_cannot_be_written()
        try:
            return super().invoke(ctx)
        except (SkyliftError, OSError) as error:
            if ctx.params.get("debug"):
                raise
            print_failure("error", *message_and_hint(error))
            raise typer.Exit(1) from error


def silence_trackers() -> None:
    """Let the processes that clean up after others do it without a warning: what `leave` leaves is meant for them."""
    if _TRACKER_WARNING not in sys.warnoptions:
        sys.warnoptions.append(_TRACKER_WARNING)  # Python hands these to every process that it starts itself


def escape_what_cannot_be_written() -> None:
    """Let the encoding of the terminal fail no command: what it cannot write is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def leave(code: int) -> NoReturn:
    """End the process at once: compiled code in another thread crashes when the interpreter ends around it."""
    out.print("Stopped.")
    for child in multiprocessing.active_children():  # of a search on several cores
        child.terminate()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
