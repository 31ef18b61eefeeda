"""Files that a killed process leaves whole, and locks that end with their process."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import TIMES_OUT
from training.files import is_locked, locked, replace_file

HOLDER = """
import sys
from pathlib import Path
from training.files import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"old", b"new"):
        replace_file(path, data)

    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "folder" / "file").mkdir(parents=True)

    with pytest.raises(OSError, match="folder"):
        replace_file(tmp_path / "folder", b"new")

    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_lock_is_free_again_when_its_process_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"locked"
        assert is_locked(path)
        with pytest.raises(OSError), locked(path, wait=False):  # noqa: PT011 (another on each system)
            pass
        holder.kill()
        holder.wait(TIMES_OUT)

    assert not is_locked(path)
    with locked(path):
        assert is_locked(path)
