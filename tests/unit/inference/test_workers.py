"""The places of the workers of one server: one for each that lives, and what they tell each other."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.workers import WORKERS_FOLDER, Place, others_are_ready, serving

NOBODY = 4194305
"""Larger than any id of a process."""


@pytest.fixture
def places() -> Iterator[list[Place]]:
    """Places that end with the test, as those of a process do."""
    taken: list[Place] = []
    yield taken
    for place in taken:
        os.close(place._file)


def test_each_process_has_a_place_and_the_next_takes_what_one_left(places: list[Place], tmp_path: Path) -> None:
    places += [Place(tmp_path), Place(tmp_path), Place(tmp_path)]
    assert [place.number for place in places] == [0, 1, 2]

    os.close(places.pop(1)._file)
    places += [Place(tmp_path), Place(tmp_path)]
    assert [place.number for place in places] == [0, 2, 1, 3]


def test_those_that_live_serve_together(places: list[Place], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(WORKERS_FOLDER, str(tmp_path))
    places.append(Place(tmp_path))
    (tmp_path / "worker_1").write_text(f"{NOBODY} ready")
    (tmp_path / "worker_2").touch()  # which is about to be taken
    (tmp_path / "counter_0.db").touch()

    assert serving() == [os.getpid()]


def test_a_process_knows_whether_another_one_has_a_model(
    places: list[Place], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(WORKERS_FOLDER, str(tmp_path))
    places.append(Place(tmp_path))
    places[0].tell_ready()
    (tmp_path / "worker_1").write_text(f"{NOBODY} ready")
    (tmp_path / "worker_2").write_text(f"{os.getppid()} ")
    assert not others_are_ready()

    (tmp_path / "worker_2").write_text(f"{os.getppid()} ready")
    assert others_are_ready()


def test_a_process_that_has_ended_is_not_there_before_it_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(WORKERS_FOLDER, str(tmp_path))
    ended = subprocess.Popen(["true"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    (tmp_path / "worker_0").write_text(f"{ended.pid} ready")

    assert not others_are_ready()
    assert serving() == []
    ended.wait()


def test_alone_a_process_is_all_that_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WORKERS_FOLDER, raising=False)

    assert serving() == [os.getpid()]
    assert not others_are_ready()
