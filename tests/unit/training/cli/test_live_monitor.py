"""The monitor beside `skylift up`: what it says and when, what it writes, and that it ends with its parent."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from skylift.errors import AwsUnavailable
from skylift.manifest import BASELINE_FILE, MODEL_FILE, Manifest
from skylift.monitoring.monitor import Monitor
from skylift.monitoring.profile import Profiler
from skylift.monitoring.report_store import ReportStore
from skylift.monitoring.sources import LogFile
from skylift.pointer import ActivePointer
from skylift.store import VersionStore
from tests.support.drift import IRIS, iris
from tests.support.fakes import MemoryBucket
from tests.support.log_lines import answered
from tests.support.manifests import manifest
from tests.support.waiting import TIMES_OUT
from training.cli.live_monitor import LENGTH, LiveMonitor, Watch

NOW = datetime(2026, 3, 1, 13, 2, 30, tzinfo=UTC)
HALF_MINUTE = timedelta(seconds=30)
ROWS, SPECIES, _ = iris()


class Watched:
    """A log that a service writes, and what the watch makes of it."""

    def __init__(self, path: Path, store: VersionStore, pointer: ActivePointer) -> None:
        files = {BASELINE_FILE: IRIS.baseline.to_bytes(), MODEL_FILE: b"a model"}

        def describe(number: int) -> Manifest:
            return manifest(number, artifacts=files, contract=IRIS.contract)

        pointer.create()
        pointer.move(store.publish(describe, files).reference)
        self.path, self.now = path, NOW
        self.bucket = MemoryBucket()
        self.said: list[str] = []
        self.warned: list[tuple[str, str]] = []
        path.touch()
        source, reports = LogFile(path, clock=lambda: self.now), ReportStore(self.bucket, "iris")
        monitor = Monitor(source, store, pointer, reports, every=LENGTH)
        self._watch = Watch(monitor, self.said.append, lambda *told: self.warned.append(told))

    def send(self, rows: int, *, longer_petals: float = 0.0) -> None:
        """Answer rows of the sample table, up to a thousand in a request."""
        profiler = Profiler(IRIS.baseline)
        generator = np.random.default_rng(rows)
        with self.path.open("a", encoding="utf-8") as file:
            for number, start in enumerate(range(0, rows, 1000)):
                places = generator.integers(0, 150, min(1000, rows - start))
                shifted = ROWS[places] + np.array([0, 0, longer_petals, 0])
                certain = np.full(len(places), 0.9)
                profile = profiler.of_rows(shifted, (), SPECIES[places], certain)
                name = f"{self.now.timestamp()}-{rows}-{number}"
                file.write(answered(name, profile, at=self.now.isoformat(), version="v1") + "\n")

    def look(self, after: timedelta = HALF_MINUTE) -> None:
        self.now += after
        self._watch.look(self.now)


def files_of(window: str) -> list[str]:
    return [f"reports/iris/{name}" for name in (f"{window}.html", f"{window}.json", "latest.html", "latest.json")]


@pytest.fixture
def watched(tmp_path: Path, store: VersionStore, pointer: ActivePointer) -> Watched:
    return Watched(tmp_path / "service.log", store, pointer)


@pytest.mark.parametrize("rows", [20, 50, 200, 2000, 200_000])
def test_of_rows_like_those_of_training_nothing_is_said(watched: Watched, rows: int) -> None:
    for _ in range(2):
        watched.send(rows)
        watched.look()

    assert (watched.said, watched.warned) == ([], [])


def test_drift_is_said_once_when_it_begins_and_once_when_it_ends(watched: Watched) -> None:
    watched.send(300)
    watched.look()
    watched.send(300, longer_petals=1.5)
    watched.look()
    watched.look()
    (first,) = watched.said
    assert first.startswith("13:03:30 UTC: drift (petal_length ")
    assert first.endswith(", 600 rows of v1 in the last hour")

    watched.look(timedelta(hours=2))

    assert watched.said[1:] == ["15:04:00 UTC: insufficient, 0 rows of v1 in the last hour"]


def test_a_report_is_written_only_if_something_is_new(watched: Watched) -> None:
    watched.look()
    assert watched.bucket.written == [], "nobody was answered yet"

    watched.send(3)
    watched.look()
    watched.look()
    watched.look(timedelta(minutes=7))
    assert watched.bucket.written == files_of("20260301T120500Z-20260301T130500Z")

    watched.send(3)
    watched.look()
    assert watched.bucket.written[4:] == files_of("20260301T121500Z-20260301T131500Z")


def test_a_failure_is_told_once_and_the_next_look_goes_on(watched: Watched) -> None:
    watched.send(300, longer_petals=1.5)
    watched.bucket.failures = {"reports/": AwsUnavailable("S3 says no", "try again")}
    for _ in range(3):
        watched.look()
    assert (watched.said, watched.warned) == ([], [("the monitor: S3 says no", "try again")])

    watched.bucket.failures = {}
    watched.look()

    assert len(watched.said) == 1


def test_a_log_that_cannot_be_read_is_told(watched: Watched) -> None:
    watched.path.unlink()

    watched.look()

    assert [told[0].startswith("the monitor: [Errno 2]") for told in watched.warned] == [True]


class TestProcess:
    def test_it_is_a_process_that_ends_with_the_block(self, tmp_path: Path) -> None:
        with LiveMonitor(tmp_path / "service.log", "http://127.0.0.1:1") as monitor:
            assert monitor._process.poll() is None

        assert monitor._process.returncode is not None

    def test_it_ends_when_its_parent_does(self, tmp_path: Path) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "training.cli.live_monitor", str(tmp_path / "log"), "http://127.0.0.1:1"],
            stdin=subprocess.PIPE,
        )
        assert process.stdin is not None

        process.stdin.close()

        assert process.wait(TIMES_OUT) == 1
