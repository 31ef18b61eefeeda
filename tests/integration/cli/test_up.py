"""The main job as a user runs it: from the table to a served prediction, and to a clean end."""

import json
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.support.commands import failure_lines
from tests.support.models import IRIS_CONFIG, IRIS_SETOSA
from tests.support.moto_server import BUCKET, MotoServer
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.processes import Up, descendants, lives, up
from tests.support.tables import lines, write_project
from tests.support.waiting import TIMES_OUT, wait_until

pytestmark = [
    pytest.mark.xdist_group("up"),  # one running main job is shared
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are watched through /proc"),
]


def config(folder: Path, document: dict[str, Any]) -> Path:
    path = folder / "model.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def quick(folder: Path, **sections: Any) -> Path:
    """A small table that is learned at once."""
    text = lines("x,n,y", lambda number: f"{number},{number % 7},{'ab'[number // 20]}")
    return write_project(folder, text, model="quick", select_by="accuracy", **sections)


def endless(folder: Path) -> Path:
    """A table whose only candidate computes for minutes in compiled code, which hears no signal."""
    noise = np.random.default_rng(0).normal(size=(60_000, 3)).round(3)
    text = lines("a,b,c,y", lambda row: f"{','.join(map(str, noise[row]))},{'ab'[row * 7 % 11 % 2]}", count=len(noise))
    (folder / "table.csv").write_text(text, encoding="utf-8")
    candidate = {"name": "svm", "estimator": "sklearn.svm.SVC"}
    return config(
        folder,
        {"model": "endless", "data": {"path": "table.csv"}, "target": {"column": "y"}, "candidates": [candidate]},
    )


def assert_ends_cleanly(job: Up, signal_number: signal.Signals) -> None:
    """It ends in time with code 0, without a trace, and leaves no process, no file and no open port."""
    started = descendants(job.pid)
    assert started, "the service is a process of its own"

    job.send(signal_number)

    assert job.ended() == 0
    assert not [pid for pid in started if lives(pid)]
    assert job.printed.endswith("Stopped.\n")
    assert "Traceback" not in job.told
    assert not list(job.folder.glob("build/**/local.env"))
    with socket.create_server(("127.0.0.1", job.port)):
        pass  # the port is free again


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """The main job on the shipped table, serving."""
    with up(tmp_path_factory.mktemp("up"), IRIS_CONFIG) as started:
        started.wait_until_serving()
        yield started


class TestServing:
    @pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
    def test_the_printed_line_can_be_pasted_and_gets_a_prediction(self, iris: Up) -> None:
        (line,) = re.findall(r"^  (curl .*)$", iris.printed, flags=re.MULTILINE)

        answer = subprocess.run(["sh", "-c", line], check=True, capture_output=True, timeout=TIMES_OUT).stdout

        (prediction,) = json.loads(answer)["predictions"]
        assert prediction["label"] in {"setosa", "versicolor", "virginica"}

    def test_a_setosa_is_recognised(self, iris: Up) -> None:
        answer = iris.ask(IRIS_SETOSA)

        assert answer["model"] == "iris"
        assert answer["predictions"][0]["label"] == "setosa"

    def test_what_happened_is_told_in_a_short_table(self, iris: Up) -> None:
        names = {line.split("  ")[0] for line in iris.printed.splitlines()}

        assert {"data", "selected", "holdout", "gates", "serving", "first answer", "logs"} <= names
        assert "150 rows, 4 features" in iris.printed
        assert len(iris.printed.splitlines()) < 40

    def test_progress_is_visible_while_it_works(self, iris: Up) -> None:
        assert "candidate 1 of 5: logistic" in iris.told
        assert "candidate 5 of 5: svm" in iris.told

    def test_every_candidate_is_on_the_board(self, iris: Up) -> None:
        assert "Candidates, cross-validated" in iris.printed
        for candidate in ("logistic", "discriminant", "forest", "boosting", "svm"):
            assert re.search(rf"^{candidate} +[01]\.\d{{4}} \+- ", iris.printed, flags=re.MULTILINE)

    def test_the_working_directory_gets_nothing_but_a_build_folder(self, iris: Up) -> None:
        made = {path.name for path in iris.folder.iterdir()} - {"stdout", "stderr", "model.yaml"}

        assert made == {"build"}


class TestAnotherTerminal:
    def test_versions_shows_the_one_that_serves(self, iris: Up) -> None:
        assert re.search(r"^\* +v\d+ ", iris.skylift("versions", "--config", str(IRIS_CONFIG)), flags=re.MULTILINE)

    def test_a_version_promoted_from_it_is_served_without_a_restart_and_rolled_back_too(self, iris: Up) -> None:
        before = iris.ask(IRIS_SETOSA)["version"]
        document = yaml.safe_load(IRIS_CONFIG.read_text(encoding="utf-8"))
        document["data"]["path"] = str(ROOT / "data" / "raw" / "Iris.csv")
        document["candidates"] = [
            candidate for candidate in document["candidates"] if candidate["name"] == "discriminant"
        ]
        path = str(config(iris.folder, document))
        (made,) = re.findall(r"^Published (v\d+)@sha256:", iris.skylift("train", "-c", path), flags=re.MULTILINE)
        assert iris.ask(IRIS_SETOSA)["version"] == before

        iris.skylift("promote", made)

        wait_until(lambda: iris.ask(IRIS_SETOSA)["version"] == made, what=f"{made} is served")
        assert f"{made}@" in iris.skylift("history").splitlines()[1]

        iris.skylift("rollback")

        wait_until(lambda: iris.ask(IRIS_SETOSA)["version"] == before, what=f"{before} is served")


def test_a_table_in_s3_is_fetched_before_the_embedded_aws_takes_over(tmp_path: Path) -> None:
    path = quick(tmp_path, data={"path": f"s3://{BUCKET}/tables/quick.csv"})
    with MotoServer() as aws:
        aws.s3.put_object(Bucket=BUCKET, Key="tables/quick.csv", Body=(tmp_path / "table.csv").read_bytes())
        with up(tmp_path, path, port=free_port(), **aws.environment) as job:
            job.wait_until_serving()

            assert job.ask({"x": 3, "n": 3})["predictions"][0]["label"] == "a"


class TestEnding:
    def test_sigterm_while_serving_ends_everything(self, tmp_path: Path) -> None:
        with up(tmp_path, quick(tmp_path)) as job:
            job.wait_until_serving()

            assert_ends_cleanly(job, signal.SIGTERM)

    def test_sigint_while_training_ends_everything(self, tmp_path: Path) -> None:
        with up(tmp_path, endless(tmp_path)) as job:
            job.wait_for(lambda: "candidate 1 of 1" in job.told, "training")
            before = job.cpu_seconds
            job.wait_for(lambda: job.cpu_seconds > before + 1, "computing for a second")

            assert_ends_cleanly(job, signal.SIGINT)

    def test_a_service_that_dies_ends_the_job_with_code_1_and_names_the_log(self, tmp_path: Path) -> None:
        with up(tmp_path, quick(tmp_path)) as job:
            job.wait_until_serving()
            (service,) = descendants(job.pid)
            subprocess.run(["kill", "-KILL", str(service)], check=True)

            assert job.ended() == 1
            assert (
                failure_lines(job.told)
                == "error: the service ended with code -9\nhint: see build/models/quick/service.log"
            )


class TestFailing:
    def assert_fails(self, job: Up) -> str:
        """It ends with code 1 and the lines of a failure; nothing is left."""
        assert job.ended() == 1
        failure = failure_lines(job.told)
        assert job.printed == ""
        assert not (job.folder / "build" / "local.env").exists()
        return failure

    def test_a_table_that_is_not_there_is_one_line(self, tmp_path: Path) -> None:
        path = quick(tmp_path, data={"path": "gone.csv"})

        with up(tmp_path, path) as job:
            assert f"{tmp_path}/gone.csv cannot be read (No such file or directory)" in self.assert_fails(job)
