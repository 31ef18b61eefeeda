"""What `skylift up` made is kept: after `kill -9` the next start serves it at once, and other models are left alone."""

import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.commands import failure_lines
from tests.support.processes import Up, descendants, lives, up
from tests.support.tables import lines, write_project
from tests.support.waiting import wait_until


def quick(folder: Path, *, model: str) -> Path:
    """A small table that is learned at once."""
    text = lines("x,n,y", lambda number: f"{number},{number % 7},{'ab'[number // 20]}")
    return write_project(folder, text, model=model, select_by="accuracy")


@dataclass(frozen=True)
class Story:
    """What was seen of a model that was killed while it served v2, and started again."""

    killed: Up
    restarted: Up
    history: str
    refused: str
    orphans: set[int]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    path = quick(folder, model="quick")
    with up(folder, path) as first:
        first.wait_until_serving()
        first.skylift("train")
        first.skylift("promote", "v2")
        with up(folder, path, output="second") as second:
            assert second.ended() == 1
        history, children = first.skylift("history"), descendants(first.pid)
        first.send(signal.SIGKILL)
        first.ended()
        wait_until(lambda: not any(map(lives, children)), what="the service ends with the process that started it")
        with up(folder, path, port=first.port, output="third") as third:
            third.wait_until_serving()
            yield Story(first, third, history, second.told, children)


def test_what_served_before_a_kill_is_served_again_without_training(story: Story) -> None:
    assert story.orphans
    assert "Serving v2 of the last run" in story.restarted.told
    assert "candidate 1 of 1" not in story.restarted.told
    assert story.restarted.ask({"x": 3, "n": 3})["version"] == "v2"


def test_its_history_goes_on(story: Story) -> None:
    assert story.restarted.skylift("history") == story.history
    assert len(story.history.splitlines()) == 3


def test_a_second_process_for_the_same_model_is_refused(story: Story) -> None:
    address = re.escape(story.killed.url)
    assert re.match(rf"error: quick is being served already \({address}\)\nhint: stop", failure_lines(story.refused))


def test_another_model_beside_it_leaves_it_alone(story: Story, tmp_path: Path) -> None:
    path = quick(tmp_path, model="other")
    with up(story.killed.folder, path, output="other") as other:
        other.wait_until_serving()
        assert other.ask({"x": 3, "n": 3})["model"] == "other"
        assert re.search(r"^\* +v1 ", other.skylift("versions"), flags=re.MULTILINE)
        other.send(signal.SIGINT)
        assert other.ended() == 0

    assert re.search(r"^\* +v2 ", story.restarted.skylift("versions"), flags=re.MULTILINE)
