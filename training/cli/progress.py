"""Shows how far training is: a live line on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from training.cli.console import err

if TYPE_CHECKING:
    from training.search.meter import State

_LINE_SECONDS = 5.0


@contextmanager
def progressing(first: str = "starting") -> Iterator[Callable[[str], None]]:
    """Report the steps of a command on stderr: on one changing line of a terminal, otherwise on a line each.

    Yields
    ------
    Callable
        Function that takes the next step in words.
    """
    with err.status(first) as status:

        def progress(phrase: str) -> None:
            status.update(phrase)
            if not err.is_terminal:
                err.print(phrase, markup=False)

        yield progress


class Display:
    """Shows steps and, while candidates are searched for, fits, the best so far and the time left.

    Parameters
    ----------
    console
        Console to write to.
    first
        Text to show until the first step.

    Attributes
    ----------
    can_stop
        Whether stopping now would keep something that was evaluated.
    """

    def __init__(self, console: Console, first: str) -> None:
        self.can_stop = False
        self._console = console
        self._shown_at = time.monotonic()
        self._live = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[about]}", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID = self._live.add_task(first, total=None, about="")

    def step(self, phrase: str) -> None:
        """Something begins."""
        self.can_stop = False
        self._shown_at = time.monotonic()
        if self._console.is_terminal:
            self._live.reset(self._task, description=phrase, total=None, about="")
        else:
            self._console.print(phrase, markup=False, soft_wrap=True)

    def watch(self, state: "State") -> None:
        """A fit has ended."""
        self.can_stop = state.keeps
        if self._console.is_terminal:
            description = f"candidate {state.number} of {state.candidates}: {state.candidate}, {state.step}"
            self._live.update(
                self._task, description=description, completed=state.done, total=state.planned, about=about(state)
            )
        elif time.monotonic() - self._shown_at >= _LINE_SECONDS:
            self._shown_at = time.monotonic()
            self._console.print(f"{state.candidate}: {state.step}, {about(state)}", markup=False, soft_wrap=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


def about(state: "State") -> str:
    """The rest of a search in words.

    Examples
    --------
    `fit 30 of 200, best accuracy 0.9750 (forest), 40 s left`
    """
    parts = [f"fit {state.done} of {state.planned}"]
    if state.best:
        parts.append(f"best {state.best}")
    if state.done < state.planned:
        parts.append(f"{duration(state.seconds_left)} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Seconds as people say them.

    Examples
    --------
    >>> duration(4.2), duration(200), duration(9000)
    ('4 s', '3 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
