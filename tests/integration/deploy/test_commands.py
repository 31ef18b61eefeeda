"""`python -m deploy` as a person or a workflow uses it, with an AWS in memory and a `sam` that only takes notes."""

import json
import os
import shlex
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from botocore.exceptions import ClientError

import training.cli.connection
from deploy import bake, caller, changes, cli, first_model
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
from tests.support.saved_images import save_image
from tests.support.stored import placed, promoted
from tests.support.tables import lines, write_project

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in for sam is a POSIX script")

SAMCONFIG = """
[dev.deploy.parameters]
stack_name = "skylift-dev"
parameter_overrides = "Stage=dev Note='two words'"
"""
TEMPLATE = """
Parameters:
  RetrainSubnets: {Type: String, Default: ''}
  Stage: {Type: String}
  Note: {Type: String, Default: ""}
  MemorySize: {Type: Number, Default: 1024}
  Release: {Type: String, Default: ""}
  DeploymentPreference: {Type: String, Default: Canary}
"""
RELEASE = "unknown-1234.1"  # of the run below, in no repository
CHANGE_SET = "arn:aws:cloudformation:eu-central-1:123456789012:changeSet/samcli-deploy1764/1a2b"
IMAGE = "inferencefunction:inference"
IMAGE_ID = "sha256:" + "1a" * 32
STATUS = b"Package: bash\nStatus: install ok installed\nArchitecture: arm64\nVersion: 5.2\n"
BUILT = f"{TEMPLATE}Resources:\n  InferenceFunction:\n    Properties:\n      ImageUri: {IMAGE}\n"
OUTPUTS = {
    "ApiUrl": "https://abc.execute-api.eu-central-1.amazonaws.com",
    "ApiId": "abc",
    "ModelBucketName": BUCKET,
    "Stage": STAGE,
    "ModelName": MODEL,
    "ActiveParameterName": f"/skylift/{STAGE}/{MODEL}/active",
    "InferenceFunctionName": FUNCTION,
}
TO_THE_FIRST: Any = {
    "FunctionName": FUNCTION,
    "Name": "live",
    "FunctionVersion": "1",
    "RoutingConfig": {"AdditionalVersionWeights": {}},
}
VERSION = f"arn:aws:lambda:eu-central-1:123456789012:function:{FUNCTION}:2"
RESOURCES = {"ModelBucket": ("AWS::S3::Bucket", BUCKET), "InferenceVersion": ("AWS::Lambda::Version", VERSION)}


class Tool:
    """A program on PATH that notes arguments and region of each call, and answers by its first argument."""

    def __init__(self, folder: Path, name: str, *, says: dict[str, str], does: str = "") -> None:
        self._notes, self._code = folder / f"{name}.notes", folder / f"{name}.code"
        program = folder / name
        program.write_text(
            f"#!{sys.executable}\n"
            "import os, pathlib, shlex, sys\n"
            f"with open({str(self._notes)!r}, 'a') as notes:\n"
            "    print(shlex.join([os.environ.get('AWS_DEFAULT_REGION', ''), *sys.argv[1:]]), file=notes)\n"
            f"print({says!r}.get(sys.argv[1], ''))\n"
            f"print('the last line of ' + sys.argv[1], file=sys.stderr)\n"
            f"{does}\n"
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
    monkeypatch.setattr(changes, "_POLL_SECONDS", 0)


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
def sam(programs: Path, docker: Tool) -> Tool:
    return Tool(programs, "sam", says={"deploy": f"Changeset created successfully. {CHANGE_SET}"})


@pytest.fixture
def docker(programs: Path) -> Tool:
    """Docker, whose images are those of `sam build` on a base that no registry has."""
    saved = save_image(programs / "saved.tar", IMAGE, {"var/lib/dpkg/status": STATUS})
    does = f"""
if sys.argv[1] == "save":
    pathlib.Path(sys.argv[3]).write_bytes(pathlib.Path({str(saved)!r}).read_bytes())
elif sys.argv[1] == "image":
    print("[]" if "{{{{json .RepoDigests}}}}" in sys.argv else {IMAGE_ID!r})
"""
    return Tool(programs, "docker", says={"version": "arm64", "images": IMAGE_ID}, does=does)


def built() -> None:
    """What `sam build` leaves behind."""
    folder = Path(".aws-sam/build")
    folder.mkdir(parents=True)
    (folder / "template.yaml").write_text(BUILT, encoding="utf-8")
    requirements = Path("functions/inference/requirements.txt")
    requirements.parent.mkdir(parents=True)
    requirements.write_text("numpy==2.5.5 \\\n    --hash=sha256:abc\n", encoding="utf-8")
    requirements.with_name("Dockerfile").write_text("FROM base:1 AS base\nFROM base\n", encoding="utf-8")


def packaged() -> Path:
    """A release."""
    built()
    result = deploy("package", "--stage", "dev")
    assert result.exit_code == 0, result.output
    return Path("build/release")


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

    monkeypatch.setattr(first_model, "_skylift", skylift)
    return calls


def deploy(*arguments: object) -> typer.testing.Result:
    return typer.testing.CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def refused(*arguments: object) -> str:
    result = deploy(*arguments)
    assert result.exit_code == 1, result.output
    return failure_lines(result.stderr)


class TestUp:
    def test_it_says_who_deploys_what_where_then_builds_and_deploys(
        self, sam: Tool, stack: CloudFormation, registry: Registry
    ) -> None:
        promoted(iris_package())

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
                *("--no-execute-changeset", "--no-confirm-changeset", "--no-fail-on-empty-changeset"),
                *("--resolve-image-repos", "--resolve-s3"),
                *("--parameter-overrides", 'Stage="dev"', 'Note="two words"', f'Release="{RELEASE}"'),
            ],
        ]
        assert stack.executed == [CHANGE_SET]
        assert "Changes: 1 Modify, 1 Add" in result.stdout

    def test_it_ends_with_the_url_and_a_signed_call(self, sam: Tool, stack: CloudFormation, registry: Registry) -> None:
        promoted(iris_package())

        text = deploy("up", "--stage", "dev", "--yes").stdout

        assert OUTPUTS["ApiUrl"] in text
        assert "--aws-sigv4 aws:amz:eu-central-1:execute-api" in text
        assert '"sepal_length": ' in text

    def test_the_call_brings_what_the_deployed_api_asks_for(
        self, sam: Tool, monkeypatch: pytest.MonkeyPatch, registry: Registry
    ) -> None:
        client = CloudFormation(outputs=OUTPUTS, parameters={"Auth": "JWT"}, resources=RESOURCES)
        asks(monkeypatch, client)
        promoted(iris_package())

        text = deploy("up", "--stage", "dev", "--yes").stdout

        assert '-H "authorization: Bearer $SKYLIFT_TOKEN"' in text
        assert "--aws-sigv4" not in text

    def test_a_parameter_of_the_command_line_wins_over_the_files(
        self, sam: Tool, stack: CloudFormation, registry: Registry
    ) -> None:
        promoted(iris_package())

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

    def test_training_on_fargate_needs_a_repository_for_its_image(self, sam: Tool, stack: CloudFormation) -> None:
        result = deploy("up", "--stage", "dev", "--yes", "--set", "RetrainSubnets=subnet-1")

        assert result.exit_code == 1
        assert "RetrainSubnets needs an image repository" in result.stderr
        assert sam.asked == []

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
        promoted(iris_package())

        deploy("up", "--stage", "dev", "--yes")

        assert trained == []

    def test_a_version_that_nobody_promoted_is_not_promoted_here(
        self, sam: Tool, stack: CloudFormation, registry: Registry, trained: list[tuple[str, ...]]
    ) -> None:
        placed(iris_package())

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
        stack.status = None
        stack.executing = lambda: monkeypatch.setattr(stack, "_outputs", OUTPUTS)

        new = deploy("up", "--stage", "dev", "--yes", "--model", "keep").stdout
        again = deploy("up", "--stage", "dev", "--yes", "--model", "keep").stdout

        assert "skylift train --stack skylift-dev\n  skylift promote v1 --stack skylift-dev" in new
        assert "skylift train" not in again

    def test_a_failure_of_sam_ends_it_with_its_last_lines_and_where_to_read_on(
        self, sam: Tool, stack: CloudFormation
    ) -> None:
        sam.fails()

        result = deploy("up", "--stage", "dev", "--yes")

        assert "the last line of build\n" in result.stderr
        assert "sam build ended with code 1" in (line := failure_lines(result.stderr))
        assert "docs/runbooks/deploy-failed.md" in line

    @pytest.mark.parametrize(("verbose", "seen"), [("1", True), ("", False)])
    def test_what_programs_print_is_shown_where_it_is_asked_for(
        self, sam: Tool, stack: CloudFormation, monkeypatch: pytest.MonkeyPatch, verbose: str, seen: bool
    ) -> None:
        monkeypatch.setenv("VERBOSE", verbose)

        result = deploy("up", "--stage", "dev", "--yes", "--model", "keep")

        assert ("Changeset created successfully" in result.stderr) == seen

    def test_no_url_is_cut_in_two(self, sam: Tool, monkeypatch: pytest.MonkeyPatch, stack: CloudFormation) -> None:
        url = f"https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#{'x' * 100}"
        monkeypatch.setattr(stack, "_outputs", OUTPUTS | {"OverviewDashboardUrl": url})

        assert f" {url}\n" in deploy("up", "--stage", "dev", "--yes", "--model", "keep").stdout

    def test_values_that_the_stack_has_are_those_it_is_built_for(
        self, sam: Tool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """CloudFormation keeps them where no new ones are given, so the image must fit them."""
        client = CloudFormation(outputs=OUTPUTS, parameters={"MemorySize": "2048"}, resources=RESOURCES)
        asks(monkeypatch, client)

        deploy("up", "--stage", "dev", "--yes", "--model", "keep")

        assert 'MemorySize="2048"' in sam.asked[0]
        assert 'MemorySize="2048"' not in sam.asked[1]

    @pytest.mark.parametrize(("preference", "asked"), [("AllAtOnce", []), ("Canary", ["unknown-1234.1"])])
    def test_a_canary_gets_golden_requests(
        self,
        sam: Tool,
        stack: CloudFormation,
        monkeypatch: pytest.MonkeyPatch,
        preference: str,
        asked: list[str],
    ) -> None:
        found = []

        class Bake(nullcontext[None]):
            def __init__(self, release: str, *_: object, **__: object) -> None:
                super().__init__()
                found.append(release)

        monkeypatch.setattr(bake, "Bake", Bake)

        deploy("up", "--stage", "dev", "--yes", "--model", "keep", "--set", f"DeploymentPreference={preference}")

        assert found == asked

    def test_one_whose_api_wants_a_token_is_told_to_get_none(self, sam: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
        client = CloudFormation(outputs=OUTPUTS, parameters={"Auth": "JWT"}, resources=RESOURCES)
        asks(monkeypatch, client)

        result = deploy("up", "--stage", "dev", "--yes", "--model", "keep")

        assert result.exit_code == 0, result.output
        assert "a canary gets no golden requests (the API wants a token" in result.stderr
        assert client.executed == [CHANGE_SET]

    def test_old_versions_of_the_code_are_deleted_after_a_good_deployment(
        self, sam: Tool, stack: CloudFormation, versions: FunctionVersions
    ) -> None:
        versions.descriptions = dict.fromkeys(range(1, 9), "")

        text = deploy("up", "--stage", "dev", "--yes", "--model", "keep").stdout

        assert "Old versions of the code were deleted: 1, 3\n" in text
        assert list(versions.descriptions) == [2, 4, 5, 6, 7, 8]

    def test_a_role_that_may_not_delete_them_is_told_and_the_deployment_is_good(
        self, sam: Tool, stack: CloudFormation, versions: FunctionVersions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(**_: object) -> None:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DeleteFunction")

        versions.descriptions = dict.fromkeys(range(1, 9), "")
        monkeypatch.setattr(versions, "delete_function", refuse)

        result = deploy("up", "--stage", "dev", "--yes", "--model", "keep")

        assert result.exit_code == 0, result.output
        assert "old versions of the code stay" in result.stderr

    @pytest.mark.parametrize(("answer", "executed", "discarded"), [("y", [CHANGE_SET], []), ("n", [], [CHANGE_SET])])
    def test_on_a_terminal_the_changes_are_shown_and_confirmed(
        self,
        sam: Tool,
        stack: CloudFormation,
        monkeypatch: pytest.MonkeyPatch,
        answer: str,
        executed: list[str],
        discarded: list[str],
    ) -> None:
        monkeypatch.setattr(cli, "_check_that_someone_answers", lambda *_: None)
        words = ["up", "--stage", "dev", "--model", "keep"]

        result = typer.testing.CliRunner().invoke(cli.app, words, input=f"{answer}\n")

        assert "Modify  InferenceFunction " in result.stdout
        assert (stack.executed, stack.discarded) == (executed, discarded)

    def test_an_interrupt_says_that_cloudformation_goes_on_and_how_to_watch_it(
        self, sam: Tool, stack: CloudFormation
    ) -> None:
        def executing() -> None:
            stack.status = "UPDATE_IN_PROGRESS"
            raise KeyboardInterrupt

        stack.executing = executing

        result = deploy("up", "--stage", "dev", "--yes")

        assert result.exit_code == 130
        assert "CloudFormation continues with skylift-dev" in result.stderr
        assert "aws cloudformation describe-stack-events --stack-name skylift-dev" in result.stderr


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

        monkeypatch.setattr(caller, "sts_client", Expired)

        assert "asking AWS who you are failed (ExpiredToken)" in refused("up", "--stage", "dev", "--yes")

    def test_a_stack_that_cannot_be_updated(self, sam: Tool, stack: CloudFormation) -> None:
        stack.status = "ROLLBACK_COMPLETE"

        assert "aws cloudformation delete-stack" in refused("up", "--stage", "dev", "--yes")
        assert sam.asked == []

    def test_no_sam(self, docker: Tool, programs: Path, stack: CloudFormation, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(programs))

        assert "sam is not installed\nhint: use `make deploy`" in refused("up", "--stage", "dev", "--yes")

    def test_a_stack_of_another_origin(self, sam: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
        asks(monkeypatch, CloudFormation(outputs={"QueueUrl": "https://x"}))

        assert "stack skylift-dev was not made from template.yaml" in refused("up", "--stage", "dev", "--yes")
        assert sam.asked == []

    @pytest.mark.parametrize("command", [("up", "--stage", "dev", "--yes"), ("package", "--stage", "dev")])
    def test_no_docker(
        self, command: tuple[str, ...], stack: CloudFormation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))

        assert "docker is not installed" in refused(*command)

    @pytest.mark.parametrize("command", [("up", "--stage", "dev", "--yes"), ("package", "--stage", "dev")])
    def test_a_docker_that_is_off(
        self, command: tuple[str, ...], sam: Tool, docker: Tool, stack: CloudFormation
    ) -> None:
        docker.fails()

        assert "Docker does not run\nhint: start its engine" in refused(*command)
        assert sam.asked == []

    @pytest.mark.parametrize("command", [("up", "--stage", "dev", "--yes"), ("package", "--stage", "dev")])
    def test_a_docker_that_builds_for_another_processor(
        self, command: tuple[str, ...], sam: Tool, programs: Path, stack: CloudFormation
    ) -> None:
        """The template's default is arm64; the engine's `buildx` names no other platform than its own."""
        text = TEMPLATE + "  Architecture: {Type: String, Default: arm64}\n"
        Path("template.yaml").write_text(text, encoding="utf-8")
        Tool(programs, "docker", says={"version": "amd64", "buildx": "Platforms: linux/amd64*, linux/386"})

        said = refused(*command)

        assert "the images are for arm64, and Docker here builds for x86_64 only" in said
        assert "PARAMS='Architecture=x86_64'" in said
        assert sam.asked == []


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
        self, sam: Tool, stack: CloudFormation, versions: FunctionVersions
    ) -> None:
        versions.live = 1
        found = []

        def executing() -> None:
            found.append(versions.live)
            versions.live = 3

        stack.executing = executing

        result = deploy("up", "--stage", "dev", "--yes", "--model", "keep", "--after-rollback")

        assert result.exit_code == 0, result.output
        assert (found, versions.live) == ([2], 3)
        assert 'DeploymentPreference="AllAtOnce"' in sam.asked[-1]

    def test_one_that_fails_leaves_the_code_that_was_rolled_back_to(
        self, sam: Tool, docker: Tool, stack: CloudFormation, versions: FunctionVersions
    ) -> None:
        versions.live = 1

        def executing() -> None:
            assert versions.live == 2
            stack.happens("InferenceFunctionAliaslive", "UPDATE_FAILED", "the hook failed")
            stack.status = "UPDATE_ROLLBACK_COMPLETE"

        stack.executing = executing

        said = refused("up", "--stage", "dev", "--yes", "--after-rollback")

        assert (versions.live, versions.moves) == (1, 2)
        assert "ended in UPDATE_ROLLBACK_COMPLETE (InferenceFunctionAliaslive: the hook failed)" in said

    def test_what_is_not_executed_moves_nothing(
        self, sam: Tool, stack: CloudFormation, versions: FunctionVersions
    ) -> None:
        versions.live = 1
        sam.fails()

        refused("up", "--stage", "dev", "--yes", "--after-rollback")

        assert (versions.live, versions.moves, stack.executed) == (1, 0, [])

    def test_one_that_happens_during_the_build_is_seen_before_anything_is_changed(
        self, sam: Tool, stack: CloudFormation, versions: FunctionVersions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("deploy.sam.build", lambda *_, **__: versions.update_alias(**TO_THE_FIRST))

        said = refused("up", "--stage", "dev", "--yes")

        assert "version 1 of the code answers" in said
        assert stack.executed == []

    def test_a_first_deployment_has_no_code_to_look_at(
        self, sam: Tool, stack: CloudFormation, versions: FunctionVersions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stack, "_outputs", {})
        stack.status = None
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

    def test_a_deployment_that_began_during_the_question_is_seen(
        self, stack: CloudFormation, versions: FunctionVersions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cli, "_check_that_someone_answers", lambda *_: None)

        def confirm(*_: object) -> bool:
            stack.status = "UPDATE_IN_PROGRESS"
            return True

        monkeypatch.setattr("typer.confirm", confirm)

        assert "has a deployment in progress" in refused("rollback-code", "--stage", "dev")
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
        assert docker.asked[1][1:] == ["images", "--quiet", "base:1"]
        assert docker.asked[-1][1:] == ["save", "--output", "build/release/images.tar", IMAGE]
        manifest = json.loads(Path("build/release/release.json").read_text(encoding="utf-8"))
        assert manifest["images"] == {IMAGE: IMAGE_ID}
        assert manifest["base"] is None
        assert manifest["files"].keys() == {"images.tar", "provenance.json", "sbom.cdx.json", "stack/template.yaml"}
        packages = json.loads(Path("build/release/sbom.cdx.json").read_text(encoding="utf-8"))["components"]
        assert [each["name"] for each in packages] == [IMAGE, "numpy", "bash"]

    def test_definitions_of_state_machines_travel_beside_the_template(self, sam: Tool, docker: Tool) -> None:
        built()
        machine = "  Machine:\n    Properties:\n      DefinitionUri: {}\n"
        Path("statemachine").mkdir()
        Path("statemachine/batch.asl.json").write_text("{}", encoding="utf-8")
        template = Path(".aws-sam/build/template.yaml")
        template.write_text(BUILT + machine.format("../../statemachine/batch.asl.json"), encoding="utf-8")

        deploy("package", "--stage", "dev")

        stack = Path("build/release/stack")
        assert (stack / "template.yaml").read_text(encoding="utf-8") == BUILT + machine.format("batch.asl.json")
        manifest = json.loads(Path("build/release/release.json").read_text(encoding="utf-8"))
        assert "stack/batch.asl.json" in manifest["files"]

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

    def test_a_release_of_another_architecture_than_the_stacks_is_refused_before_its_images_are_loaded(
        self, sam: Tool, docker: Tool, stack: CloudFormation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        architecture = "  Architecture: {Type: String, Default: arm64}\n"
        Path("template.yaml").write_text(TEMPLATE + architecture, encoding="utf-8")
        monkeypatch.setattr(f"{__name__}.BUILT", BUILT.replace("Resources:", f"{architecture}Resources:"))
        folder, up = packaged(), ("up", "--stage", "dev", "--yes", "--model", "keep", "--release")
        asked = len(docker.asked)

        said = refused(*up, folder, "--set", "Architecture=x86_64")

        assert "build/release was built for arm64, and the stack is for x86_64" in said
        assert "PARAMS='Architecture=arm64'" in said
        assert len(docker.asked) == asked
        assert deploy(*up, folder).exit_code == 0

    def test_a_folder_without_a_release_is_refused_with_how_to_make_one(self, stack: CloudFormation) -> None:
        assert "holds no release\nhint: make one: make package" in refused(
            "up", "--stage", "dev", "--release", "nowhere"
        )


class TestSmoke:
    def test_the_deployed_api_is_called(self, stack: CloudFormation, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cli, "smoke", lambda service: f"{service.url} answers")

        assert f"{OUTPUTS['ApiUrl']} answers" in deploy("smoke", "--stage", "dev").stdout

    def test_a_local_aws_is_called_where_it_serves_the_api(
        self, stack: CloudFormation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cli, "smoke", lambda service: f"{service.url} answers")
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566/")

        text = deploy("smoke", "--stage", "dev").stdout

        assert "http://localhost:4566/_aws/execute-api/abc/$default answers" in text

    def test_a_token_that_the_api_wants_is_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client = CloudFormation(outputs=OUTPUTS, parameters={"Auth": "JWT"})
        asks(monkeypatch, client)
        monkeypatch.delenv("SKYLIFT_TOKEN", raising=False)

        assert "put one into SKYLIFT_TOKEN" in refused("smoke", "--stage", "dev")


class TestDown:
    def test_what_stays_is_said_and_the_stack_is_deleted(self, stack: CloudFormation, registry: Registry) -> None:
        promoted(iris_package())

        text = deploy("down", "--stage", "dev", "--yes").stdout

        assert f"AWS::S3::Bucket  {BUCKET}" in text
        assert OUTPUTS["ActiveParameterName"] in text
        assert stack.status is None

    def test_an_interrupt_says_that_cloudformation_goes_on(
        self, stack: CloudFormation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(**_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(stack, "wait", interrupt)

        result = deploy("down", "--stage", "dev", "--yes")

        assert result.exit_code == 130
        assert "CloudFormation continues with skylift-dev" in result.stderr

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
