"""The monitor's function: one line with metrics for each window, and a failure that the next run makes up for."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from monitor import handler as module
from monitor.handler import handler
from skylift.bucket import Bucket
from skylift.manifest import BASELINE_FILE, MODEL_FILE, Manifest
from skylift.monitoring.profile import Profiler
from skylift.monitoring.report import key_of
from skylift.monitoring.report_store import ReportStore
from skylift.observability import logger
from skylift.pointer import ActivePointer
from skylift.store import VersionStore
from tests.conftest import BUCKET
from tests.support.aws_clients import shared_clients
from tests.support.drift import HOUR, IRIS, START, iris
from tests.support.fakes import CurrentStdout
from tests.support.faults import Killed, before, fails_with, kills, throttled
from tests.support.log_lines import answered, delivered, envelope
from tests.support.manifests import manifest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AT = {"time": (START + HOUR + timedelta(minutes=20)).isoformat()}
KEY = key_of("iris", START, START + HOUR)
LATER = key_of("iris", START + HOUR, START + 2 * HOUR)


@pytest.fixture(autouse=True)
def clients(s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> "S3Client":
    """The function's S3 client, where tests inject faults."""
    service = shared_clients("service")
    monkeypatch.setattr(module, "s3_client", lambda: service.s3)
    monkeypatch.setattr(module, "ssm_client", lambda **_: service.ssm)
    monkeypatch.setattr(logger.registered_handler, "stream", CurrentStdout())
    return service.s3


@pytest.fixture(autouse=True)
def captured(s3: "S3Client", store: VersionStore, pointer: ActivePointer) -> Bucket:
    """A bucket with the captures of two hours, shifted in the second, of the active version."""
    files = {BASELINE_FILE: IRIS.baseline.to_bytes(), MODEL_FILE: b"a model"}

    def describe(number: int) -> Manifest:
        return manifest(number, artifacts=files, contract=IRIS.contract)

    pointer.create()
    pointer.move(store.publish(describe, files).reference)
    bucket = Bucket(BUCKET, client=s3)
    rows, species, _ = iris()
    profiler = Profiler(IRIS.baseline)
    for hour, longer in enumerate((0.0, 1.5)):
        at = START + hour * HOUR
        lines = [
            answered(
                f"{hour}-{number}",
                profiler.of_row((rows[place] + np.array([0, 0, longer, 0])).tolist(), (), float(species[place]), 0.9),
                at=(at + timedelta(minutes=30)).isoformat(),
                version="v1",
            )
            for number, place in enumerate(np.random.default_rng(hour).integers(0, 150, 300))
        ]
        key = f"captures/iris/{at:%Y/%m/%d/%H}/part"
        bucket.write(key, delivered([envelope(lines)]), content_type="application/octet-stream")
    return bucket


def metrics(line: dict[str, Any]) -> dict[str, Any]:
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["stage", "model"]]
    return {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_last_window_is_judged_and_told_in_one_line(captured: Bucket, capsys: pytest.CaptureFixture[str]) -> None:
    answer = handler(AT)

    assert answer == {"states": {KEY: "stable"}, "failed": None}
    (line,) = lines_of(capsys.readouterr().out)
    told = {name: line[name] for name in ("level", "message", "stage", "model", "version", "state", "drifted")}
    assert told == {
        "level": "INFO",
        "message": "window",
        "stage": "test",
        "model": "iris",
        "version": "v1",
        "state": "stable",
        "drifted": [],
    }
    assert (line["report"], line["window"]["rows"], line["window"]["objects_read"]) == (KEY, 300, 2)
    assert metrics(line)["WindowRows"] == [300]
    assert ReportStore(captured, "iris").latest() is not None


def test_a_second_try_of_the_same_schedule_judges_nothing_again(capsys: pytest.CaptureFixture[str]) -> None:
    handler(AT)
    capsys.readouterr()

    assert handler(AT) == {"states": {}, "failed": None}
    assert capsys.readouterr().out == ""


def test_labels_that_could_not_be_used_are_told(captured: Bucket, capsys: pytest.CaptureFixture[str]) -> None:
    key = f"labels/iris/2026/03/01/{START:%Y%m%dT%H%M%SZ}-{'0' * 32}.jsonl"
    label = {"id": f"{0:016}#0", "label": IRIS.contract.target.classes[0]}
    captured.write(key, f"{json.dumps(label)}\n?\n".encode(), content_type="text/plain")

    handler(AT)

    (line,) = lines_of(capsys.readouterr().out)
    assert line["label_use"] == {"unknown": 1, "refused": 1, "files": 1, "files_read": 1, "cut": False}


def test_drift_is_a_metric(capsys: pytest.CaptureFixture[str]) -> None:
    handler(AT)
    capsys.readouterr()

    answer = handler({"time": (START + 2 * HOUR + timedelta(minutes=20)).isoformat()})

    assert answer["states"] == {LATER: "drift"}
    (line,) = lines_of(capsys.readouterr().out)
    assert line["drifted"] == ["petal_length"]
    assert metrics(line)["DriftedFeatures"] == [1]


@pytest.mark.parametrize("operation", ["ListObjectsV2", "GetObject", "PutObject"])
def test_a_fault_of_s3_is_told_and_the_next_run_makes_up_for_it(
    clients: "S3Client", operation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = before(clients, operation, fails_with(throttled("SlowDown")))

    answer = handler(AT)

    assert answer["states"] == {}
    assert "failed (SlowDown)" in answer["failed"]
    error, failures = lines_of(capsys.readouterr().out)
    assert (error["level"], error["why"]) == ("ERROR", answer["failed"])
    assert metrics(failures) == {"MonitorFailures": [1]}

    fault.heal()
    later = handler({"time": (START + HOUR + timedelta(minutes=50)).isoformat()})
    assert later["states"] == {KEY: "stable"}


def test_a_kill_in_a_window_leaves_it_to_the_next_run(clients: "S3Client", captured: Bucket) -> None:
    handler(AT)
    before(clients, "PutObject", kills, only=2)
    with pytest.raises(Killed):
        handler({"time": (START + 2 * HOUR + timedelta(minutes=20)).isoformat()})
    latest = ReportStore(captured, "iris").latest()
    assert latest is not None
    assert latest.key == KEY

    answer = handler({"time": (START + 2 * HOUR + timedelta(minutes=50)).isoformat()})

    assert answer["states"] == {LATER: "drift"}


def test_what_a_report_stands_without_is_told(captured: Bucket, capsys: pytest.CaptureFixture[str]) -> None:
    captured.write("reports/iris/latest.json", b"{", content_type="application/json")
    earlier = key_of("iris", START - HOUR, START)
    captured.write(earlier, b"{", content_type="application/json")

    assert handler(AT)["states"] == {KEY: "stable"}

    warned, line = lines_of(capsys.readouterr().out)
    assert (warned["level"], line["level"]) == ("WARNING", "WARNING")
    assert [earlier in each for each in line["without"]] == [True]
    assert metrics(line)["MonitorFailures"] == [1]


@pytest.mark.parametrize("event", [{}, {"time": None}, {"time": "soon"}])
def test_without_a_time_it_is_now(event: dict[str, Any]) -> None:
    answer = handler(event)

    assert list(answer["states"].values()) == ["insufficient"]
