"""The commit in the lineage: that of the table's repository, or a note that says what is missing."""

import os
import subprocess
from pathlib import Path

import pytest

from training.release.git import GitState, git_state

AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


def repository(folder: Path) -> str:
    """A repository with one commit, which is returned."""
    folder.mkdir()
    for arguments in (("init", "-q"), (*AUTHOR, "commit", "-q", "--allow-empty", "-m", folder.name)):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_hook_of_another_repository_does_not_lend_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, _ = repository(tmp_path / "own"), repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))

    assert git_state(tmp_path / "own") == GitState(own, dirty=False)

    (tmp_path / "own" / "table.csv").touch()
    assert git_state(tmp_path / "own") == GitState(own, dirty=True)


def test_a_table_outside_of_a_repository_gets_a_note(tmp_path: Path) -> None:
    state = git_state(tmp_path)

    assert state == GitState(problem="no commit in the lineage: the folder of model.yaml is not in a git repository")


def test_a_repository_without_a_commit_gets_a_note(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)

    assert git_state(tmp_path) == GitState(problem="no commit in the lineage: the git repository has no commit")


def test_without_git_there_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "git is not installed" in str(git_state(tmp_path).problem)


@pytest.mark.skipif(os.name != "posix", reason="a script of its shell")
def test_a_repository_of_another_user_gets_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = tmp_path / "git"
    git.write_text(
        "#!/bin/sh\necho \"fatal: detected dubious ownership in repository at '/x'\" >&2\nexit 128\n", "utf-8"
    )
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "belongs to another user" in str(git_state(tmp_path).problem)
