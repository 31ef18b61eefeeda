"""What a person sees of work that takes longer than a moment."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.console import Console
from rich.markup import escape

from training.cli.console import err, out

_A_MOMENT_SECONDS = 1.0


class _Verbosity(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore")

    verbose: str = ""


def is_verbose() -> bool:
    """Whether `VERBOSE=1` asks for every line of the programs that are run."""
    return bool(_Verbosity().verbose)


@contextmanager
def doing(what: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done, on a terminal with how far it is, and at its end how long it took.

    Parameters
    ----------
    what
        Work, in a few words.

    Yields
    ------
    A function that takes the step that the work is at.
    """
    started = time.monotonic()
    with err.status("") as status:  # nothing, unless stderr is a terminal
        if is_verbose():
            status.stop()  # the lines of the program would run into it
        status.update(escape(what))
        yield lambda step: status.update(escape(f"{what}: {step}"))
    seconds = time.monotonic() - started
    if seconds >= _A_MOMENT_SECONDS:
        err.print(f"{what}: {seconds:.0f} s", markup=False, soft_wrap=True)


def print_facts(rows: list[tuple[str, str]], *, console: Console = out) -> None:
    """Print names and what they are, a line each: a URL that is cut in two cannot be clicked."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        console.print(f"{name:<{width}}  {value}", markup=False, soft_wrap=True)
