"""The stand-in for GitHub's CLI takes what the workflows of this repository take, and nothing else."""

import pytest

from tests.support.gh_cli import main, variables


def test_a_workflow_runs_with_the_inputs_that_it_declares() -> None:
    main(["workflow", "run", "promote.yml", "-f", "stage=dev", "-f", "version=v7"])


def test_a_variable_that_a_workflow_reads_can_be_set() -> None:
    main(["variable", "set", min(variables()), "--body", "x"])


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("workflow run fly.yml", "there is no workflow fly.yml"),
        ("workflow run promote.yml -f stage=dev -f version=v7 -f wings=2", "promote.yml has no input wings"),
        ("workflow run promote.yml -f stage=dev", "promote.yml needs version"),
        ("workflow run promote.yml -f stage=moon -f version=v7", "stage of promote.yml is none of"),
        ("variable set WINGS --body 2", "no workflow uses vars.WINGS"),
    ],
)
def test_what_no_workflow_takes_is_refused(command: str, reason: str) -> None:
    with pytest.raises(SystemExit, match=reason):
        main(command.split())
