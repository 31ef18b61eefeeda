"""What tests of commands that change this process share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws


@pytest.fixture
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder, environment variables and an AWS in memory that no other test sees."""
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    with mock_aws():  # forgets what an earlier test stored in this process
        pass
    yield
    os.environ.clear()
    os.environ.update(before)
