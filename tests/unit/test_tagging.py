"""`make tag` names what the commit itself says it is."""

import shutil
import subprocess
from pathlib import Path

import pytest

from skylift.version import __version__
from tests.support.paths import ROOT
from tests.support.runbooks import environment_is_posix
from tests.support.waiting import TIMES_OUT

pytestmark = pytest.mark.skipif(not environment_is_posix(), reason="needs a POSIX shell with make and git")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A commit whose changelog has the date of its version."""
    (tmp_path / "layers" / "skylift").mkdir(parents=True)
    for name in ("Makefile", "layers/skylift/version.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text(f"## [{__version__}] - 2026-12-01\n", encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Release")
    return tmp_path


def git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=TIMES_OUT).stdout


def tag(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        **{f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    return subprocess.run(
        ["make", "tag"], cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMES_OUT, check=False
    )


def test_the_commit_gets_its_version_as_a_tag(checkout: Path) -> None:
    done = tag(checkout)

    assert done.returncode == 0, done.stderr
    assert git(checkout, "describe", "--exact-match") == f"v{__version__}\n"


def test_a_version_that_the_changelog_does_not_date_is_not_tagged(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text(f"## [{__version__}] - Unreleased\n", encoding="utf-8")
    git(checkout, "commit", "--quiet", "--all", "--message", "Not yet")

    done = tag(checkout)

    assert done.returncode != 0
    assert f"error: CHANGELOG.md has no date for {__version__}" in done.stderr
    assert git(checkout, "tag") == ""


def test_changes_that_are_not_committed_are_not_tagged(checkout: Path) -> None:
    (checkout / "notes.txt").touch()

    assert "error: commit the changes first" in tag(checkout).stderr
    assert git(checkout, "tag") == ""
