"""Every command of the runbooks is run as it is printed, against a local AWS.

What a local AWS cannot answer is compared with AWS's description of the service: see `ONLY_CHECKED`. `make` says what
it would run; `tests/integration/test_runbooks.py` compares that with the command line of `python -m deploy`.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.models import iris_package
from tests.support.moto_server import BUCKET, MotoServer
from tests.support.runbooks import FUNCTION, ROLE, RUNBOOKS, Machine, environment_is_posix, has_commands
from tests.support.waiting import TIMES_OUT

pytestmark = [
    pytest.mark.skipif(not environment_is_posix(), reason="runbooks are for a POSIX shell with make and git"),
]

ONLY_CHECKED = [
    "codedeploy",  # tests/e2e/test_stack_code.py follows these where a canary runs
    "cloudformation:describe-stack-events",
    "cloudformation:describe-stack-resource",
    "cloudformation:continue-update-rollback",
    "cloudformation:delete-stack",
    "cloudformation:list-stack-resources",
    "budgets",
    "ce",
    "cloudtrail",
    "lambda:get-account-settings",
    "service-quotas",
    "ssm:update-service-setting",
]


@pytest.fixture
def aws() -> Iterator[MotoServer]:
    with MotoServer() as server:
        yield server


@pytest.fixture
def machine(aws: MotoServer, tmp_path: Path) -> Machine:
    made = Machine(tmp_path / "repository", aws, " ".join(ONLY_CHECKED))
    for candidate in ("logistic", "tree"):
        package = iris_package(candidate)
        aws.registry.promote(aws.registry.publish(package.describe, package.artifacts).reference)
    return made


def active(aws: MotoServer) -> str:
    reference = aws.pointer.read()
    assert reference is not None
    return reference.name


class TestEveryCommand:
    def test_runs_as_it_is_printed(self, machine: Machine) -> None:
        for name in ("first-deploy.md", "deploy-failed.md", "alarms.md"):
            machine.run(name)

    def test_is_run_by_a_test(self) -> None:
        tested = Path(__file__).read_text(encoding="utf-8")

        # Every script begins with the commands of README.md.
        assert {name for name in filter(has_commands, RUNBOOKS) if f'"{name}"' not in tested} <= {"README.md"}


@pytest.mark.usefixtures("loaded_in_this_process")
class TestRollBackAModel:
    def test_it_goes_back_by_rollback_by_name_and_without_skylift(self, machine: Machine, aws: MotoServer) -> None:
        printed = machine.run("roll-back-a-model.md")

        moves = [move.after.partition("@")[0] for move in aws.pointer.history()]
        assert moves == ["v1", "v2", "v1", "v2"]  # promoted twice, rolled back (v1 again writes nothing), put by hand
        assert printed.count("Active: v1@sha256:") == 2


@pytest.mark.usefixtures("loaded_in_this_process")
class TestTrials:
    def test_a_version_is_tried_judged_and_rejected_and_the_champion_stays(
        self, machine: Machine, aws: MotoServer
    ) -> None:
        printed = machine.run("trials.md")

        assert active(aws) == "v2"
        assert "Rejected: v1" in printed
        (record,) = machine.s3().list_objects_v2(Bucket=BUCKET, Prefix="experiments/iris/")["Contents"]
        assert record["Key"].endswith(".json")


class TestRollBackCode:
    def test_the_alias_goes_back_and_the_last_good_commit_is_deployed(self, machine: Machine) -> None:
        machine.run("roll-back-code.md")

        assert any("-m deploy rollback-code" in line for line in machine.made)
        assert any("-m deploy up" in line for line in machine.made)
        assert any("--after-rollback" in line for line in machine.made)

    def test_a_release_is_found_by_its_tag(self, machine: Machine) -> None:
        git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", "-C", str(machine.folder)]
        for command in (
            ["tag", "--annotate", "v0.1.0", "--message", "Skylift 0.1.0", "HEAD~1"],
            ["commit", "--quiet", "--allow-empty", "-m", "Worse"],
        ):
            subprocess.run([*git, *command], check=True, timeout=TIMES_OUT)

        printed = machine.run("roll-back-code.md")

        assert re.search(r"HEAD is now at \w+ Good", printed)


class TestRestore:
    def test_a_deleted_version_is_back_and_passes_every_check_of_a_promotion(
        self, machine: Machine, aws: MotoServer
    ) -> None:
        s3 = machine.s3()
        for item in s3.list_objects_v2(Bucket=BUCKET, Prefix="models/iris/v1/")["Contents"]:
            s3.delete_object(Bucket=BUCKET, Key=item["Key"])
        assert [version.manifest.version for version in aws.registry.versions()] == [2]

        machine.run("restore-a-version.md")

        assert [version.manifest.version for version in aws.registry.versions()] == [1, 2]
        assert active(aws) == "v1"
        assert s3.get_bucket_policy(Bucket=BUCKET)["Policy"]

    @pytest.mark.usefixtures("loaded_in_this_process")
    def test_an_overwritten_file_is_what_it_was(self, machine: Machine, aws: MotoServer) -> None:
        machine.s3().put_object(Bucket=BUCKET, Key="models/iris/v1/model.joblib", Body=b"something else")

        machine.run("restore-a-version.md")

        assert active(aws) == "v1"

    @pytest.mark.usefixtures("loaded_in_this_process")
    def test_a_version_that_needs_nothing_stays_as_it_is(self, machine: Machine, aws: MotoServer) -> None:
        before = machine.s3().list_object_versions(Bucket=BUCKET)["Versions"]

        machine.run("restore-a-version.md")

        assert len(machine.s3().list_object_versions(Bucket=BUCKET)["Versions"]) == len(before)


class TestRotateAccess:
    def test_the_role_keeps_no_policy_of_it_at_the_end(self, machine: Machine) -> None:
        machine.run("rotate-access.md")

        assert machine._client("iam").list_role_policies(RoleName=ROLE)["PolicyNames"] == []


class TestCost:
    def test_everything_that_was_kept_is_gone(self, machine: Machine, aws: MotoServer) -> None:
        machine.run("cost.md")

        assert [bucket["Name"] for bucket in machine.s3().list_buckets()["Buckets"]] == []
        assert aws.pointer.read() is None
        versions = machine.function.list_versions_by_function(FunctionName=FUNCTION)["Versions"]
        assert [version["Version"] for version in versions] == ["$LATEST", "2"]
