"""The main job in processes, as a user runs it: from the table to a served prediction, and to a clean end."""

import json
import re
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.models import IRIS_CONFIG, IRIS_SETOSA
from tests.support.paths import ROOT
from tests.support.processes import Up, descendants, lives, up
from tests.support.waiting import TIMES_OUT, wait_until

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are watched through /proc"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl"),
]


@dataclass(frozen=True)
class Story:
    """What was seen of the main job on the shipped table, which was ended at last.

    Attributes
    ----------
    job
        The process.
    children
        Processes that it started.
    made
        Names in its folder while it served.
    answers
        Answers to a setosa: first, after another training, after its promotion, and after the rollback.
    pasted
        Answer to the line that it printed for another terminal.
    versions, history, trained
        What commands in another terminal printed.
    code
        Exit code after SIGTERM.
    """

    job: Up
    children: set[int]
    made: set[str]
    answers: list[dict[str, Any]]
    pasted: dict[str, Any]
    versions: str
    trained: str
    history: str
    code: int


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    with up(tmp_path_factory.mktemp("up"), IRIS_CONFIG) as job:
        job.wait_until_serving()
        made = {path.name for path in job.folder.iterdir()} - {"stdout", "stderr"}
        answers = [job.ask(IRIS_SETOSA)]
        (line,) = re.findall(r"^  (curl .*)$", job.printed, flags=re.MULTILINE)
        pasted = json.loads(
            subprocess.run(["sh", "-c", line], check=True, capture_output=True, timeout=TIMES_OUT).stdout
        )
        versions = job.skylift("versions", "--config", str(IRIS_CONFIG))
        trained = job.skylift("train", "-c", str(of_one_candidate(job.folder)))
        answers.append(job.ask(IRIS_SETOSA))
        job.skylift("promote", "v2")
        wait_until(lambda: job.ask(IRIS_SETOSA)["version"] == "v2", what="v2 is served")
        answers.append(job.ask(IRIS_SETOSA))
        job.skylift("rollback")
        wait_until(lambda: job.ask(IRIS_SETOSA)["version"] == "v1", what="v1 is served")
        answers.append(job.ask(IRIS_SETOSA))
        history, children = job.skylift("history"), descendants(job.pid)
        job.send(signal.SIGTERM)
        return Story(job, children, made, answers, pasted, versions, trained, history, job.ended())


def of_one_candidate(folder: Path) -> Path:
    """The shipped configuration with one quick candidate."""
    document = yaml.safe_load(IRIS_CONFIG.read_text(encoding="utf-8"))
    document["data"]["path"] = str(ROOT / "data" / "raw" / "Iris.csv")
    document["candidates"] = [candidate for candidate in document["candidates"] if candidate["name"] == "discriminant"]
    path = folder / "model.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


class TestServing:
    def test_the_printed_line_can_be_pasted_and_gets_a_prediction(self, story: Story) -> None:
        (prediction,) = story.pasted["predictions"]

        assert prediction["label"] in {"setosa", "versicolor", "virginica"}

    def test_a_setosa_is_recognised(self, story: Story) -> None:
        answer = story.answers[0]

        assert answer["model"] == "iris"
        assert answer["predictions"][0]["label"] == "setosa"

    def test_what_happened_is_told_in_a_short_table(self, story: Story) -> None:
        names = {line.split("  ")[0] for line in story.job.printed.splitlines()}

        assert {"data", "selected", "holdout", "gates", "serving", "first answer", "logs"} <= names
        assert "150 rows, 4 features" in story.job.printed
        assert len(story.job.printed.splitlines()) < 40

    def test_progress_is_visible_while_it_works(self, story: Story) -> None:
        assert "candidate 1 of 5: logistic" in story.job.told
        assert "candidate 5 of 5: svm" in story.job.told

    def test_every_candidate_is_on_the_board(self, story: Story) -> None:
        assert "Candidates, cross-validated" in story.job.printed
        for candidate in ("logistic", "discriminant", "forest", "boosting", "svm"):
            assert re.search(rf"^{candidate} +[01]\.\d{{4}} \+- ", story.job.printed, flags=re.MULTILINE)

    def test_the_working_directory_gets_nothing_but_a_build_folder(self, story: Story) -> None:
        assert story.made == {"build"}


class TestAnotherTerminal:
    def test_versions_shows_the_one_that_serves(self, story: Story) -> None:
        assert re.search(r"^\* +v1 ", story.versions, flags=re.MULTILINE)

    def test_a_version_promoted_from_it_is_served_without_a_restart_and_rolled_back_too(self, story: Story) -> None:
        assert re.findall(r"^Published (v\d+)@sha256:", story.trained, flags=re.MULTILINE) == ["v2"]
        assert [answer["version"] for answer in story.answers] == ["v1", "v1", "v2", "v1"]
        assert "promotion by skylift up" in story.history
        moves = [re.findall(r"\b(v\d+|none)\b", line)[-2:] for line in story.history.splitlines()[1:]]
        assert moves == [["v2", "v1"], ["v1", "v2"], ["none", "v1"]]


def test_sigterm_ends_everything_without_a_trace_a_process_a_file_or_an_open_port(story: Story) -> None:
    assert story.code == 0
    assert story.children, "the service is a process of its own"
    assert not [pid for pid in story.children if lives(pid)]
    assert story.job.printed.endswith("Stopped.\n")
    assert "Traceback" not in story.job.told
    assert not list(story.job.folder.glob("build/**/local.env"))
    with socket.create_server(("127.0.0.1", story.job.port)):
        pass  # the port is free again
