"""What the schemas and zizmor cannot know of the workflows: that they fit this repository."""

import os
import re
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
import yaml

from deploy import changes, sam
from deploy.release import FOLDERS
from tests.support.gh_cli import WORKFLOWS
from tests.support.paths import ROOT
from tests.support.stand_ins import write_program
from tests.support.templates import source
from tests.support.waiting import TIMES_OUT

FILES = sorted(WORKFLOWS.glob("*.yml"))


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    """Jobs with steps, by name."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return {name: job for name, job in found.items() if "steps" in job}


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_there_are_the_six() -> None:
    assert {path.stem for path in FILES} >= {"ci", "train", "retrain", "promote", "rollback", "deploy"}


def test_an_action_is_pinned_by_a_whole_commit_and_says_its_version(workflow: Path) -> None:
    uses = re.findall(r"uses: (?!\./)(.+)$", workflow.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert uses
    assert [line for line in uses if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_an_action_is_the_same_commit_everywhere() -> None:
    pins = {pin for path in FILES for pin in re.findall(r"uses: ([\w/-]+)@([0-9a-f]{40})", path.read_text("utf-8"))}

    assert len({action for action, _ in pins}) == len(pins)


def test_no_job_has_more_than_it_names_nor_runs_for_ever_nor_keeps_a_token(workflow: Path) -> None:
    assert yaml.safe_load(workflow.read_text(encoding="utf-8"))["permissions"] == {}
    for job in jobs(workflow).values():
        assert job["permissions"].keys() <= {"contents", "id-token"}
        assert job["permissions"]["contents"] == "read"
        assert job["timeout-minutes"] <= 120
        checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_a_deployment_that_is_rolled_back_ends_within_its_job_and_its_session() -> None:
    role = source("bootstrap.yaml")["Resources"]["DeployRole"]["Properties"]
    for name in ("dev", "prod"):
        job = jobs(ROOT / ".github" / "workflows" / "deploy.yml")[name]
        assert job["timeout-minutes"] * 60 > sam._CHANGE_SET_SECONDS + changes.WAIT_SECONDS
        (credentials,) = [step["with"] for step in job["steps"] if "configure-aws-credentials" in step.get("uses", "")]
        assert job["timeout-minutes"] * 60 <= credentials["role-duration-seconds"] == role["MaxSessionDuration"]


def test_what_installs_everything_else_is_pinned_by_hash() -> None:
    (version,) = re.findall(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    assert f"\nuv=={version} \\\n    --hash=sha256:" in (ROOT / "requirements-uv.txt").read_text("utf-8")


def test_whoever_gets_a_role_is_bound_to_an_environment(workflow: Path) -> None:
    for job in jobs(workflow).values():
        assumes = any("configure-aws-credentials" in step.get("uses", "") for step in job["steps"])

        assert assumes == (job["permissions"].get("id-token") == "write") == ("environment" in job)


def test_no_key_is_stored(workflow: Path) -> None:
    assert "secrets." not in workflow.read_text(encoding="utf-8")


def test_environments_are_those_that_the_roles_trust() -> None:
    trusted = set(re.findall(r"environment:\$\{Stage\}([a-z-]*)\"", (ROOT / "bootstrap.yaml").read_text("utf-8")))
    named = {job["environment"] for path in FILES for job in jobs(path).values() if "environment" in job}

    endings = {re.sub(r"^(dev|prod|\$\{\{.*?\}\})", "", str(name)) for name in named}
    assert endings == trusted == {"", "-train", "-promote", "-rollback"}


@pytest.mark.parametrize("name", ["rollback", "rollback-code"])
def test_the_way_back_waits_for_no_other_workflow(name: str) -> None:
    groups = {
        path.stem: re.findall(r"group: (\S+?)-\$", path.read_text(encoding="utf-8"))
        for path in FILES
        if path.stem != "ci"
    }

    assert groups[name] == [name]
    assert not [other for other, used in groups.items() if other != name and name in used]


def test_a_change_of_the_stack_or_of_its_images_deploys_it_and_a_change_of_documents_does_not() -> None:
    paths = yaml.safe_load((WORKFLOWS / "deploy.yml").read_text(encoding="utf-8"))[True]["push"]["paths"]

    assert {"functions/**", "layers/**", "deploy/**", "template.yaml", "samconfig.toml"} <= set(paths)
    for folder in FOLDERS.values():
        dockerfile = (ROOT / folder / "Dockerfile").read_text(encoding="utf-8")
        copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, flags=re.MULTILINE)
        for source_path in (each for line in copied for each in line.split()):
            plain = source_path.replace("[", "").replace("]", "")
            baked = plain.startswith("build/")  # made by `skylift bake`, in no repository
            assert baked or [path for path in paths if plain.startswith(path.removesuffix("/**"))], plain
    assert not [path for path in paths if path.startswith(("docs", "tests", "**"))]
    assert [path for path in paths if not (ROOT / path.removesuffix("/**")).exists()] == []


def test_no_text_of_a_person_goes_through_make_into_a_shell() -> None:
    for path in FILES:
        inputs = (yaml.safe_load(path.read_text(encoding="utf-8"))[True] or {}).get("workflow_dispatch") or {}
        texts = {name for name, each in inputs.get("inputs", {}).items() if each["type"] == "string"}
        for job in jobs(path).values():
            given = {
                name
                for name, value in job.get("env", {}).items()
                if any(f"inputs.{text}" in str(value) for text in texts)
            }
            makes = [
                step["run"]
                for step in job["steps"]
                if "make rollback" in step.get("run", "") or "make deploy" in step.get("run", "")
            ]
            assert not (given and makes), path.name


def test_make_has_every_target_that_is_called(workflow: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {*re.findall(r"^([a-z0-9-]+):", makefile, flags=re.MULTILINE), ".venv/.main", ".venv/.dev"}
    if not (ROOT / "tests" / "e2e").exists():  # the target goes with its tests
        targets.add("e2e")
    called = {
        target
        for job in jobs(workflow).values()
        for step in job["steps"]
        for target in re.findall(r"\bmake ([\w./-]+)", step.get("run", ""))
    }

    assert called <= targets


def test_what_is_promoted_are_the_bytes_that_were_approved() -> None:
    (step,) = (step for step in jobs(WORKFLOWS / "promote.yml")["promote"]["steps"] if step.get("name") == "Promote")

    assert step["run"] == '.venv/bin/skylift promote --pinned -- "$VERSION"'


def test_a_challenge_takes_the_place_of_a_promotion_and_takes_the_same_bytes(tmp_path: Path) -> None:
    steps = {step.get("name"): step for step in jobs(WORKFLOWS / "promote.yml")["promote"]["steps"]}
    assert steps["Promote"]["if"] == "inputs.mode == 'promote'"
    assert steps["Challenge"]["if"] == "inputs.mode == 'challenge'"
    skylift = tmp_path / ".venv" / "bin" / "skylift"
    write_program(skylift, '#!/bin/sh\necho "$@"\n')
    for version, said in (("v7@sha256:" + "0" * 64, "challenge --auto -- v7@sha256:"), ("v7", "")):
        done = run(
            ["sh", "-ec", steps["Challenge"]["run"]],
            cwd=tmp_path,
            env={"VERSION": version, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=TIMES_OUT,
            check=False,
        )
        assert done.stdout.startswith(said)
        assert (done.returncode == 0) == bool(said)


def test_stages_are_those_of_samconfig() -> None:
    samconfig = (ROOT / "samconfig.toml").read_text(encoding="utf-8")
    for name in ("train", "retrain", "promote", "rollback", "rollback-code"):
        inputs = yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text(encoding="utf-8"))[True]["workflow_dispatch"]
        for stage in inputs["inputs"]["stage"]["options"]:
            assert f'stack_name = "skylift-{stage}"' in samconfig
