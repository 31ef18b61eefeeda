"""A process of several: it takes requests when it can answer them, or nobody else can, and ends with the one above."""

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn.config import STARTUP_FAILURE

from inference import worker
from inference.workers import WORKERS_FOLDER
from skylift.errors import AwsUnavailable
from skylift.observability import logger
from tests.support.fakes import CurrentStdout
from tests.support.waiting import TIMES_OUT


class Host:
    """A host that has a version after some tries.

    Parameters
    ----------
    tries
        Number of them.
    """

    def __init__(self, tries: int) -> None:
        self.left = tries
        self.model = None if tries else "v1"
        self.has_timer = False

    def refresh_by_timer(self) -> None:
        self.has_timer = True

    def wait_until_loaded(self) -> None:
        self.left -= 1
        self.model = None if self.left else "v1"


class Place:
    """A place that knows when it was told of a version."""

    number = 0
    told = threading.Event()

    def __init__(self, _: Path) -> None:
        type(self).told = threading.Event()

    def tell_ready(self) -> None:
        self.told.set()


@pytest.fixture(autouse=True)
def counted_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[int]]:
    """Places that the process counts at, instead of doing so."""
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)}
    places: list[int] = []
    monkeypatch.setenv(WORKERS_FOLDER, str(tmp_path))
    monkeypatch.setenv("SKYLIFT_BUCKET", "models")
    monkeypatch.setattr(worker, "count_at", places.append)
    monkeypatch.setattr(worker, "Place", Place)
    monkeypatch.setattr(worker, "prepared", lambda app, _: app)
    monkeypatch.setattr(worker, "_PAUSE_SECONDS", 0)
    yield places
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("others", "tries"), [(True, 0), (False, 3)])
def test_it_waits_for_a_version_as_long_as_others_have_one(
    monkeypatch: pytest.MonkeyPatch, counted_at: list[int], others: bool, tries: int
) -> None:
    host, before = Host(tries=3), signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(worker, "compose", lambda **_: SimpleNamespace(app="the application", host=host))
    during: list[object] = []

    def others_are_ready() -> bool:
        during.append(signal.getsignal(signal.SIGTERM))
        return others

    monkeypatch.setattr(worker, "others_are_ready", others_are_ready)

    app: Any = worker.one_of_several()

    assert (app, host.left, host.has_timer, counted_at) == ("the application", tries, True, [0])
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    assert set(during) == {signal.SIG_DFL}, "a process that waits may be ended at once"
    assert signal.getsignal(signal.SIGTERM) == before
    host.model = "v1"
    assert Place.told.wait(TIMES_OUT)


@pytest.mark.parametrize(("others", "code"), [(True, 1), (False, STARTUP_FAILURE)])
def test_one_that_cannot_start_ends_the_server_unless_another_serves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], others: bool, code: int
) -> None:
    def fail(**_: object) -> None:
        raise AwsUnavailable("creating the SSM client failed (NoRegionError)", "set AWS_DEFAULT_REGION")

    monkeypatch.setattr(worker, "compose", fail)
    monkeypatch.setattr(logger.registered_handler, "stream", CurrentStdout())
    monkeypatch.setattr(worker, "others_are_ready", lambda: others)

    with pytest.raises(SystemExit) as ended:
        worker.one_of_several()

    assert ended.value.code == code
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["message"]) == ("ERROR", "a worker cannot start")
    assert "NoRegionError" in line["exception"]


def test_it_ends_with_the_process_above(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: SimpleNamespace(join=lambda: None))
    monkeypatch.setattr(os, "kill", lambda *signal: sent.append(signal))

    worker._end_with_parent()

    assert sent == [(os.getpid(), signal.SIGTERM)]
