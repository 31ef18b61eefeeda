"""A runbook becomes one script, and the machine that runs it answers as AWS does."""

from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from tests.support import runbooks
from tests.support.runbooks import script_of, section_of


def test_a_script_is_the_shell_blocks_of_the_session_and_the_runbook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "README.md").write_text("Begin:\n\n```sh\nSTAGE=dev\n```\n", encoding="utf-8")
    text = "1. First\n\n   ```sh\n   if true; then\n     a\n   fi\n   ```\n\n```yaml\nno: shell\n```\n\n```sh\nb\n```\n"
    (tmp_path / "any.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr(runbooks, "FOLDER", tmp_path)

    assert script_of("any.md") == "STAGE=dev\n\nif true; then\n  a\nfi\n\nb\n"
    assert script_of("README.md") == "STAGE=dev\n"


def test_the_section_that_is_followed_where_a_canary_runs_looks_stops_and_deploys() -> None:
    parts = section_of("deploy-failed.md", "Canary stopped")

    assert ["get-deployment " in part for part in parts] == [True, True, True]
    assert ["stop-deployment " in part for part in parts] == [False, True, False]
    assert ["update-deployment-group " in part for part in parts] == [False, False, True]


def test_its_cloudformation_answers_a_client_with_the_outputs() -> None:
    outputs = {"ApiUrl": "https://api.test?a=1&b=2", "Stage": "dev"}

    with runbooks._describing("skylift-dev", outputs) as address:
        client: Any = Session().create_client("cloudformation", endpoint_url=address)
        (stack,) = client.describe_stacks(StackName="skylift-dev")["Stacks"]

    assert {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]} == outputs
