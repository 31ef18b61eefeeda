"""A challenger's scores within bounded time, whatever it does.

A compiled one that answers soon scores in the thread of the request; any other one in a thread that may hang.
"""

import time
from functools import partial
from typing import Literal

from inference.bounded_thread import BoundedThread, Busy, TaskFailed
from inference.model import ServedModel
from inference.watchdog import Watchdog
from skylift.predictors import OnnxPredictor
from skylift.scoring import Matrix

CANARY_SECONDS = 1.0
"""How long a caller waits for a challenger that is to answer."""

SHADOW_SECONDS = 0.25
"""How long a caller, whose answer is ready, waits for one that only scores."""

INLINE_SECONDS = 0.01
"""What may score in the thread of a request takes at most so long; by another thread it takes a hundredth more."""

_TRIES = 3

type Failure = Literal["raised", "slow", "shape", "busy"]


class ChallengerFailed(Exception):
    """The challenger has no scores for a request.

    Parameters
    ----------
    why
        Reason, in the word of the request's line.
    """

    def __init__(self, why: Failure) -> None:
        super().__init__(why)
        self.why: Failure = why


def inline_rows(model: ServedModel) -> int:
    """Number of rows that a version scores in `INLINE_SECONDS`, by its golden requests; 0 for one that is not compiled.

    Time grows at most in proportion to the rows, and what of it is the same for any number of them counts for each.
    """
    if not isinstance(model.predictor, OnnxPredictor):
        return 0
    rows = model.encoder.encode(model.manifest.golden.instances)

    def seconds() -> float:
        started = time.perf_counter()
        model.predictor.scores(rows)
        return time.perf_counter() - started

    return len(rows) * int(INLINE_SECONDS / min(seconds() for _ in range(_TRIES)))


class BoundedPredictor:
    """Scores rows, waits only so long for them, and refuses what has not the shape of an answer.

    Parameters
    ----------
    model
        The version, whose predictor may do anything.
    thread
        Thread for what does not score in that of the request.
    rows
        Largest number of rows that do; see `inline_rows`.
    """

    def __init__(self, model: ServedModel, thread: BoundedThread, rows: int) -> None:
        self._predictor = model.predictor
        self._classes = len(model.manifest.contract.target.classes)
        self._thread = thread
        self._inline_rows = rows
        compiled = isinstance(model.predictor, OnnxPredictor)
        self._watchdog = Watchdog(f"watchdog-{model.reference.name}") if compiled else None

    @property
    def is_inline(self) -> bool:
        """Whether a row or a few are scored in the thread of the request."""
        return self._inline_rows > 0

    def scores(self, rows: Matrix) -> Matrix:
        """Score encoded rows; see `timed`."""
        return self.timed(rows, CANARY_SECONDS)[0]

    def timed(self, rows: Matrix, limit: float) -> tuple[Matrix, float]:
        """Scores, and the seconds that they took.

        Parameters
        ----------
        limit
            Longest time in seconds.

        Raises
        ------
        ChallengerFailed
            Any other error is one of the predictor's own.
        """
        try:
            if len(rows) <= self._inline_rows:
                scores, seconds = self._timed(rows, limit)
            else:
                scores, seconds = self._thread.call(lambda: self._timed(rows, limit), limit)
        except TimeoutError:
            self._inline_rows = 0  # it is not what its golden requests promised
            raise ChallengerFailed("slow") from None
        except Busy:
            raise ChallengerFailed("busy") from None
        except TaskFailed as failure:
            late = isinstance(failure.__cause__, TimeoutError)
            raise ChallengerFailed("slow" if late else "raised") from failure.__cause__
        if getattr(scores, "shape", None) != ((len(rows), self._classes) if self._classes else (len(rows),)):
            raise ChallengerFailed("shape")
        return scores, seconds

    def end(self) -> None:
        """Look at its runs no more."""
        if self._watchdog:
            self._watchdog.end()

    def _timed(self, rows: Matrix, limit: float) -> tuple[Matrix, float]:
        """The same in this thread, where nothing breaks off a predictor that is not compiled, or a single node.

        Raises
        ------
        TimeoutError
        """
        started = time.perf_counter()
        if self._watchdog:
            scores = self._watchdog.run(partial(self._predictor.scores, rows), limit)
        else:
            scores = self._predictor.scores(rows)
        seconds = time.perf_counter() - started
        if seconds > limit:
            raise TimeoutError
        return scores, seconds
