"""The function in the real Lambda runtime, against an AWS served by moto."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lambda_runtime import lay_out
from tests.support.moto_server import MotoServer


@pytest.fixture(scope="session")
def task_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A task root as in the image; a module that adds to it copies it."""
    return lay_out(tmp_path_factory.mktemp("task"))


@pytest.fixture(scope="module")
def aws() -> Iterator[MotoServer]:
    """An AWS that runs at the start of every module."""
    with MotoServer() as server:
        yield server
