"""The handler is timed over a version in a folder."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.one_row import app_of, time_of_a_row
from tests.support.models import IRIS_SETOSA, iris_package
from training.release.folder import write_version


@pytest.fixture(autouse=True)
def _loop() -> Iterator[None]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


def test_a_row_takes_time(tmp_path: Path) -> None:
    write_version(tmp_path, iris_package())

    assert time_of_a_row(app_of(tmp_path), [IRIS_SETOSA]) > 0


def test_a_refused_row_is_an_error(tmp_path: Path) -> None:
    write_version(tmp_path, iris_package())

    with pytest.raises(ValueError, match="status 422"):
        time_of_a_row(app_of(tmp_path), [{"petal": "none"}])
