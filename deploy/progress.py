"""What a person sees of work that takes longer than a moment."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.console import Console
from rich.markup import escape

from training.cli.console import err, out

_A_MOMENT_SECONDS = 1.0
_A_WHILE_SECONDS = 60.0


class _Verbosity(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore")

    verbose: str = ""


def is_verbose() -> bool:
    """Whether `VERBOSE=1` asks for every line of the programs that are run."""
    return bool(_Verbosity().verbose)


@contextmanager
def doing(what: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done and how far it is, without a terminal once a minute, and at its end how long it took.

    Parameters
    ----------
    what
        Work, in a few words.

    Yields
    ------
    A function that takes the step that the work is at.
    """
    started = printed = time.monotonic()
    with err.status("") as status:  # nothing, unless stderr is a terminal
        if is_verbose():
            status.stop()  # the lines of the program would run into it
        status.update(escape(what))

        def say(step: str) -> None:
            nonlocal printed
            status.update(escape(f"{what}: {step}"))
            if not err.is_terminal and time.monotonic() - printed >= _A_WHILE_SECONDS:
                printed = time.monotonic()
                err.print(f"{what}: {step}", markup=False, soft_wrap=True)

        yield say
    seconds = time.monotonic() - started
    if seconds >= _A_MOMENT_SECONDS:
        err.print(f"{what}: {seconds:.0f} s", markup=False, soft_wrap=True)


def print_facts(rows: list[tuple[str, str]], *, console: Console = out) -> None:
    """Print names and what they are, a line each: a URL that is cut in two cannot be clicked."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        console.print(f"{name:<{width}}  {value}", markup=False, soft_wrap=True)
