"""The name of a deployment: `/health`, log lines and versions of the function have it, and it leads to the commit."""

from collections.abc import Mapping
from datetime import datetime

from training.release.git import GitState

_COMMIT_LETTERS = 12


def deployment_name(state: GitState, environment: Mapping[str, str], *, now: datetime) -> str:
    """Commit and run: no two deployments have the same, so each makes a version of the function.

    Parameters
    ----------
    state
        Commit that is deployed.
    environment
        Environment variables; those of a GitHub workflow name the run and its attempt.
    now
        Time in UTC, which takes the place of the run by hand.

    Returns
    -------
    Text of at most 40 letters, digits, dots and hyphens.

    Examples
    --------
    >>> deployment_name(GitState("1a2b3c4d5e6f" + "0" * 28, False), {}, now=datetime(2026, 11, 25, 9, 30))
    '1a2b3c4d5e6f-20261125T093000Z'
    """
    commit = state.commit[:_COMMIT_LETTERS] if state.commit else "unknown"
    changed = "-dirty" if state.dirty else ""
    run = environment.get("GITHUB_RUN_ID")
    of = f"{run}.{environment.get('GITHUB_RUN_ATTEMPT', '1')}" if run else f"{now:%Y%m%dT%H%M%SZ}"
    return f"{commit}{changed}-{of}"
