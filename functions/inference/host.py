"""Keeps the active version in memory and switches it while requests run.

Resolve the pointer, fetch, verify, load, score the golden requests, swap. Everything before the swap can fail without
harm: the model in place keeps serving, `problem` says why it is not the newest, and a metric counts it.

A refresh runs in a thread of its own and a request waits for it only so long: in a Lambda environment nothing runs
between requests, and no fault of S3 or SSM may cost a caller more than `REQUEST_WAIT_SECONDS`.
"""

import asyncio
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from inference.model import ServedModel
from skylift.errors import NoActiveVersion, SkyliftError, StorageUnavailable
from skylift.image_cache import ImageCache
from skylift.manifest import Manifest
from skylift.observability import Metric
from skylift.pointer import ActivePointer
from skylift.predictors import load_predictor
from skylift.references import Reference
from skylift.store import VersionStore

REQUEST_WAIT_SECONDS = 0.5
"""How long a request waits for a refresh while a model is in place."""

FIRST_WAIT_SECONDS = 8.0
"""How long the start, or a request, waits for the first model: Lambda ends an init phase after ten seconds."""

_RETRY_SECONDS = 1.0
_JITTER = 0.2
_MAX_BACKOFF = 16


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the active version is not in place.

    Parameters
    ----------
    what
        The failure's own words.
    since
        When it began, UTC.
    reference
        The version that could not be loaded; None where the pointer could not be read.
    """

    what: str
    since: datetime
    reference: Reference | None = None


@dataclass(frozen=True, slots=True)
class _Rejected:
    """A version that could not be loaded, and when to try it again."""

    problem: Problem
    failures: int
    retry_at: float


class ModelHost:
    """Holds the model of one serving environment.

    Parameters
    ----------
    pointer, store
        The registry.
    image
        Versions that came with the image.
    refresh_seconds
        How old the pointer may be before it is read again.
    max_instances
        How many instances a request may hold.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        pointer: ActivePointer,
        store: VersionStore,
        *,
        refresh_seconds: float,
        max_instances: int,
        image: ImageCache | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pointer = pointer
        self._store = store
        self._image = image
        self._refresh_seconds = refresh_seconds
        self._max_instances = max_instances
        self._clock = clock
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="refresh")
        self._lock = threading.Lock()
        self._flight: Future[None] | None = None
        self._due = clock()
        self._rejected: _Rejected | None = None
        self._events: deque[Metric] = deque()
        self._unforeseen: Exception | None = None
        self.model: ServedModel | None = None
        self.problem: Problem | None = None
        self.checked_at: float | None = None
        self.started = time.monotonic()

    def begin(self) -> None:
        """Read the pointer anew, and load what it names, while this thread does something else."""
        self._refreshing()

    def start(self) -> None:
        """Wait for what `begin` began, or begin it; a failure leaves the loading to the requests."""
        wait([self._refreshing()], timeout=FIRST_WAIT_SECONDS)

    async def current(self) -> ServedModel:
        """The model to answer with, refreshed where that is due.

        Raises
        ------
        NoActiveVersion
            No model is in place yet; the text says why.
        """
        if self._clock() >= self._due or (self.model is None and self._in_flight()):
            seconds = FIRST_WAIT_SECONDS if self.model is None else REQUEST_WAIT_SECONDS
            await asyncio.wait([asyncio.wrap_future(self._refreshing())], timeout=seconds)
        if self.model is None:
            reason = self.problem.what if self.problem else "it is still loading"
            raise NoActiveVersion(f"no model is ready ({reason})", "try again shortly")
        return self.model

    async def artifact(self, model: ServedModel, name: str) -> bytes:
        """A further file of a version, checked against its manifest; fetched in a thread, outside the refresh's.

        Raises
        ------
        IntegrityError, StorageUnavailable
            See `VersionStore.artifact`.
        """
        return await asyncio.to_thread(self._artifact, model.reference, model.manifest, name)

    def drain_events(self) -> list[Metric]:
        """Metrics of refreshes since the last call."""
        events = []
        while self._events:
            events.append(self._events.popleft())
        return events

    def take_unforeseen(self) -> Exception | None:
        """The last failure of a refresh that no error of Skylift's names; for the log, once."""
        error, self._unforeseen = self._unforeseen, None
        return error

    @property
    def pointer_age(self) -> float | None:
        """Seconds since the pointer was last read; None before the first time."""
        return None if self.checked_at is None else self._clock() - self.checked_at

    def _in_flight(self) -> bool:
        return self._flight is not None and not self._flight.done()

    def _refreshing(self) -> Future[None]:
        """The refresh under way, or a new one."""
        with self._lock:
            if self._flight is None or self._flight.done():
                self._due = self._clock() + self._interval()
                self._flight = self._threads.submit(self._refresh)
            return self._flight

    def _interval(self) -> float:
        """Seconds to the next refresh: jittered downwards, so that a switch never takes longer than promised."""
        seconds = self._refresh_seconds if self.model else min(self._refresh_seconds, _RETRY_SECONDS)
        return seconds * random.uniform(1 - _JITTER, 1)  # noqa: S311 (spreads load, guards nothing)

    def _refresh(self) -> None:
        """Runs in the thread: bring the active version into place, or know why not."""
        try:
            self.problem = self._refreshed()
        except Exception as error:  # noqa: BLE001 (the thread is the border that keeps it from the requests)
            self._unforeseen = error
            self._events.append(Metric("RefreshFailures"))
            self.problem = self._failure(f"the refresh failed unexpectedly ({type(error).__name__})")

    def _refreshed(self) -> Problem | None:
        try:
            reference = self._pointer.read()
        except SkyliftError as error:
            self._events.append(Metric("RefreshFailures"))
            return self._without_registry(error)
        self.checked_at = self._clock()
        if reference is None:
            return self._failure("the pointer names no version: promote one")
        if self.model is not None and reference == self.model.reference:
            self._rejected = None
            return None
        if self._rejected and self._rejected.problem.reference == reference and self._clock() < self._rejected.retry_at:
            return self._rejected.problem
        return self._switch_to(reference)

    def _switch_to(self, reference: Reference) -> Problem | None:
        started = self._clock()
        try:
            model = self._load(reference)
        except StorageUnavailable as error:
            self._reject(reference, error.what)
            return self._without_registry(error, reference)
        except SkyliftError as error:
            return self._reject(reference, error.what)
        self._rejected = None
        self._swap(model, started)
        return None

    def _swap(self, model: ServedModel, started: float) -> None:
        self.model = model
        self._due = started + self._interval()  # before, it was that of a service without a model
        self._events.extend([Metric("ModelLoads"), Metric("ModelLoadSeconds", self._clock() - started)])

    def _without_registry(self, error: SkyliftError, wanted: Reference | None = None) -> Problem:
        """Serve the baked version where there is no other; degraded, because it may not be the active one."""
        problem = self._failure(error.what, wanted)
        baked = self._image.newest() if self._image else None
        if self.model is None and baked is not None and isinstance(error, StorageUnavailable):
            started = self._clock()
            try:
                self._swap(self._load(baked), started)
            except SkyliftError as failure:
                self._events.append(Metric("ModelLoadFailures"))
                return self._failure(f"{error.what}; {failure.what}", wanted)
        return problem

    def _load(self, reference: Reference) -> ServedModel:
        with self._opened(reference) as (manifest, read):
            predictor = load_predictor(manifest, read)
        return ServedModel.of(
            reference, manifest, predictor, max_instances=self._max_instances, loaded_at=datetime.now(UTC)
        )

    def _artifact(self, reference: Reference, manifest: Manifest, name: str) -> bytes:
        if self._image is not None and reference in self._image:
            return self._image.artifact(reference, manifest, name)
        return self._store.artifact(manifest, name)

    def _opened(self, reference: Reference) -> AbstractContextManager[tuple[Manifest, Callable[[str], bytes]]]:
        if self._image is not None and reference in self._image:
            return self._image.opened(reference)
        return self._store.opened(reference)

    def _reject(self, reference: Reference, what: str) -> Problem:
        """Try a bad version again at growing intervals: each try fetches all of it."""
        self._events.append(Metric("ModelLoadFailures"))
        problem = self._failure(what, reference)
        again = self._rejected is not None and self._rejected.problem.reference == problem.reference
        failures = self._rejected.failures + 1 if self._rejected and again else 1
        pause = self._refresh_seconds * min(2 ** (failures - 1), _MAX_BACKOFF)
        self._rejected = _Rejected(problem, failures, self._clock() + pause * (1 - _JITTER))
        return problem

    def _failure(self, what: str, reference: Reference | None = None) -> Problem:
        """A problem; the one already known where it is the same."""
        known = self.problem
        if known is not None and (known.what, known.reference) == (what, reference):
            return known
        return Problem(what, datetime.now(UTC), reference)
