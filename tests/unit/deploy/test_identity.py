"""A deployment's name leads to its commit and run, and no two have the same."""

import re
from datetime import UTC, datetime

import pytest

from deploy.identity import deployment_name
from tests.support.templates import source
from training.release.git import GitState

COMMIT = "1a2b3c4d5e6f" + "0" * 28
NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
RUN = {"GITHUB_RUN_ID": "12345678901", "GITHUB_RUN_ATTEMPT": "2"}


@pytest.mark.parametrize(
    ("state", "environment", "name"),
    [
        (GitState(COMMIT, dirty=False), RUN, "1a2b3c4d5e6f-12345678901.2"),
        (GitState(COMMIT, dirty=False), {}, "1a2b3c4d5e6f-20261125T093000Z"),
        (GitState(COMMIT, dirty=True), {}, "1a2b3c4d5e6f-dirty-20261125T093000Z"),
        (GitState(problem="no repository"), {}, "unknown-20261125T093000Z"),
    ],
)
def test_it_is_commit_and_run_as_the_template_takes_them(
    state: GitState, environment: dict[str, str], name: str
) -> None:
    assert deployment_name(state, environment, now=NOW) == name
    assert re.fullmatch(source()["Parameters"]["Release"]["AllowedPattern"], name)


def test_a_job_that_is_run_again_makes_another_version() -> None:
    state = GitState(COMMIT, dirty=False)
    first, again = (deployment_name(state, RUN | {"GITHUB_RUN_ATTEMPT": attempt}, now=NOW) for attempt in "12")

    assert first != again
