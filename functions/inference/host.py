"""Keeps the active version in memory and switches it while requests run.

Resolve the pointer, fetch, verify, load, score the golden requests, swap. Everything before the swap can fail without
harm: the current model keeps serving, `problem` says why it may not be the newest, and a metric counts it.

A refresh runs in a thread of its own and a request waits for it only so long: in a Lambda environment nothing runs
between requests, and no fault of S3 or SSM may cost callers more than `REQUEST_WAIT_SECONDS` in each refresh interval.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime

from inference.challengers import Challengers
from inference.degradation import POINTER_STALE, POINTER_UNREAD, Degradation, Step
from inference.loading import VersionLoader
from inference.model import ServedModel
from inference.refresh_policy import RefreshPolicy
from inference.retries import Retries
from inference.trial import Trial
from skylift.errors import AwsThrottled, AwsUnavailable, InvalidReference, ModelNotReady, NoActiveVersion, SkyliftError
from skylift.image_cache import ImageCache
from skylift.observability import MetricPoint
from skylift.references import Reference
from skylift.served import ServedParameters
from skylift.store import VersionStore

REQUEST_WAIT_SECONDS = 0.5
"""How long a request waits for a refresh while a model is loaded."""

_TICK_SECONDS = 0.01

FIRST_WAIT_SECONDS = 8.0
"""How long the start, or a request, waits for the first model: Lambda ends an init phase after ten seconds."""


class ModelHost:
    """Holds the model of one serving environment.

    Parameters
    ----------
    parameters, store
        Parameters and versions of the model.
    image
        Versions baked into the container image; None if it has none.
    refresh_seconds
        Age in seconds at which the pointer is read again.
    max_instances
        Largest number of instances in a request.
    allow_joblib
        Whether a version without a compiled form may be loaded; see `skylift.verification.check_form`.
    max_pointer_age
        Age in seconds from which the pointer is too old; see `RefreshPolicy`.
    memory
        Memory of this environment in bytes, for a challenger to fit in; None where it is not known.
    clock
        Function that returns monotonic seconds.
    """

    def __init__(  # noqa: PLR0913 (most are settings of the service, and have names)
        self,
        parameters: ServedParameters,
        store: VersionStore,
        *,
        refresh_seconds: float,
        max_instances: int,
        allow_joblib: bool = False,
        image: ImageCache | None = None,
        max_pointer_age: float | None = None,
        memory: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._events: deque[MetricPoint] = deque()
        self._parameters = parameters
        self._loader = VersionLoader(
            store, image, max_instances=max_instances, allow_joblib=allow_joblib, record=self._events.append
        )
        self._retries = Retries(refresh_seconds, clock)
        self.challengers = Challengers(
            self._loader, refresh_seconds=refresh_seconds, clock=clock, memory=memory, record=self._events.append
        )
        self._policy = RefreshPolicy(refresh_seconds, max_pointer_age)
        self._clock = clock
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="refresh")
        self._lock = threading.Lock()
        self._flight: Future[None] | None = None
        self._due = clock()
        self._unexpected_error: BaseException | None = None
        self._reading = Step(clock(), datetime.now(UTC))
        self._switch: Step | None = None
        self.model: ServedModel | None = None
        self.degradation: Degradation | None = None
        self._has_timer = False
        self.checked_at: float | None = None
        self.started = time.monotonic()

    def start_loading(self) -> None:
        """Start to read the pointer and load the version that it names, in a thread."""
        self._current_flight()

    def wait_until_loaded(self, *, to_the_end: bool = False) -> None:
        """Wait for the loading, started if it is not; after a failure the requests try again.

        Parameters
        ----------
        to_the_end
            Whether to wait however long it takes: what goes on in a snapshot ends after its restore.
        """
        wait([self._current_flight()], timeout=None if to_the_end else FIRST_WAIT_SECONDS)
        if self.model is None and self._in_flight():
            self._due = self._clock()  # the first request waits again, the ones after it in their intervals

    def begin_again(self) -> None:
        """Take the pointer for unread: a restored snapshot has the model of its time, and that may be long ago.

        What failed then says nothing about now, and the clock of then nothing about how long ago it was.
        """
        now = datetime.now(UTC)
        self.started = time.monotonic()
        self.checked_at = None
        self._retries.forget()
        self.challengers.pause()
        self._reading = Step(self._clock(), now)
        self._policy.start()
        self.degradation = Degradation("pointer-unread", "the pointer was not read since the restore", now)

    def refresh_by_timer(self) -> None:
        """Refresh in a thread whenever that is due, so that no request waits for it; without one for an age of 0."""
        if self._policy.interval > 0:
            self._has_timer = True
            threading.Thread(target=self._keep_fresh, name="refresh", daemon=True).start()

    def _keep_fresh(self) -> None:
        while True:
            self._refresh_when_due()

    def _refresh_when_due(self) -> None:
        time.sleep(max(self._due - self._clock(), _TICK_SECONDS))
        wait([self._current_flight()], timeout=self._policy.interval)
        if self._late():
            self._events.append(MetricPoint("RefreshFailures"))

    async def current(self) -> ServedModel:
        """The model to answer with, refreshed where that is due.

        Raises
        ------
        ModelNotReady
            No model is loaded yet; the message has the code of why, since callers see it.
        """
        if self._clock() >= self._due and not (self._has_timer and self.model):
            seconds = FIRST_WAIT_SECONDS if self.model is None else REQUEST_WAIT_SECONDS
            await asyncio.wait([asyncio.wrap_future(self._current_flight())], timeout=seconds)
            if self._late():
                self._events.append(MetricPoint("RefreshFailures"))
        if self.model is None:
            reason = self.problem.code if self.problem else "it is still loading"
            raise ModelNotReady(f"no model is ready ({reason})", "try again shortly")
        return self.model

    async def artifact(self, model: ServedModel, name: str) -> bytes:
        """Fetch another file of a version, checked against its manifest, in a thread other than that of the refresh.

        Raises
        ------
        IntegrityError, AwsUnavailable
            See `VersionStore.artifact`.
        """
        return await asyncio.to_thread(self._loader.artifact, model.reference, model.manifest, name)

    @property
    def trial(self) -> Trial | None:
        """The challenger on trial beside the model."""
        return self.challengers.trial

    def drain_events(self) -> list[MetricPoint]:
        """Metrics of refreshes since the last call."""
        events = []
        while self._events:
            events.append(self._events.popleft())
        return events

    def take_unexpected_error(self) -> BaseException | None:
        """The last unexpected error of a refresh; returned once, for the log."""
        error, self._unexpected_error = self._unexpected_error, None
        return error

    @property
    def problem(self) -> Degradation | None:
        """What is wrong now: why the last refresh failed, or that the one under way takes too long."""
        return self.degradation or self._late()

    @property
    def pointer_age(self) -> float | None:
        """Seconds since the pointer was last read; None before the first time."""
        return None if self.checked_at is None else self._clock() - self.checked_at

    def _in_flight(self) -> bool:
        return self._flight is not None and not self._flight.done()

    def _late(self) -> Degradation | None:
        """What the refresh under way has been doing for too long; between refreshes, nothing is late."""
        if not self._in_flight():
            return None
        return (self._switch or self._reading).lateness(self._clock(), self._policy.interval)

    def _current_flight(self) -> Future[None]:
        """The refresh that is running, or a new one; whoever waits for it is the only one in this interval."""
        with self._lock:
            now = self._clock()
            self._due = now + self._policy.until_next()
            if self._flight is None or self._flight.done():
                self._flight = self._threads.submit(self._run_refresh, now)
            return self._flight

    def _run_refresh(self, started: float) -> None:
        """Run in the thread: load the active version, or record why that failed; then say when the next is due."""
        self._refresh()
        due = started + self._policy.until_next_after_end()
        if due > self._clock():  # after a slower refresh, the next is due when requests waited for this one long ago
            with self._lock:
                self._due = due

    def _refresh(self) -> None:
        try:
            self._read_and_follow()
        except BaseException as error:  # noqa: BLE001 (the thread is the border that keeps it from the requests)
            self.degradation = self._without_pointer(self._unexpected("the refresh", error))

    def _read_and_follow(self) -> None:
        try:
            served = self._parameters.read()
        except SkyliftError as error:
            self.degradation = self._without_pointer(error)
            return
        if self.model is None:
            self._policy.start()
        else:
            self._policy.answered()
        self.checked_at = self._clock()
        self._reading = Step(self.checked_at, datetime.now(UTC))
        self.degradation = self._follow(served.active)
        if self.model is not None and self.model.reference == served.active:
            self.challengers.follow(served, self.model)
        else:  # what is on trial is compared with another version
            self.challengers.pause()

    def _follow(self, reference: Reference | None) -> Degradation | None:
        """Have the version in place that the pointer names."""
        if reference is None:
            return self._degraded_by(NoActiveVersion("the pointer names no version: promote one"))
        if self.model is not None and reference == self.model.reference:
            self._retries.forget()
            return None
        return self._retries.reason_to_wait(reference) or self._switch_to(reference)

    def _switch_to(self, reference: Reference) -> Degradation | None:
        started = self._clock()
        self._switch = Step(started, datetime.now(UTC), reference)
        try:
            model = self.challengers.take(reference) or self._loader.load(reference)
        except AwsUnavailable as error:
            self._reject(reference, error)
            return self._without_registry(error, reference)
        except SkyliftError as error:
            return self._reject(reference, error)
        except BaseException as error:  # noqa: BLE001 (a pickle may end the interpreter, compiled code may panic)
            return self._reject(reference, self._unexpected(f"loading {reference.name}", error))
        finally:
            self._switch = None
        self._retries.forget()
        self._swap(model, started)
        self._policy.answered()
        return None

    def _swap(self, model: ServedModel, started: float) -> None:
        self.model = model
        self._events.extend([MetricPoint("ModelLoads"), MetricPoint("ModelLoadSeconds", self._clock() - started)])

    def _without_pointer(self, error: SkyliftError) -> Degradation | None:
        """What a failed reading means: being throttled is nothing while the last reading is not too old."""
        serving = self.model is not None
        throttled = isinstance(error, AwsThrottled)
        if throttled:
            self._policy.throttled()
        elif serving:
            self._policy.failed()
        if not (throttled and serving):
            self._events.append(MetricPoint("RefreshFailures"))
        if not self._policy.too_old(self.pointer_age):
            return self.degradation if throttled and serving else self._without_registry(error)
        self.challengers.pause()
        if serving:
            self._events.append(MetricPoint("PointerStale"))
        if isinstance(error, InvalidReference):  # which is read, and says more
            return self._degraded_by(error)
        return self._without_registry(error, code=POINTER_UNREAD if self.checked_at is None else POINTER_STALE)

    def _without_registry(
        self, error: SkyliftError, wanted: Reference | None = None, *, code: str | None = None
    ) -> Degradation:
        """Serve the baked version if no other is loaded; degraded, because it may not be the active one."""
        degradation = self._degraded_by(error, wanted, code=code)
        baked = self._loader.baked
        if self.model is None and baked is not None and isinstance(error, AwsUnavailable):
            started = self._clock()
            try:
                self._swap(self._loader.load(baked), started)
            except SkyliftError as failure:
                self._events.append(MetricPoint("ModelLoadFailures"))
                return self._degraded_by(AwsUnavailable(f"{error.message}; {failure.message}"), wanted)
        return degradation

    def _reject(self, reference: Reference, error: SkyliftError) -> Degradation:
        """Try a bad version again at growing intervals: each try fetches all of it."""
        self._events.append(MetricPoint("ModelLoadFailures"))
        degradation = self._degraded_by(error, reference)
        self._retries.failed(degradation)
        return degradation

    def _unexpected(self, what: str, error: BaseException) -> SkyliftError:
        """A failure that nobody expected, by its type alone; the log gets all of it with the next request."""
        self._unexpected_error = error
        return SkyliftError(f"{what} failed unexpectedly ({type(error).__name__})")

    def _degraded_by(
        self, error: SkyliftError, reference: Reference | None = None, *, code: str | None = None
    ) -> Degradation:
        """The degradation that an error causes: the known one, with its time, while the error stays the same."""
        known, code = self.degradation, code or error.code
        if known and (known.code, known.message, known.reference) == (code, error.message, reference):
            return known
        return Degradation(code, error.message, datetime.now(UTC), reference)
