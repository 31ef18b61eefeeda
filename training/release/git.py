"""The commit that a configuration is of."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 5
_PROBLEMS = {
    "not a git repository": "the folder of model.yaml is not in a git repository",
    "dubious ownership": "the git repository of model.yaml belongs to another user (see git's safe.directory)",
}


@dataclass(frozen=True, slots=True)
class GitState:
    """Commit of a working tree.

    Parameters
    ----------
    commit, dirty
        Commit, and whether the tree has changes; None where unknown.
    problem
        Reason why there is no commit, as a note for people; None with one.
    """

    commit: str | None = None
    dirty: bool | None = None
    problem: str | None = None


def git_state(folder: Path) -> GitState:
    """State of the working tree around a folder, whatever repository the environment names."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
    except (OSError, subprocess.TimeoutExpired):
        return GitState(problem="no commit in the lineage: git is not installed, or does not answer")
    except subprocess.CalledProcessError as error:
        reasons = (text for sign, text in _PROBLEMS.items() if sign in error.stderr)
        return GitState(problem=f"no commit in the lineage: {next(reasons, 'the git repository has no commit')}")
    try:
        return GitState(commit, bool(_git(folder, "status", "--porcelain")))
    except (OSError, subprocess.SubprocessError):
        return GitState(commit)


def _git(folder: Path, *arguments: str) -> str:
    # Hooks set GIT_DIR and others, which would name the repository of the hook; signs of a problem are English ones.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {"LC_ALL": "C"}
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_SECONDS,
        check=True,
    )
    return done.stdout.strip()
