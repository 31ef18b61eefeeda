"""Keeps the challenger in memory beside the champion: loads it, puts it on trial, and lets go of it.

It is loaded in a thread of its own, which may hang: the refresh waits for it a little each time, so that it comes
along in an environment that is frozen between requests, and gives up in the end. Nothing here touches the champion.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from inference.bounded_predictor import BoundedPredictor, inline_rows
from inference.bounded_thread import BoundedThread, TaskFailed
from inference.degradation import CHALLENGER_DROPPED, CHALLENGER_SLOW, Degradation
from inference.loading import Record, VersionLoader
from inference.memory import check_room
from inference.model import ServedModel
from inference.retries import Retries
from inference.trial import Trial
from skylift.challenger import Challenger
from skylift.errors import SkyliftError, UnservableModel
from skylift.manifest import Manifest
from skylift.observability import MetricPoint, logger
from skylift.references import Reference
from skylift.served import Served

LOAD_WAIT_SECONDS = 0.5
"""How long one refresh waits for a challenger that is being loaded, as long as a request waits for that."""

LOAD_SECONDS = 8.0
"""How long all of them wait together, before it is taken for one that hangs."""


MAX_DROPS = 5
"""So often an environment tries a challenger that fails: a judge who sees this one alone then has enough errors."""


@dataclass(slots=True)
class _Dropped:
    """A challenger that failed too often.

    Parameters
    ----------
    challenger
        What the parameter said.
    times
        How often it was dropped.
    rests
        Whether it is left alone now.
    """

    challenger: Challenger
    times: int
    rests: bool = True


class _Loaded(NamedTuple):
    """A challenger that is loaded, and what scores by it."""

    model: ServedModel
    predictor: BoundedPredictor


@dataclass(slots=True)
class _Loading:
    """A challenger that is loaded, or will be.

    Parameters
    ----------
    reference
        Version and digest.
    thread
        Thread in which it is loaded, and may score.
    loaded
        The version; None until it is loaded.
    waited
        Seconds that refreshes have waited for it.
    """

    reference: Reference
    thread: BoundedThread
    loaded: _Loaded | None = None
    waited: float = 0.0

    def end(self) -> None:
        """Let its threads end."""
        self.thread.end()
        if self.loaded:
            self.loaded.predictor.end()


class Challengers:
    """Holds the challenger of one environment. Its functions are for the thread of the refresh.

    Parameters
    ----------
    loader
        Loader of versions.
    refresh_seconds
        Pause after a first failure in seconds.
    clock
        Function that returns monotonic seconds.
    memory
        Memory of this environment in bytes; None where it is not known.
    record
        Function that takes metrics.

    Attributes
    ----------
    trial
        The challenger where it is on trial; None where requests have nothing to do with one.
    wanted
        What the parameter asks for; None where it asks for nothing, or cannot be read.
    problem
        Why that is not on trial; None while nothing is wrong.
    """

    def __init__(
        self,
        loader: VersionLoader,
        *,
        refresh_seconds: float,
        clock: Callable[[], float],
        memory: int | None,
        record: Record,
    ) -> None:
        self._loader = loader
        self._retries = Retries(refresh_seconds, clock)
        self._memory = memory
        self._record = record
        self._loading: _Loading | None = None
        self._dropped: _Dropped | None = None
        self._rest = Retries(refresh_seconds, clock)
        self.trial: Trial | None = None
        self.wanted: Challenger | None = None
        self.problem: Degradation | None = None

    def follow(self, served: Served, champion: ServedModel) -> None:
        """Put on trial what the parameters ask for, beside the version that the pointer names."""
        self.wanted = wanted = served.challenger
        if wanted is None or wanted.reference == champion.reference:
            self.release()
            self.problem = self._refused(served.fault) if served.fault else None
            return
        if self._rests(wanted):
            self._let_go()
            return
        if self._loading is None or self._loading.reference != wanted.reference:
            self._let_go()
            self.problem = self._retries.reason_to_wait(wanted.reference)
            if self.problem is None:
                self._begin(wanted.reference, champion)
        if self._loading is None or (loaded := self._finish(self._loading, wanted)) is None:
            return
        if self.trial is None or (self.trial.challenger, self.trial.champion) != (wanted, champion):
            self.trial = Trial(
                wanted,
                loaded.model,
                champion,
                predictor=loaded.predictor,
                drop=lambda: self._drop(wanted, CHALLENGER_DROPPED, "it failed too often"),
            )

    def pause(self) -> None:
        """Leave requests to the champion until the parameters are read again."""
        self.trial = None

    def take(self, reference: Reference) -> ServedModel | None:
        """Give the challenger away where it is the version that becomes the champion; let go of any other.

        Its memory is what another version may need to be loaded.
        """
        loading = self._loading
        self.release()
        return loading.loaded.model if loading and loading.loaded and loading.reference == reference else None

    def release(self) -> None:
        """Let go of the challenger."""
        self._dropped = None
        self._rest.forget()
        self._let_go()

    def _rests(self, wanted: Challenger) -> bool:
        """Whether a challenger that was dropped is left alone: for a while, in the end until its parameter changes."""
        dropped = self._dropped
        if dropped is None or dropped.challenger != wanted:
            self._dropped = None
            return False
        if dropped.rests and dropped.times < MAX_DROPS and not self._rest.reason_to_wait(wanted.reference):
            dropped.rests = False
            self._let_go()
        return dropped.rests

    def _let_go(self) -> None:
        self.trial = None
        loading, self._loading = self._loading, None
        if loading:
            loading.end()

    def _begin(self, reference: Reference, champion: ServedModel) -> None:
        def check(manifest: Manifest) -> None:
            if manifest.contract.task != champion.manifest.contract.task:
                raise UnservableModel(
                    f"{manifest.name} is a {manifest.contract.task}, and {champion.reference.name} is not",
                    "challenge with a version of the same task",
                )
            check_room(manifest, self._memory)

        def load() -> tuple[ServedModel, int]:
            model = self._loader.load(reference, check=check)
            return model, inline_rows(model)

        self._loading = _Loading(reference, BoundedThread(f"challenger-{reference.name}"))
        self._loading.thread.start(load)

    def _finish(self, loading: _Loading, wanted: Challenger) -> _Loaded | None:
        """The loaded version; None where it is still being loaded, or cannot be."""
        if loading.loaded is not None:
            return loading.loaded
        try:
            model, rows = loading.thread.outcome(LOAD_WAIT_SECONDS)
            loading.loaded = _Loaded(model, BoundedPredictor(model, loading.thread, rows))
        except TimeoutError:
            loading.waited += LOAD_WAIT_SECONDS
            if loading.waited >= LOAD_SECONDS:
                self._record(MetricPoint("ChallengerLoadFailures"))
                self._drop(wanted, CHALLENGER_SLOW, f"loading it took more than {LOAD_SECONDS:g} s")
                self._dropped = _Dropped(wanted, MAX_DROPS)
        except TaskFailed as failure:
            self.release()
            self.problem = self._refused(failure.__cause__, wanted.reference)
            self._retries.failed(self.problem)
        else:
            self.problem = None
            self._retries.forget()
        return loading.loaded

    def _drop(self, challenger: Challenger, code: str, message: str) -> None:
        """Leave a challenger alone; called by requests too, so the next refresh lets go."""
        before = self._dropped.times if self._dropped else 0
        self._dropped = _Dropped(challenger, before + 1)
        self.trial = None
        self.problem = Degradation(code, message, datetime.now(UTC), challenger.reference)
        self._rest.failed(self.problem)
        self._record(MetricPoint("ChallengerDropped"))
        logger.warning("the challenger is dropped", extra={"version": challenger.reference.name, "problem": code})

    def _refused(self, error: BaseException | None, reference: Reference | None = None) -> Degradation:
        """Count and tell why there is no trial; what nobody expected, by its type alone and with its trace."""
        expected = isinstance(error, SkyliftError)
        code = error.code if isinstance(error, SkyliftError) else SkyliftError.code
        message = error.message if isinstance(error, SkyliftError) else f"loading failed ({type(error).__name__})"
        self._record(MetricPoint("ChallengerLoadFailures"))
        known = self.problem
        if known and (known.code, known.message, known.reference) == (code, message, reference):
            return known
        logger.warning(
            "the challenger is not on trial",
            extra={"version": reference.name if reference else None, "problem": message},
            exc_info=None if expected else error,
        )
        return Degradation(code, message, datetime.now(UTC), reference)
