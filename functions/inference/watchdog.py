"""Breaks off compiled models that run too long, in whatever thread they run.

A thread of its own looks at the clock while somebody may run one. A run only leaves its deadline for it, which costs a
microsecond; waking another thread for each run, as `BoundedThread` does, costs tens of them.
"""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import RunOptions

LOOK_SECONDS = 0.05
"""How often it looks: a run may take as much longer than its time."""


class Watchdog:
    """Gives each run options of its own, which it sets to terminate when the time is over.

    onnxruntime then fails the run before the next node of the graph, also inside a loop. A node that runs, such as all
    trees of a forest, ends first.

    Parameters
    ----------
    name
        Name of the thread.
    """

    def __init__(self, name: str) -> None:
        from onnxruntime import RunOptions  # there only where a compiled model is

        self._options = RunOptions
        self._deadlines: dict[RunOptions, float] = {}
        self._ended = False
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)
        self._thread.start()

    def run[Result](self, task: Callable[["RunOptions"], Result], seconds: float) -> Result:
        """Run a task with fresh options, so that what comes too late for it hits no other.

        Parameters
        ----------
        seconds
            Time after which a run with these options fails.

        Raises
        ------
        TimeoutError
            It failed after that time.
        """
        options = self._options()
        self._deadlines[options] = time.perf_counter() + seconds
        try:
            return task(options)
        except Exception as error:
            if options.terminate:
                raise TimeoutError from error
            raise
        finally:
            del self._deadlines[options]

    def end(self) -> None:
        """Let the thread end, with the last run."""
        self._ended = True

    def _watch(self) -> None:
        while self._deadlines or not self._ended:
            time.sleep(LOOK_SECONDS)
            now = time.perf_counter()
            for options, deadline in list(self._deadlines.items()):
                if now > deadline:
                    options.terminate = True
