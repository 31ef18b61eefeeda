"""A service in memory with a challenger whose faults a test chooses."""

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from inference import challengers, loading
from inference.answering import Answering
from inference.predict import PATH, Predict
from skylift.challenger import Challenger
from skylift.encoding import RowEncoder
from skylift.http.record import Record, record_of
from skylift.manifest import Manifest
from skylift.predictors import OnnxPredictor, load_predictor
from skylift.references import Reference
from skylift.scoring import Matrix, Predictor
from tests.support.fakes import HostHarness
from tests.support.models import IRIS_SETOSA, compiled_iris_package
from tests.support.waiting import TIMES_OUT
from training.release.packaging import Package

NO_FAULT = "none"


def trial_of(reference: Reference, **fields: Any) -> Challenger:
    """The parameter of an experiment with a version: by default, it answers everything."""
    known: dict[str, Any] = {"id": "trial", "mode": "canary", "percent": 100, "by": "anna"}
    return Challenger(reference=reference, started=datetime(2026, 11, 26, tzinfo=UTC), **(known | fields))


class FaultyPredictor:
    """Scores as another one, or as its next fault has it.

    Attributes
    ----------
    faults
        Faults of the next calls; none once they are used up.
    gate
        What hangs waits for it.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.faults: list[str] = []
        self.gate = threading.Event()

    def scores(self, rows: Matrix) -> Matrix:
        fault = self.faults.pop(0) if self.faults else NO_FAULT
        scores: Matrix = FAULTS[fault](self, rows)
        return scores

    def scored(self, rows: Matrix) -> Matrix:
        return self._predictor.scores(rows)


def _raises(error: type[BaseException]) -> Callable[[FaultyPredictor, Matrix], Matrix]:
    def fault(_: FaultyPredictor, __: Matrix) -> Matrix:
        raise error("secret")

    return fault


def _hangs(predictor: FaultyPredictor, rows: Matrix) -> Matrix:
    assert predictor.gate.wait(TIMES_OUT), "nobody opened the gate"
    return predictor.scored(rows)


def _writes(predictor: FaultyPredictor, rows: Matrix) -> Matrix:
    scores = predictor.scored(rows)
    rows[:] = -1
    return scores


FAULTS: dict[str, Callable[[FaultyPredictor, Matrix], Any]] = {
    NO_FAULT: lambda predictor, rows: predictor.scored(rows),
    "raises": _raises(ValueError),
    "ends the interpreter": _raises(SystemExit),
    "panics": _raises(BaseException),
    "hangs": _hangs,
    "fewer rows": lambda predictor, rows: predictor.scored(rows)[1:],
    "fewer classes": lambda predictor, rows: predictor.scored(rows)[:, 1:],
    "no array": lambda predictor, rows: predictor.scored(rows).tolist(),
    "texts": lambda predictor, rows: predictor.scored(rows).astype(str),
    "nothing": lambda _, __: None,
    "not finite": lambda predictor, rows: np.full_like(predictor.scored(rows), np.nan),
    "writes into the rows": _writes,
}
"""What a challenger may do when it is asked to score."""


@dataclass(frozen=True)
class Answered:
    """What became of one request."""

    status: int
    headers: dict[str, str]
    body: bytes
    record: Record

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def experiment(self) -> dict[str, Any]:
        assert self.record.experiment is not None
        return self.record.experiment


@dataclass
class TrialHarness:
    """A service with v1 as the champion, and v2 to challenge it.

    Parameters
    ----------
    compiled
        Compiled form that v2 scores by; empty for one whose faults a test chooses.

    Attributes
    ----------
    app
        What answers the requests.
    predictors
        Predictors of the versions that were loaded, by their numbers.
    """

    monkeypatch: pytest.MonkeyPatch
    champion: Package = field(default_factory=compiled_iris_package)
    challenger: Package = field(default_factory=lambda: compiled_iris_package("tree"))
    labels: bool = False
    compiled: bytes = b""

    def __post_init__(self) -> None:
        self.predictors: dict[int, FaultyPredictor] = {}
        self.monkeypatch.setattr(loading, "load_predictor", self._load)
        self.monkeypatch.setattr(challengers, "LOAD_WAIT_SECONDS", TIMES_OUT)
        self.registries = HostHarness()
        self.host = self.registries.host
        self.registries.activate(self.champion)
        self.second = self.registries.store.add(self.challenger)
        self.host.wait_until_loaded()
        self.host.drain_events()
        self.app = Predict(Answering(self.host, labels=self.labels))

    def _load(self, manifest: Manifest, read: Callable[[str], bytes], _: RowEncoder) -> Predictor:
        if self.compiled and manifest.version == 2:
            return OnnxPredictor(self.compiled)
        self.predictors[manifest.version] = FaultyPredictor(load_predictor(manifest, read))
        return self.predictors[manifest.version]

    def put_on_trial(self, **fields: Any) -> None:
        """Let the parameter name the second version, and the service follow it."""
        self.set_challenger(trial_of(self.second, **fields))

    def set_challenger(self, challenger: Challenger | None) -> None:
        self.registries.pointer.challenger = challenger
        self.refresh()

    def refresh(self) -> None:
        """Let the service read its parameters again, whatever it waits for."""
        self.registries.clock.advance(self.registries.refresh_seconds * 16)
        self.host.start_loading()
        self.registries.finish_refresh()

    def ask(
        self,
        document: object = IRIS_SETOSA,
        *,
        event: dict[str, Any] | None = None,
        query: bytes = b"",
        **headers: str,
    ) -> Answered:
        """Send one request."""
        named = {"content-type": "application/json"} | {key.replace("_", "-"): text for key, text in headers.items()}
        scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": PATH,
            "query_string": query,
            "headers": [(name.encode(), text.encode("latin-1")) for name, text in named.items()],
            "aws.event": event or {},
        }
        body, sent = json.dumps(document).encode(), list[Any]()

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        start, content = sent
        told = {name.decode(): text.decode() for name, text in start["headers"]}
        return Answered(start["status"], told, content["body"], record_of(scope))
