"""Fakes of what the service works with: a clock, registries in memory, models of constant scores, stdout."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from inference.host import ModelHost
from inference.model import ServedModel
from skylift.bucket import Bucket, Entry
from skylift.contract import Contract
from skylift.errors import IntegrityError, InvalidChallenger, VersionNotFound
from skylift.image_cache import ImageCache
from skylift.manifest import Golden, Manifest, Prediction, reference_to
from skylift.pointer import ActivePointer
from skylift.references import Reference, sha256
from skylift.scoring import Matrix
from skylift.served import Served, ServedParameters
from skylift.store import VersionStore
from skylift.verification import Version
from tests.support.contracts import row_encoder
from tests.support.models import iris_package
from tests.support.waiting import TIMES_OUT
from training.release.packaging import Package

if TYPE_CHECKING:
    from skylift.challenger import Challenger


class Clock:
    """Monotonic seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class MemoryPointer(ActivePointer):
    """A pointer in memory.

    Attributes
    ----------
    holds
        What it names; an error to raise it.
    gate
        A read waits for it; open at first.
    reads
        How many there were.
    """

    def __init__(self, holds: Reference | BaseException | None = None) -> None:
        self.name = "memory"
        self.holds = holds
        self.gate = threading.Event()
        self.gate.set()
        self.reads = 0

    def read(self) -> Reference | None:
        self.reads += 1
        assert self.gate.wait(TIMES_OUT), "nobody opened the gate"
        if isinstance(self.holds, BaseException):
            raise self.holds
        return self.holds


class MemoryParameters(ServedParameters):
    """Pointer and challenger in memory.

    Attributes
    ----------
    holds
        What the pointer names; an error to raise it.
    challenger
        The version on trial; an error to have it read as broken.
    gate
        A read waits for it; open at first.
    reads
        How many there were.
    """

    def __init__(self) -> None:
        self.holds: Reference | BaseException | None = None
        self.challenger: Challenger | InvalidChallenger | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.reads = 0

    def read(self) -> Served:
        self.reads += 1
        assert self.gate.wait(TIMES_OUT), "nobody opened the gate"
        if isinstance(self.holds, BaseException):
            raise self.holds
        if isinstance(self.challenger, InvalidChallenger):
            return Served(self.holds, fault=self.challenger)
        return Served(self.holds, self.challenger)


class MemoryStore(VersionStore):
    """Versions in memory.

    Attributes
    ----------
    failure
        Error that every read raises, if any.
    fetches
        References of the manifests read, in order.
    files
        Names of the other files read, in order.
    asked
        Set by a read that waits.
    gate
        A read waits for it; open at first.
    """

    def __init__(self) -> None:
        self._versions: dict[Reference, tuple[Manifest, Mapping[str, bytes]]] = {}
        self.failure: BaseException | None = None
        self.fetches: list[str] = []
        self.files: list[str] = []
        self.asked = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def add(self, package: Package) -> Reference:
        """Store a package under the next number."""
        manifest = package.describe(len(self._versions) + 1)
        reference = reference_to(manifest.version, manifest.to_bytes())
        self._versions[reference] = (manifest, dict(package.artifacts))
        return reference

    def resolve(self, reference: Reference) -> Version:
        self.fetches.append(reference.name)
        if not self.gate.is_set():
            self.asked.set()
        assert self.gate.wait(TIMES_OUT), "nobody opened the gate"
        if self.failure:
            raise self.failure
        if reference not in self._versions:
            raise VersionNotFound(f"iris has no version {reference.name}")
        manifest = self._versions[reference][0]
        return Version(reference, manifest, manifest.to_bytes())

    @contextmanager
    def open_version(self, reference: Reference) -> Iterator[tuple[Manifest, Callable[[str], bytes]]]:
        manifest = self.resolve(reference).manifest
        yield manifest, partial(self.artifact, manifest)

    def artifact(self, manifest: Manifest, name: str) -> bytes:
        self.files.append(name)
        for stored, artifacts in self._versions.values():
            if stored == manifest:
                return artifacts[name]
        raise IntegrityError(f"{manifest.name} has no {name}")


@dataclass
class HostHarness:
    """A host over registries in memory, on a clock that stands still."""

    pointer: MemoryParameters = field(default_factory=MemoryParameters)
    store: MemoryStore = field(default_factory=MemoryStore)
    clock: Clock = field(default_factory=Clock)
    refresh_seconds: float = 15
    image: ImageCache | None = None
    allow_joblib: bool = True

    def __post_init__(self) -> None:
        self.host = ModelHost(
            self.pointer,
            self.store,
            refresh_seconds=self.refresh_seconds,
            max_instances=1000,
            allow_joblib=self.allow_joblib,
            image=self.image,
            clock=self.clock,
        )

    def activate(self, package: Package) -> Reference:
        """Store a package and let the pointer name it."""
        reference = self.store.add(package)
        self.pointer.holds = reference
        return reference

    def ask(self) -> ServedModel:
        """What a request would be answered with."""
        return asyncio.run(self.host.current())

    def pass_refresh(self) -> ServedModel:
        """Let the refresh time pass, and ask."""
        self.clock.advance(self.refresh_seconds)
        return self.ask()

    def finish_refresh(self) -> None:
        """Wait for the refresh under way, as no request does."""
        assert self.host._flight is not None
        self.host._flight.result(TIMES_OUT)

    def count(self, metric: str) -> float:
        """Sum of a metric since the last call."""
        return sum(event.value for event in self.host.drain_events() if event.name == metric)


class MemoryBucket(Bucket):
    """Objects in memory.

    Attributes
    ----------
    objects
        Contents by key.
    modified
        Time of the next write.
    failures
        Errors by the beginning of the keys whose reading, listing or writing raises them.
    written
        Keys that were written, in order.
    """

    def __init__(self, objects: Mapping[str, bytes] | None = None) -> None:
        self.objects = dict(objects or {})
        self.modified = datetime(2026, 3, 1, tzinfo=UTC)
        self.failures: dict[str, BaseException] = {}
        self.written: list[str] = []
        self._times: dict[str, datetime] = {}

    def entries(self, prefix: str) -> Iterator[Entry]:
        self._fail(prefix)
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield Entry(key, len(self.objects[key]), self._times.get(key, self.modified), sha256(self.objects[key]))

    def read(self, key: str, *, limit: int) -> bytes | None:
        self._fail(key)
        return self.objects[key][: limit + 1] if key in self.objects else None

    def chunks(self, key: str) -> Iterator[bytes]:
        self._fail(key)
        yield self.objects[key]

    def write(self, key: str, data: bytes, *, content_type: str) -> None:
        self._fail(key)
        self.objects[key], self._times[key] = data, self.modified
        self.written.append(key)

    def write_new(self, key: str, data: bytes, *, content_type: str) -> bool:
        new = key not in self.objects
        if new:
            self.write(key, data, content_type=content_type)
        return new

    def _fail(self, key: str) -> None:
        for prefix, error in self.failures.items():
            if key.startswith(prefix):
                raise error


class ConstantPredictor:
    """Gives every row the same scores, and keeps the requests.

    Parameters
    ----------
    scores
        Scores of one row: probabilities, or a value.
    """

    def __init__(self, scores: Sequence[float] | float) -> None:
        self._scores = scores
        self.asked: list[Matrix] = []

    def scores(self, rows: Matrix) -> Matrix:
        self.asked.append(rows)
        return np.array([self._scores] * len(rows), dtype=np.float64)


class FunctionPredictor:
    """Scores rows by a function of them.

    Parameters
    ----------
    scores
        Function from encoded rows to their scores.
    """

    def __init__(self, scores: Callable[[Matrix], Matrix]) -> None:
        self._scores = scores

    def scores(self, rows: Matrix) -> Matrix:
        return self._scores(rows)


class FailingPredictor:
    """Fails with an unexpected error, whose words must not leave the service."""

    def scores(self, rows: Matrix) -> Matrix:
        raise ValueError(f"secret of {__file__}")


def served(contract: Contract, scores: Sequence[float] | float = 0.0, *, max_instances: int = 1000) -> ServedModel:
    """A model in memory with this contract, which gives every row the same scores."""
    manifest = iris_package().describe(1).model_copy(update={"contract": contract})
    reference = reference_to(1, manifest.to_bytes())
    return ServedModel.of(
        reference,
        manifest,
        ConstantPredictor(scores),
        max_instances=max_instances,
        loaded_at=datetime.now(UTC),
        encoder=row_encoder(contract),
    )


def wrong_golden() -> Golden:
    """Golden requests of iris with an answer the model does not give."""
    golden = iris_package().describe(1).golden
    lie = Prediction(label="virginica", probabilities={"setosa": 0.0, "versicolor": 0.0, "virginica": 1.0})
    return golden.model_copy(update={"predictions": (lie,) * len(golden.predictions)})


class CurrentStdout:
    """Writes to whatever stdout is at that moment: the logger keeps the one of when it was imported."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()
