"""How Ctrl-C, SIGTERM and a killed service end trainings and the main job, in processes as a terminal has them."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.commands import failure_lines
from tests.support.moto_server import BUCKET, MotoServer
from tests.support.ports import free_port
from tests.support.processes import Up, command_of, descendants, lives, up
from tests.support.tables import LOGISTIC, lines, write_project
from tests.support.waiting import TIMES_OUT, wait_until

FOUR = lines("x,n,y", lambda number: f"{number},{number % 7},{'abcd'[number // 30]}", count=120)
SEARCHED = [
    LOGISTIC,
    {
        "name": "forest",
        "estimator": "sklearn.ensemble.RandomForestClassifier",
        "search": {
            "strategy": "random",
            "iterations": 500,
            "parameters": {"max_features": {"low": 0.1, "high": 1.0}, "n_estimators": {"low": 5, "high": 9}},
        },
    },
]
"""Takes minutes to search."""
SEARCHERS = 5
"""The service, two workers, and two processes that clean up after them."""

SEARCH = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a background process does not have
from training.cli import progress
from training.cli.app import app
from training.cli.embedded_aws import embedded_aws
progress._LINE_SECONDS = 0.0
with embedded_aws("iris"):
    app(["train", "--config", sys.argv[1]])
"""
"""Trains, with a line of progress for each fit."""

COMPLETE = "forest: trial 3 of "
"""Printed once the first trial is complete, so that a stop keeps it. Fits run in processes then, which hear Ctrl-C."""


def quick(folder: Path, **sections: Any) -> Path:
    """A small table that is learned at once."""
    text = lines("x,n,y", lambda number: f"{number},{number % 7},{'ab'[number // 20]}")
    return write_project(folder, text, model="quick", select_by="accuracy", **sections)


def endless(folder: Path) -> Path:
    """A table whose only candidate computes for minutes in compiled code, which hears no signal."""
    noise = np.random.default_rng(0).normal(size=(60_000, 3)).round(3)
    text = lines("a,b,c,y", lambda row: f"{','.join(map(str, noise[row]))},{'ab'[row * 7 % 11 % 2]}", count=len(noise))
    return write_project(folder, text, model="endless", candidates=[{"name": "svm", "estimator": "sklearn.svm.SVC"}])


def assert_ends_cleanly(job: Up, signal_number: signal.Signals) -> None:
    """It ends with code 0, without a trace, and leaves no process."""
    started = descendants(job.pid)
    assert started, "the service is a process of its own"

    job.send(signal_number)

    assert job.ended() == 0
    assert not [pid for pid in started if lives(pid)]
    assert job.printed.endswith("Stopped.\n")
    assert "Traceback" not in job.told
    assert not list(job.folder.glob("build/**/local.env"))


class TestMainJob:
    def test_sigint_while_training_ends_everything(self, tmp_path: Path) -> None:
        with up(tmp_path, endless(tmp_path)) as job:
            job.wait_for(lambda: "candidate 1 of 1" in job.told, "training")
            before = job.cpu_seconds
            job.wait_for(lambda: job.cpu_seconds > before + 1, "computing for a second")

            assert_ends_cleanly(job, signal.SIGINT)

    def test_a_service_that_dies_ends_the_job_with_code_1_and_names_the_log(self, tmp_path: Path) -> None:
        with up(tmp_path, quick(tmp_path)) as job:
            job.wait_until_serving()
            (service,) = [pid for pid in descendants(job.pid) if "inference" in command_of(pid)]
            os.kill(service, signal.SIGKILL)

            assert job.ended() == 1
            assert (
                failure_lines(job.told)
                == "error: the service ended with code -9\nhint: see build/models/quick/service.log"
            )

    def test_a_killed_one_leaves_nothing_and_terminals_get_the_model_that_still_runs(self, tmp_path: Path) -> None:
        with up(tmp_path, quick(tmp_path)) as job:
            job.wait_until_serving()
            other = tmp_path / "other"
            other.mkdir()
            searching = write_project(other, FOUR, model="four", select_by="accuracy", candidates=SEARCHED)
            with up(tmp_path, searching, output="other", LOKY_MAX_CPU_COUNT="2") as killed:
                killed.wait_for(lambda: len(descendants(killed.pid)) == SEARCHERS, "searching")
                assert "No versions yet" in job.skylift("versions")
                started = descendants(killed.pid)
                killed.send(signal.SIGKILL)
                killed.ended()

                assert "v1" in job.skylift("versions")
                wait_until(lambda: not any(map(lives, started)), what="the end of all that it started")
                with socket.create_server(("127.0.0.1", killed.port)):
                    pass  # free again

    def test_a_table_in_s3_is_fetched_before_the_embedded_aws_takes_over(self, tmp_path: Path) -> None:
        path = quick(tmp_path, data={"path": f"s3://{BUCKET}/tables/quick.csv"})
        with MotoServer() as aws:
            aws.s3.put_object(Bucket=BUCKET, Key="tables/quick.csv", Body=(tmp_path / "table.csv").read_bytes())
            with up(tmp_path, path, port=free_port(), **aws.environment) as job:
                job.wait_until_serving()

                assert job.ask({"x": 3, "n": 3})["predictions"][0]["label"] == "a"


class TestSearching:
    @pytest.fixture
    def searching(self, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
        """A search of minutes, in a process group of its own as a terminal makes it."""
        command = [
            sys.executable,
            "-c",
            SEARCH,
            str(write_project(tmp_path, FOUR, select_by="accuracy", candidates=SEARCHED)),
        ]
        with (
            (tmp_path / "stderr").open("w") as errors,
            subprocess.Popen(
                command,
                env=os.environ | {"LOKY_MAX_CPU_COUNT": "2"},
                stderr=errors,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            ) as process,
        ):
            yield process
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def stderr(self, folder: Path) -> str:
        return (folder / "stderr").read_text(encoding="utf-8")

    def wait_for(self, folder: Path, phrase: str) -> None:
        wait_until(lambda: phrase in self.stderr(folder), what=f"{phrase!r} on stderr")

    def test_ctrl_c_publishes_the_best_so_far(self, tmp_path: Path, searching: subprocess.Popen[str]) -> None:
        self.wait_for(tmp_path, COMPLETE)

        os.killpg(searching.pid, signal.SIGINT)
        printed, _ = searching.communicate(timeout=TIMES_OUT)

        assert searching.returncode == 0, self.stderr(tmp_path)
        assert "Stopping the search; continuing with the best candidate so far." in self.stderr(tmp_path)
        assert "Published v1@sha256:" in printed
        assert "forest: stopped after " in printed

    def test_a_second_one_ends_everything(self, tmp_path: Path, searching: subprocess.Popen[str]) -> None:
        self.wait_for(tmp_path, COMPLETE)

        os.killpg(searching.pid, signal.SIGINT)
        self.wait_for(tmp_path, "Stopping")
        os.killpg(searching.pid, signal.SIGINT)
        printed, _ = searching.communicate(timeout=TIMES_OUT)

        assert searching.returncode in {0, 130}, "0 where all was done before the second one came"
        assert ("Stopped." in printed) is (searching.returncode == 130)
        assert "Traceback" not in self.stderr(tmp_path)
