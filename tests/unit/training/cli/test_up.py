"""What the main job does in its order; its service is a fake here, and real in `tests/e2e/test_up.py`."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from moto import mock_aws

from tests.support.commands import failure_lines, refused, skylift
from tests.support.interrupts import restored_signals
from tests.support.moto_server import MotoServer
from tests.support.ports import free_port
from tests.support.tables import lines, write_project
from training.cli import app, up
from training.cli.connection import LOCAL_BUCKET
from training.cli.model_folder import CURRENT_ENVIRONMENT

pytestmark = pytest.mark.usefixtures("loaded_in_this_process")

INSTANCE = {"x": 1, "n": 1}


class Service:
    """Answers at once, and runs until it ends as a test says.

    Attributes
    ----------
    ends
        Gives the exit code, or raises.
    asked
        Bodies of the requests.
    """

    ends: Callable[[], int] = staticmethod(lambda: -9)
    asked: list[Any]

    def __init__(self, port: int, log: Path, _host: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        type(self).asked = []

    def wait_until_ready(self) -> None:
        assert CURRENT_ENVIRONMENT.exists(), "another terminal finds the embedded AWS while this one waits"

    def ask(self, path: str, body: object) -> Any:
        self.asked.append((path, body))
        return {"predictions": [{"label": "a"}]}

    def wait(self) -> int:
        return self.ends()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Monitor:
    """Watches nothing."""

    def __init__(self, log: Path, url: str) -> None:
        assert log.name == "service.log"
        assert url.startswith("http://127.0.0.1:")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _process_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(up, "LocalService", Service)
    monkeypatch.setattr(up, "LiveMonitor", Monitor)
    monkeypatch.setattr(Service, "ends", staticmethod(lambda: -9))
    before = dict(os.environ)
    with mock_aws():  # forgets what an earlier test stored in this process
        pass
    with restored_signals():
        yield
    os.environ.clear()
    os.environ.update(before)


def quick(folder: Path, **sections: Any) -> Path:
    """A small table that is learned at once."""
    text = lines("x,n,y", lambda number: f"{number},{number % 7},{'ab'[number // 20]}")
    return write_project(folder, text, model="quick", select_by="accuracy", **sections)


def started(path: Path) -> Any:
    return skylift("up", "--config", path, "--port", free_port())


def test_the_example_of_the_contract_is_asked_for_first(tmp_path: Path) -> None:
    result = started(quick(tmp_path))

    ((path, body),) = Service.asked
    assert (path, body["instances"][0].keys()) == ("/predict", INSTANCE.keys())
    assert '{"label": "a"}' in result.stdout


def test_a_service_that_ends_ends_the_job_with_code_1_and_names_the_log(tmp_path: Path) -> None:
    result = started(quick(tmp_path))

    assert result.exit_code == 1
    assert (
        failure_lines(result.stderr)
        == "error: the service ended with code -9\nhint: see build/models/quick/service.log"
    )
    assert not CURRENT_ENVIRONMENT.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_with_code_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def leave(code: int) -> None:
        assert not CURRENT_ENVIRONMENT.exists(), "all that was begun is ended first"
        raise SystemExit(code)

    def interrupted() -> int:
        signal.raise_signal(number)
        return 1

    monkeypatch.setattr(app, "leave", leave)
    monkeypatch.setattr(Service, "ends", staticmethod(interrupted))

    result = started(quick(tmp_path))

    assert result.exit_code == 0, result.output
    assert "Ctrl-C stops everything." in result.stdout


def test_the_next_start_trains_only_what_changed(tmp_path: Path) -> None:
    path = quick(tmp_path)

    first, second = started(path), started(path)
    quick(tmp_path, split={"seed": 7})
    third = started(path)

    trained = ["candidate 1 of 1" in result.stderr for result in (first, second, third)]
    assert trained == [True, False, True]
    assert "Serving v1 of the last run" in second.stderr


def test_a_table_in_s3_is_fetched_before_the_embedded_aws_takes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = quick(tmp_path, data={"path": f"s3://{LOCAL_BUCKET}/table.csv"})
    with MotoServer() as aws:
        aws.s3.create_bucket(Bucket=LOCAL_BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        aws.s3.put_object(Bucket=LOCAL_BUCKET, Key="table.csv", Body=(tmp_path / "table.csv").read_bytes())
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)

        result = started(path)

    assert "Ctrl-C stops everything." in result.stdout, result.stderr


def test_a_table_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    path = quick(tmp_path, data={"path": "gone.csv"})

    line = refused("up", "--config", path, "--port", free_port())

    assert f"{tmp_path}/gone.csv cannot be read (No such file or directory)" in line
    assert not CURRENT_ENVIRONMENT.exists()
