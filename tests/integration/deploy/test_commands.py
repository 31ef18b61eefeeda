"""`python -m deploy` as a person or a workflow uses it, with an AWS in memory and a `sam` that only takes notes."""

import hashlib
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from botocore.exceptions import ClientError

import training.cli.connection
from deploy import cli
from skylift.aws import ssm_client
from skylift.pointer import ActivePointer
from skylift.references import Reference
from skylift.registry import Registry
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.cloudformation import CloudFormation
from tests.support.commands import done, failure_lines
from tests.support.function_versions import FUNCTION, FunctionVersions
from tests.support.image_repository import Repository
from tests.support.models import iris_package
from tests.support.tables import lines, write_project

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in for sam is a POSIX script")

SAMCONFIG = """
[dev.deploy.parameters]
stack_name = "skylift-dev"
parameter_overrides = "Stage=dev Note='two words'"
"""
TEMPLATE = """
Parameters:
  Stage: {Type: String}
  Note: {Type: String, Default: ""}
  MemorySize: {Type: Number, Default: 1024}
  Release: {Type: String, Default: ""}
  DeploymentPreference: {Type: String, Default: Canary}
"""
RELEASE = "unknown-1234.1"  # of the run below, in no repository
IMAGE = "inferencefunction:inference"
IMAGE_ID = "sha256:" + "1a" * 32
BUILT = f"{TEMPLATE}Resources:\n  InferenceFunction:\n    Properties:\n      ImageUri: {IMAGE}\n"
OUTPUTS = {
    "ApiUrl": "https://abc.execute-api.eu-central-1.amazonaws.com",
    "ModelBucketName": BUCKET,
    "Stage": STAGE,
    "ModelName": MODEL,
    "ActiveParameterName": f"/skylift/{STAGE}/{MODEL}/active",
    "InferenceFunctionName": FUNCTION,
}
VERSION = f"arn:aws:lambda:eu-central-1:123456789012:function:{FUNCTION}:2"
RESOURCES = {"ModelBucket": ("AWS::S3::Bucket", BUCKET), "InferenceVersion": ("AWS::Lambda::Version", VERSION)}


class Tool:
    """A program on PATH that notes what it was asked and with which region, and ends with a code."""

    def __init__(self, folder: Path, name: str, *, says: str = "") -> None:
        self._notes, self._code = folder / f"{name}.notes", folder / f"{name}.code"
        program = folder / name
        program.write_text(
            f"#!{sys.executable}\n"
            "import os, pathlib, shlex, sys\n"
            f"with open({str(self._notes)!r}, 'a') as notes:\n"
            "    print(shlex.join([os.environ.get('AWS_DEFAULT_REGION', ''), *sys.argv[1:]]), file=notes)\n"
            f"print({says!r}, end='')\n"
            f"code = pathlib.Path({str(self._code)!r})\n"
            "sys.exit(int(code.read_text()) if code.exists() else 0)\n",
            encoding="utf-8",
        )
        program.chmod(0o755)

    @property
    def asked(self) -> list[list[str]]:
        """Region and arguments of each call."""
        if not self._notes.exists():
            return []
        return [shlex.split(line) for line in self._notes.read_text(encoding="utf-8").splitlines()]

    def fails(self) -> None:
        """End with an error from now on."""
        self._code.write_text("1", encoding="utf-8")


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aws: None) -> None:
    (tmp_path / "samconfig.toml").write_text(SAMCONFIG, encoding="utf-8")
    (tmp_path / "template.yaml").write_text(TEMPLATE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_RUN_ID", "1234")
    monkeypatch.delenv("GITHUB_RUN_ATTEMPT", raising=False)


@pytest.fixture(autouse=True)
def versions(monkeypatch: pytest.MonkeyPatch) -> FunctionVersions:
    """Two versions of the code; the second answers, and the stack has it."""
    found = FunctionVersions({1: "dev iris a-1.1", 2: "dev iris b-2.1"}, live=2)
    monkeypatch.setattr(cli, "lambda_client", lambda **_: found)
    return found


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return folder


@pytest.fixture
def sam(programs: Path) -> Tool:
    return Tool(programs, "sam")


@pytest.fixture
def docker(programs: Path) -> Tool:
    return Tool(programs, "docker", says=IMAGE_ID)


def built() -> None:
    """What `sam build` leaves behind."""
    folder = Path(".aws-sam/build")
    folder.mkdir(parents=True)
    (folder / "template.yaml").write_text(BUILT, encoding="utf-8")
    requirements = Path("functions/inference/requirements.txt")
    requirements.parent.mkdir(parents=True)
    requirements.write_text("numpy==2.5.5 \\\n    --hash=sha256:abc\n", encoding="utf-8")


def packaged() -> Path:
    """A release; the stand-in for docker writes no images, so that they are added."""
    built()
    result = deploy("package", "--stage", "dev")
    assert result.exit_code == 0, result.output
    folder = Path("build/release")
    images, manifest = folder / "images.tar", folder / "release.json"
    images.write_bytes(b"layers")
    document = json.loads(manifest.read_text(encoding="utf-8"))
    document["files"]["images.tar"] = hashlib.sha256(b"layers").hexdigest()
    manifest.write_text(json.dumps(document), encoding="utf-8")
    return folder


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> CloudFormation:
    client = CloudFormation(outputs=OUTPUTS, resources=RESOURCES)
    asks(monkeypatch, client)
    return client


def asks(monkeypatch: pytest.MonkeyPatch, client: CloudFormation) -> None:
    """Let every module that asks CloudFormation ask this one."""
    for module in (cli, training.cli.connection):
        monkeypatch.setattr(module, "cloudformation_client", lambda: client)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """Calls of `skylift`, made in this process; a small table is trained."""
    calls: list[tuple[str, ...]] = []
    table = lines("x,n,y", lambda row: f"{row},{row % 7},{'ab'[row // 20]}")
    config = write_project(tmp_path, table, select_by="accuracy")

    def skylift(*arguments: str) -> None:
        calls.append(arguments)
        done(*arguments, *(("--config", str(config)) if arguments[0] == "train" else ()))

    monkeypatch.setattr(cli, "_skylift", skylift)
    return calls


def deploy(*arguments: object) -> typer.testing.Result:
    return typer.testing.CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def refused(*arguments: object) -> str:
    result = deploy(*arguments)
    assert result.exit_code == 1, result.output
    return failure_lines(result.stderr)


def promoted(registry: Registry) -> Registry:
    package = iris_package()
    registry.promote(registry.publish(package.describe, package.artifacts).reference)
    return registry


class TestUp:
    def test_it_says_who_deploys_what_where_then_builds_and_deploys(
        self, sam: Tool, stack: CloudFormation, registry: Registry
    ) -> None:
        promoted(registry)

        result = deploy("up", "--stage", "dev", "--yes")

        assert result.exit_code == 0, result.output
        facts = dict(line.split(maxsplit=1) for line in result.stderr.splitlines())
        assert facts["account"].strip() == "123456789012"
        assert facts["region"].strip() == "eu-central-1"
        assert sam.asked == [
            [
                *("eu-central-1", "build", "--config-env", "dev"),
                *("--parameter-overrides", 'Stage="dev"', 'Note="two words"', f'Release="{RELEASE}"'),
            ],
            [
                *("eu-central-1", "deploy", "--config-file", str(Path("samconfig.toml").resolve())),
                *("--config-env", "dev", "--stack-name", "skylift-dev"),
                *("--no-fail-on-empty-changeset", "--no-confirm-changeset", "--resolve-image-repos", "--resolve-s3"),
                *("--parameter-overrides", 'Stage="dev"', 'Note="two words"', f'Release="{RELEASE}"'),
            ],
        ]

    def test_it_ends_with_the_url_and_a_signed_call(self, sam: Tool, stack: CloudFormation, registry: Registry) -> None:
        promoted(registry)

        text = deploy("up", "--stage", "dev", "--yes").stdout

        assert OUTPUTS["ApiUrl"] in text
        assert "--aws-sigv4 aws:amz:eu-central-1:execute-api" in text
        assert '"sepal_length": ' in text

    def test_the_call_brings_what_the_deployed_api_asks_for(
        self, sam: Tool, monkeypatch: pytest.MonkeyPatch, registry: Registry
    ) -> None:
        client = CloudFormation(outputs=OUTPUTS, parameters={"Auth": "JWT"}, resources=RESOURCES)
        asks(monkeypatch, client)
        promoted(registry)

        text = deploy("up", "--stage", "dev", "--yes").stdout

        assert '-H "authorization: Bearer $SKYLIFT_TOKEN"' in text
        assert "--aws-sigv4" not in text

    def test_a_parameter_of_the_command_line_wins_over_the_files(
        self, sam: Tool, stack: CloudFormation, registry: Registry
    ) -> None:
        promoted(registry)

        deploy("up", "--stage", "dev", "--yes", "--set", "MemorySize=2048", "--set", "Note=")

        # Also in the build: the image is built for the architecture that is deployed.
        for asked in sam.asked:
            assert asked[-4:-1] == ['Stage="dev"', 'Note=""', 'MemorySize="2048"']

    def test_a_release_is_deployed_as_it_is_without_a_build(
        self, sam: Tool, docker: Tool, stack: CloudFormation
    ) -> None:
        packaged()

        result = deploy("up", "--stage", "dev", "--yes", "--release", "build/release", "--model", "keep")

        assert result.exit_code == 0, result.output
        assert [asked[1] for asked in sam.asked] == ["build", "deploy"]
        assert sam.asked[-1][sam.asked[-1].index("--template-file") + 1] == "build/release/stack/template.yaml"
        assert docker.asked[-1][1:] == ["load", "--input", "build/release/images.tar"]

    def test_a_place_for_artifacts_and_a_role_come_from_the_environment_of_a_workflow(
        self, sam: Tool, docker: Tool, stack: CloudFormation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("IMAGE_REPOSITORY", "example/skylift")
        monkeypatch.setenv("ARTIFACT_BUCKET", "artifacts")
        monkeypatch.setenv("CLOUDFORMATION_ROLE_ARN", "arn:role")
        monkeypatch.setattr(cli, "ecr_client", lambda: Repository({IMAGE_ID.replace(":", "-"): "sha256:abc"}))
        built()

        deploy("up", "--stage", "dev", "--yes", "--model", "keep")

        said = " ".join(sam.asked[-1])
        assert "--image-repository example/skylift --no-resolve-s3 --s3-bucket artifacts --role-arn arn:role" in said
        template = Path(sam.asked[-1][sam.asked[-1].index("--template-file") + 1])
        (function,) = json.loads(template.read_text(encoding="utf-8"))["Resources"].values()
        assert function["Properties"]["ImageUri"] == "example/skylift@sha256:abc"
        assert function["Properties"]["Environment"] == {"Variables": {"SKYLIFT_IMAGE_DIGEST": "sha256:abc"}}

    def test_the_first_model_is_trained_and_promoted(
        self, sam: Tool, stack: CloudFormation, registry: Registry, trained: list[tuple[str, ...]]
    ) -> None:
        result = deploy("up", "--stage", "dev", "--yes")

        assert result.exit_code == 0, result.output
        assert trained == [("train", "--stack", "skylift-dev"), ("promote", "v1", "--stack", "skylift-dev")]
        assert registry.resolve().manifest.version == 1

    def test_a_model_that_is_active_stays(
        self, sam: Tool, stack: CloudFormation, registry: Registry, trained: list[tuple[str, ...]]
    ) -> None:
        promoted(registry)

        deploy("up", "--stage", "dev", "--yes")

        assert trained == []

    def test_a_version_that_nobody_promoted_is_not_promoted_here(
        self, sam: Tool, stack: CloudFormation, registry: Registry, trained: list[tuple[str, ...]]
    ) -> None:
        package = iris_package()
        registry.publish(package.describe, package.artifacts)

        assert "skylift promote v1 --stack skylift-dev" in deploy("up", "--stage", "dev", "--yes").stdout
        assert trained == []

    def test_a_pointer_into_another_bucket_leads_to_a_first_model(
        self, sam: Tool, stack: CloudFormation, registry: Registry, trained: list[tuple[str, ...]]
    ) -> None:
        """The pointer outlives a stack, and the next one has another bucket."""
        ActivePointer(STAGE, MODEL, client=ssm_client()).move(Reference(1, "0" * 64))

        result = deploy("up", "--stage", "dev", "--yes")

        assert result.exit_code == 0, result.output
        assert "The pointer names v1, which the stack's bucket does not have" in result.stdout
        assert "make deploy PARAMS='ModelBucketName=...'" in result.stdout
        assert [verb for verb, *_ in trained] == ["train", "promote"]
        assert registry.resolve().manifest.version == 1
        assert "Try it" in result.stdout

    def test_a_workflow_can_leave_the_model_to_others(
        self, sam: Tool, stack: CloudFormation, registry: Registry, trained: list[tuple[str, ...]]
    ) -> None:
        assert deploy("up", "--stage", "dev", "--yes", "--model", "keep").exit_code == 0
        assert trained == []

    def test_a_new_stack_without_a_model_is_told_with_the_two_commands(
        self, sam: Tool, stack: CloudFormation, versions: FunctionVersions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stack, "_outputs", {})
        monkeypatch.setattr("deploy.sam.deploy", lambda *_, **__: monkeypatch.setattr(stack, "_outputs", OUTPUTS))

        new = deploy("up", "--stage", "dev", "--yes", "--model", "keep").stdout
        again = deploy("up", "--stage", "dev", "--yes", "--model", "keep").stdout

        assert "skylift train --stack skylift-dev\n  skylift promote v1 --stack skylift-dev" in new
        assert "skylift train" not in again

    def test_a_failure_of_sam_ends_it_with_where_to_read_on(self, sam: Tool, stack: CloudFormation) -> None:
        sam.fails()

        assert "sam build ended with code 1" in (line := refused("up", "--stage", "dev", "--yes"))
        assert "docs/runbooks/deploy-failed.md" in line


class TestRefusals:
    """Everything that can be known is found out before the first minute of a build."""

    @pytest.mark.parametrize("command", [("up", "--stage", "dev"), ("down", "--stage", "dev")])
    def test_without_a_terminal_yes_must_be_said(
        self, command: tuple[str, ...], sam: Tool, stack: CloudFormation
    ) -> None:
        assert "add YES=1 (or --yes)" in refused(*command)
        assert sam.asked == []
        assert stack.status == "CREATE_COMPLETE"

    def test_wrong_parameters(self, sam: Tool, stack: CloudFormation) -> None:
        assert "there is no parameter Colour" in refused("up", "--stage", "dev", "--yes", "--set", "Colour=red")
        assert sam.asked == []

    def test_an_unknown_stage(self, sam: Tool, stack: CloudFormation) -> None:
        assert "has no stage test\nhint: there are: dev" in refused("up", "--stage", "test", "--yes")

    def test_no_credentials(self, sam: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_PROFILE", "nobody")

        assert "name a profile in AWS_PROFILE" in refused("up", "--stage", "dev", "--yes")
        assert sam.asked == []

    def test_credentials_that_ran_out(self, sam: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
        class Expired:
            def get_caller_identity(self) -> Any:
                raise ClientError({"Error": {"Code": "ExpiredToken"}}, "GetCallerIdentity")

        monkeypatch.setattr(cli, "sts_client", Expired)

        assert "asking AWS who you are failed (ExpiredToken)" in refused("up", "--stage", "dev", "--yes")

    def test_a_stack_that_cannot_be_updated(self, sam: Tool, stack: CloudFormation) -> None:
        stack.status = "ROLLBACK_COMPLETE"

        assert "aws cloudformation delete-stack" in refused("up", "--stage", "dev", "--yes")
        assert sam.asked == []

    def test_no_sam(self, stack: CloudFormation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))

        assert "sam is not installed\nhint: use `make deploy`" in refused("up", "--stage", "dev", "--yes")


class TestAfterARollback:
    def test_a_deployment_is_refused_before_it_is_built(
        self, sam: Tool, stack: CloudFormation, versions: FunctionVersions
    ) -> None:
        versions.live = 1

        said = refused("up", "--stage", "dev", "--yes")

        assert "version 1 of the code answers, but stack skylift-dev has version 2" in said
        assert "AFTER_ROLLBACK=1" in said
        assert (sam.asked, versions.live) == ([], 1)

    def test_it_goes_over_the_version_of_the_stack_and_all_at_once_where_that_is_asked_for(
        self, sam: Tool, stack: CloudFormation, versions: FunctionVersions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        versions.live = 1
        found = []

        def deployed(_: object, parameters: dict[str, str], **__: object) -> None:
            found.append((versions.live, parameters["DeploymentPreference"]))
            versions.live = 3

        monkeypatch.setattr("deploy.sam.deploy", deployed)

        result = deploy("up", "--stage", "dev", "--yes", "--model", "keep", "--after-rollback")

        assert result.exit_code == 0, result.output
        assert (found, versions.live) == ([(2, "AllAtOnce")], 3)

    def test_one_that_fails_leaves_the_code_that_was_rolled_back_to(
        self, sam: Tool, docker: Tool, stack: CloudFormation, versions: FunctionVersions
    ) -> None:
        packaged()
        versions.live = 1
        sam.fails()

        refused("up", "--stage", "dev", "--yes", "--release", "build/release", "--after-rollback")

        assert (versions.live, versions.moves) == (1, 2)

    def test_a_first_deployment_has_no_code_to_look_at(
        self, sam: Tool, stack: CloudFormation, versions: FunctionVersions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stack, "_outputs", {})
        versions.live = None

        refused("up", "--stage", "dev", "--yes", "--model", "keep")

        assert [asked[1] for asked in sam.asked] == ["build", "deploy"]


class TestVersions:
    def test_each_is_listed_with_its_release_and_its_image_and_those_that_answer_are_marked(
        self, stack: CloudFormation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lambdas = FunctionVersions({1: "", 2: "", 3: ""}, live=2, weights={"3": 0.1}, releases={2: "b-2.1", 3: "c-3.1"})
        monkeypatch.setattr(cli, "lambda_client", lambda **_: lambdas)

        head, *rows = deploy("versions", "--stage", "dev").stdout.splitlines()

        assert head.split() == ["version", "published", "release", "image"]
        assert [row.split() for row in rows] == [
            ["1", "2026-11-01", "09:30:00", "unknown", "1" * 12],
            ["*", "2", "2026-11-02", "09:30:00", "b-2.1", "2" * 12],
            ["+", "3", "2026-11-03", "09:30:00", "c-3.1", "3" * 12],
        ]


class TestRollbackCode:
    def test_all_requests_go_to_the_version_before_and_what_that_leaves_is_said(
        self, stack: CloudFormation, versions: FunctionVersions
    ) -> None:
        result = deploy("rollback-code", "--stage", "dev", "--yes")

        assert result.exit_code == 0, result.output
        assert versions.live == 1
        assert "Changing to version 1 (dev iris a-1.1)" in result.stdout
        assert "skylift-dev still has version 2: deploy the corrected code with AFTER_ROLLBACK=1" in result.stdout

    def test_going_forward_again_leaves_nothing_to_do(self, stack: CloudFormation, versions: FunctionVersions) -> None:
        versions.live = 1

        text = deploy("rollback-code", "--stage", "dev", "--yes", "--to", "2").stdout

        assert versions.live == 2
        assert "still has" not in text

    @pytest.mark.parametrize(("answer", "live"), [("y", 1), ("n", 2)])
    def test_on_a_terminal_it_asks(
        self,
        stack: CloudFormation,
        versions: FunctionVersions,
        monkeypatch: pytest.MonkeyPatch,
        answer: str,
        live: int,
    ) -> None:
        monkeypatch.setattr(cli, "_check_that_someone_answers", lambda *_: None)

        typer.testing.CliRunner().invoke(cli.app, ["rollback-code", "--stage", "dev"], input=f"{answer}\n")

        assert versions.live == live

    def test_it_waits_for_a_deployment_to_be_stopped(self, stack: CloudFormation, versions: FunctionVersions) -> None:
        stack.status = "UPDATE_IN_PROGRESS"

        assert "has a deployment in progress\nhint: stop it first" in refused(
            "rollback-code", "--stage", "dev", "--yes"
        )
        assert versions.live == 2

    def test_a_stack_that_is_not_there_is_named(self, stack: CloudFormation) -> None:
        stack.status = None

        assert "stack skylift-dev has no output" in refused("rollback-code", "--stage", "dev", "--yes")


class TestPackage:
    def test_what_was_built_is_copied_with_its_images_and_needs_no_credentials(
        self, sam: Tool, docker: Tool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        built()

        result = deploy("package", "--stage", "dev")

        assert result.exit_code == 0, result.output
        assert Path("build/release/stack/template.yaml").read_text(encoding="utf-8") == BUILT
        assert docker.asked[-1][1:] == ["save", "--output", "build/release/images.tar", IMAGE]
        manifest = json.loads(Path("build/release/release.json").read_text(encoding="utf-8"))
        assert manifest["images"] == {IMAGE: IMAGE_ID}
        assert manifest["files"].keys() == {"provenance.json", "sbom.cdx.json", "stack/template.yaml"}

    def test_it_is_built_for_the_parameters_of_the_command_line(self, sam: Tool, docker: Tool) -> None:
        built()

        deploy("package", "--stage", "dev", "--set", "MemorySize=2048")

        assert sam.asked[0][-1] == 'MemorySize="2048"'

    def test_a_release_that_was_changed_is_refused_before_anything_is_asked_of_docker(
        self, sam: Tool, docker: Tool, stack: CloudFormation
    ) -> None:
        folder = packaged()
        asked = len(docker.asked)
        (folder / "images.tar").write_bytes(b"other layers")

        said = refused("up", "--stage", "dev", "--yes", "--release", folder)

        assert "build/release is not what was built: images.tar" in said
        assert len(docker.asked) == asked

    def test_a_deployment_is_named_by_the_commit_of_the_release(
        self, sam: Tool, docker: Tool, stack: CloudFormation
    ) -> None:
        manifest = packaged() / "release.json"
        document = json.loads(manifest.read_text(encoding="utf-8")) | {"commit": "c" * 40, "dirty": False}
        manifest.write_text(json.dumps(document), encoding="utf-8")

        deploy("up", "--stage", "dev", "--yes", "--model", "keep", "--release", manifest.parent)

        assert f'Release="{"c" * 12}-1234.1"' in sam.asked[-1]

    def test_a_folder_without_a_release_is_refused_with_how_to_make_one(self, stack: CloudFormation) -> None:
        assert "holds no release\nhint: make one: make package" in refused(
            "up", "--stage", "dev", "--release", "nowhere"
        )


class TestDown:
    def test_what_stays_is_said_and_the_stack_is_deleted(self, stack: CloudFormation, registry: Registry) -> None:
        promoted(registry)

        text = deploy("down", "--stage", "dev", "--yes").stdout

        assert f"AWS::S3::Bucket  {BUCKET}" in text
        assert OUTPUTS["ActiveParameterName"] in text
        assert stack.status is None

    def test_a_stack_that_is_not_there_needs_nothing(self, stack: CloudFormation) -> None:
        stack.status = None

        assert "nothing to delete" in deploy("down", "--stage", "dev", "--yes").stdout

    @pytest.mark.parametrize(("typed", "status"), [("skylift-dev", None), ("y", "CREATE_COMPLETE")])
    def test_on_a_terminal_the_name_must_be_typed(
        self, stack: CloudFormation, monkeypatch: pytest.MonkeyPatch, typed: str, status: str | None
    ) -> None:
        monkeypatch.setattr(cli, "_check_that_someone_answers", lambda *_: None)

        typer.testing.CliRunner().invoke(cli.app, ["down", "--stage", "dev"], input=f"{typed}\n")

        assert stack.status == status
