"""Answers that take long are computed beside the event loop, which goes on; what is short never leaves it."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable

import httpx
import pytest

from inference.app import App
from inference.computing import Computing
from inference.settings import InferenceSettings
from skylift.http.errors import Overloaded
from skylift.scoring import Matrix
from tests.support.fakes import HostHarness
from tests.support.models import IRIS_SETOSA, compiled_iris_package
from tests.support.trials import TrialHarness
from tests.support.waiting import TIMES_OUT

EVERY_WAY = {
    "by a model that is not compiled": ("/predict", IRIS_SETOSA),
    "with reasons": ("/predict?explain=true", IRIS_SETOSA),
    "of many rows": ("/predict", {"instances": [IRIS_SETOSA] * 300}),
    "of many rows by V2": (
        "/v2/models/iris/infer",
        {"inputs": [{"name": "rows", "datatype": "FP64", "shape": [900, 4], "data": [5.125, 3.5, 1.25, 0.25] * 900}]},
    ),
}


class Gate:
    """Keeps threads waiting until it is opened, and knows which came."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self._open = threading.Event()

    def open(self) -> None:
        self._open.set()

    def passed(self) -> bool:
        self.came.append(threading.current_thread().name)
        return self._open.wait(TIMES_OUT)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.mark.parametrize("way", EVERY_WAY)
def test_probes_and_short_requests_are_answered_while_a_long_one_is_computed(
    monkeypatch: pytest.MonkeyPatch, gate: Gate, way: str
) -> None:
    harness = TrialHarness(monkeypatch)
    model = harness.host.model
    assert model is not None
    if "not compiled" not in way:
        monkeypatch.setattr("inference.answering.OnnxPredictor", type(model.predictor))
    scored, computes = harness.predictors[1].scores, asyncio.Event()

    def scores(rows: Matrix) -> Matrix:
        if threading.current_thread().name == "computing" and not gate.came:
            runner.get_loop().call_soon_threadsafe(computes.set)
            assert gate.passed()
        return scored(rows)

    monkeypatch.setattr(harness.predictors[1], "scores", scores)
    app = App(InferenceSettings(bucket="models"), harness.host, computing=Computing())
    path, document = EVERY_WAY[way]

    async def talk() -> tuple[list[int], int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            slow = asyncio.create_task(client.post(path, json=document))
            await computes.wait()
            quick = [(await client.get(probe)).status_code for probe in ("/v2/health/live", "/v2/health/ready")]
            if "not compiled" not in way:
                quick.append((await client.post("/predict", json=IRIS_SETOSA)).status_code)
            assert not slow.done()
            gate.open()
            return quick, (await slow).status_code

    with asyncio.Runner() as runner:
        quick, slow = runner.run(talk())
    assert (set(quick), slow) == ({200}, 200)


def test_one_request_at_a_time_needs_no_thread() -> None:
    harness = HostHarness()
    harness.activate(compiled_iris_package())
    harness.host.wait_until_loaded()
    threads = threading.active_count()
    app = App(InferenceSettings(bucket="models"), harness.host)

    async def answer() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            return (await client.post("/predict", json=IRIS_SETOSA)).status_code

    assert asyncio.run(answer()) == 200
    assert threading.active_count() == threads


def test_tasks_run_one_after_another_and_give_what_they_return_or_raise(gate: Gate) -> None:
    gate.open()
    running: list[int] = []

    def task() -> int:
        running.append(1)
        assert gate.passed()
        return running.pop() + len(running)

    def broken() -> int:
        raise ZeroDivisionError

    async def many() -> list[int | BaseException]:
        computing = Computing()
        return await asyncio.gather(*map(computing.run, [*[task] * 5, broken]), return_exceptions=True)

    *results, failure = asyncio.run(many())
    assert results == [1] * 5
    assert isinstance(failure, ZeroDivisionError)
    assert set(gate.came) == {"computing"}


def test_who_waits_too_long_for_a_turn_is_told_to_come_again(gate: Gate) -> None:
    async def two() -> bool:
        computing = Computing(wait_seconds=0.01)
        first = asyncio.create_task(computing.run(gate.passed))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="try again shortly"):
            await computing.run(gate.passed)
        gate.open()
        return await first

    assert asyncio.run(two())
    assert len(gate.came) == 1


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    return sent


def leave(computing: Computing, task: Callable[[], object]) -> "asyncio.Task[object]":
    asked = asyncio.create_task(computing.run(task))
    asyncio.get_running_loop().call_later(0.01, asked.cancel)
    return asked


def test_what_does_not_end_is_answered_and_ends_the_process_as_it_would_on_lambda(
    gate: Gate, kills: list[tuple[int, int]]
) -> None:
    async def endless() -> None:
        with pytest.raises(Overloaded, match=r"more than 0\.01 s"):
            await Computing(seconds=0.01).run(gate.passed)

    asyncio.run(endless())
    gate.open()
    assert kills == [(os.getpid(), signal.SIGTERM)]


def test_a_caller_that_leaves_keeps_its_turn_until_the_end(gate: Gate) -> None:
    async def both() -> bool:
        computing = Computing()
        with pytest.raises(asyncio.CancelledError):
            await leave(computing, gate.passed)
        second = asyncio.create_task(computing.run(gate.passed))
        await asyncio.sleep(0.01)
        assert len(gate.came) < 2
        gate.open()
        return await second

    assert asyncio.run(both())
    assert len(gate.came) == 2
