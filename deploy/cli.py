"""The command line: `python -m deploy --help`, mostly by `make deploy`, `make smoke` and `make destroy`."""

import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from botocore.credentials import Credentials
from botocore.session import Session

from deploy import release as releases
from deploy import sam
from deploy.calls import DeployedApi, curl, smoke
from deploy.code import DeployedCode
from deploy.identity import deployment_name
from deploy.images import pinned
from deploy.parameters import TEMPLATE, Stage, assignments, check_parameters, read_stage
from deploy.stack import Stack, StackFailed, required_output
from skylift.aws import aws_errors, cloudformation_client, ecr_client, lambda_client, s3_client, sts_client
from skylift.errors import ConfigError, IntegrityError, VersionNotFound
from skylift.references import Reference
from skylift.registry import Registry
from skylift.settings import RegistrySettings
from training.cli.commands import Commands
from training.cli.connection import stack_settings
from training.cli.console import err, facts, out, table
from training.release.git import git_state

RELEASE = Path("build/release")
_LAMBDA_SECONDS = 10
_DIGEST_DIGITS = 12
_TRAIN_SECONDS = 60 * 60
_CREDENTIALS = {
    "AWS_IAM": ", with credentials in the environment (`aws configure export-credentials --format env`)",
    "JWT": ", with a token of the issuer in SKYLIFT_TOKEN",
    "NONE": "",
}

StageOption = Annotated[str, typer.Option("--stage", help="A section of samconfig.toml.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
ReleaseOption = Annotated[
    Path | None, typer.Option("--release", help="Deploy this release; else template.yaml is built.")
]
ParameterOption = Annotated[
    list[str] | None, typer.Option("--set", help="A parameter over samconfig.toml's: Name=value.")
]


class ModelStep(StrEnum):
    """What to do about the model after the code is deployed."""

    FIRST = "first"
    KEEP = "keep"


app = typer.Typer(
    cls=Commands,
    help="Deploy Skylift to a real account, try it, and take it away.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def main(debug: Annotated[bool, typer.Option("--debug", help="Show the stack trace of a failure.")] = False) -> None:
    """Options of every command."""


@app.command()
def up(
    stage: StageOption,
    release: ReleaseOption = None,
    parameter: ParameterOption = None,
    model: Annotated[
        ModelStep, typer.Option("--model", help="first: train and promote a model if none exists.")
    ] = ModelStep.FIRST,
    after_rollback: Annotated[
        bool,
        typer.Option(
            "--after-rollback",
            help="Deploy over code that was rolled back: the version of the stack answers until the new one "
            "is checked, which then gets all requests at once.",
        ),
    ] = False,
    yes: YesOption = False,
) -> None:
    """Check, build, show the change set, deploy; train a first model if none exists; say how to call it."""
    chosen = read_stage(stage)
    manifest = releases.read(release) if release else None
    state = manifest.state if manifest else git_state(Path.cwd())
    named = {"Release": deployment_name(state, os.environ, now=datetime.now(UTC))}
    parameters = chosen.parameters | assignments(parameter or []) | named
    if after_rollback:  # a canary would leave most requests to the version that was fled
        parameters["DeploymentPreference"] = "AllAtOnce"
    template = releases.template_of(release) if release else None
    _check_that_someone_answers(yes, "deploying")
    region = _check_credentials(chosen)
    stack = Stack(chosen.stack, client=cloudformation_client())
    check_parameters(parameters, template or TEMPLATE, kept=stack.parameters())
    stack.check_deployable()
    code = _code(stack) if stack.outputs() else None
    if code and not after_rollback:
        code.check_held()
    if release:
        releases.load_images(release)
    else:
        sam.build(chosen, parameters, region=region)
    artifacts = sam.Artifacts()
    if artifacts.image_repository:
        built = template or releases.BUILT / "template.yaml"
        images = manifest.images if manifest else releases.images_of(built)
        template = pinned(built, images, artifacts.image_repository, client=ecr_client())
    with code.as_held() if code and after_rollback else nullcontext():
        sam.deploy(chosen, parameters, region=region, confirm=not yes, artifacts=artifacts, template=template)
    outputs = stack.outputs()
    url = required_output(outputs, "ApiUrl", stack.name)
    out.print(
        facts([("release", named["Release"]), ("url", url), ("dashboard", outputs.get("OverviewDashboardUrl", "none"))])
    )
    if model is ModelStep.KEEP and code is None:
        out.print(
            "A new stack has no model:",
            f"  skylift train --stack {stack.name}",
            f"  skylift promote v1 --stack {stack.name}",
            sep="\n",
            markup=False,
            soft_wrap=True,
        )
    if model is ModelStep.FIRST:
        registry = Registry.open(RegistrySettings.model_validate(stack_settings(stack.name)))
        _first_model(registry, stack.name, yes=yes)
        _print_call(registry, url, region, stack.parameters().get("Auth", "AWS_IAM"))


@app.command()
def package(
    stage: StageOption,
    parameter: ParameterOption = None,
    output: Annotated[Path, typer.Option("--output", help="Where the release goes.")] = RELEASE,
) -> None:
    """Build a release: the same files and images then go to every stage. It needs no credentials."""
    chosen = read_stage(stage)
    chosen = replace(chosen, parameters=chosen.parameters | assignments(parameter or []))
    check_parameters(chosen.parameters)
    region = os.environ.get("AWS_DEFAULT_REGION", "eu-central-1")  # sam wants one, whatever it does
    sam.build(chosen, chosen.parameters, region=region)
    manifest = releases.save(output, chosen, git_state(Path.cwd()))
    out.print(f"Release: {output} of commit {manifest.commit or 'unknown'}", soft_wrap=True)


@app.command()
def versions(stage: StageOption) -> None:
    """List the versions of the code with their release and image; * answers requests, + gets a share of them."""
    code = _code(Stack(read_stage(stage).stack, client=cloudformation_client()))
    traffic = code.traffic()
    marks = {traffic.version: "*"} | dict.fromkeys(traffic.others, "+")
    rows = [
        (
            marks.get(each.number, ""),
            str(each.number),
            each.published[:19].replace("T", " "),
            each.release or "unknown",
            each.image[:_DIGEST_DIGITS],
        )
        for each in code.versions()
    ]
    out.print(table(("", "version#", "published", "release", "image"), rows))


@app.command()
def rollback_code(
    stage: StageOption,
    to: Annotated[
        int | None, typer.Option("--to", help="Number of a version; by default the one published before.")
    ] = None,
    yes: YesOption = False,
) -> None:
    """Give all requests to an earlier version of the code, at once, and say what that leaves to do."""
    chosen = read_stage(stage)
    _check_that_someone_answers(yes, "rolling back")
    _check_credentials(chosen)
    stack = Stack(chosen.stack, client=cloudformation_client())
    if stack.is_changing():
        raise StackFailed(
            f"stack {stack.name} has a deployment in progress", "stop it first: docs/runbooks/deploy-failed.md says how"
        )
    code = _code(stack)
    traffic, target, held = code.traffic(), code.way_back(to), code.held()
    out.print(f"Now version {traffic} answers. Changing to version {target}.", markup=False, soft_wrap=True)
    if not yes and not typer.confirm("Give it all requests?"):
        raise ConfigError("not confirmed", "nothing was changed")
    code.move(target.number)
    out.print(f"Version {target.number} answers: the next request gets it.")
    if target.number != held:
        out.print(
            f"{stack.name} still has version {held}: deploy the corrected code with AFTER_ROLLBACK=1 "
            "(--after-rollback).",
            soft_wrap=True,
        )


@app.command("smoke")
def smoke_command(stage: StageOption) -> None:
    """Call the deployed service over HTTPS as a client does, signed with your credentials (or SKYLIFT_TOKEN)."""
    chosen = read_stage(stage)
    stack = Stack(chosen.stack, client=cloudformation_client())
    url = required_output(stack.outputs(), "ApiUrl", stack.name)
    out.print(f"{url}: {smoke(_service(url, stack.parameters().get('Auth', 'AWS_IAM')))}", soft_wrap=True, markup=False)


@app.command()
def down(stage: StageOption, yes: YesOption = False) -> None:
    """Say what stays, ask, and delete the stack."""
    chosen = read_stage(stage)
    _check_that_someone_answers(yes, "deleting")
    _check_credentials(chosen)
    stack = Stack(chosen.stack, client=cloudformation_client())
    if stack.status() is None:
        out.print(f"There is no stack {stack.name}: nothing to delete.")
        return
    out.print(f"Deleting {stack.name} keeps:")
    for kept in stack.kept(s3=s3_client()):
        out.print(f"  {kept}", markup=False, soft_wrap=True)
    out.print("and the images in the repository, which another stage may run. Everything else goes, also its logs.")
    if not yes and typer.prompt(f"Type {stack.name} to delete it", default="", show_default=False) != stack.name:
        raise ConfigError("the name was not typed", "nothing was deleted")
    stack.delete()
    out.print(f"Deleted: {stack.name}. docs/runbooks/cost.md says how to delete what was kept.")


def _code(stack: Stack) -> DeployedCode:
    return DeployedCode(stack, client=lambda_client(answer_seconds=_LAMBDA_SECONDS))


def _check_that_someone_answers(yes: bool, doing: str) -> None:
    if not yes and not sys.stdin.isatty():
        raise ConfigError(f"{doing} needs confirmation, but stdin is not a terminal", "add YES=1 (or --yes)")


def _check_credentials(stage: Stage) -> str:
    """Say who is about to do what where; the region.

    Raises
    ------
    AwsUnavailable
        There are no credentials, or AWS refuses them.
    """
    client = sts_client()
    with aws_errors("asking AWS who you are"):
        identity = client.get_caller_identity()
    region = client.meta.region_name
    err.print(
        facts(
            [
                ("account", identity["Account"]),
                ("as", identity["Arn"]),
                ("region", region),
                ("stack", stage.stack),
            ]
        )
    )
    return region


def _first_model(registry: Registry, stack: str, *, yes: bool) -> None:
    """Train and promote a version if none exists; a version that was not promoted stays so."""
    active = registry.active()
    if active is not None and _exists(registry, active):
        return
    if active is not None:
        out.print(
            f"The pointer names {active.name}, which the stack's bucket does not have: it was published to another.",
            "If an earlier stack kept that bucket: make deploy PARAMS='ModelBucketName=...' serves from it.",
            sep="\n",
            soft_wrap=True,
        )
    if versions := registry.versions():
        name = versions[-1].manifest.name
        out.print(f"No version is active. Make one live: skylift promote {name} --stack {stack}", soft_wrap=True)
        return
    if not yes and not typer.confirm("There is no model to serve. Train and promote one?", default=True):
        return
    _skylift("train", "--stack", stack)
    _skylift("promote", registry.versions()[-1].manifest.name, "--stack", stack)


def _exists(registry: Registry, reference: Reference) -> bool:
    """Whether the bucket has the version that a reference names: the pointer outlives a stack and its bucket."""
    try:
        registry.version(reference)
    except (VersionNotFound, IntegrityError):
        return False
    return True


def _skylift(*arguments: str) -> None:
    """Run `skylift` as a person does, with its own messages."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SKYLIFT_")}
    try:
        subprocess.run(
            [Path(sys.executable).with_name("skylift"), *arguments],
            env=environment,
            timeout=_TRAIN_SECONDS,
            check=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise ConfigError(
            f"skylift {arguments[0]} failed: the code is deployed, the model is not",
            f"fix what it says above, then: skylift {' '.join(arguments)}",
        ) from error


def _print_call(registry: Registry, url: str, region: str, auth: str) -> None:
    active = registry.active()
    if active is None or not _exists(registry, active):
        return
    body = {"instances": [registry.resolve().manifest.contract.example]}
    out.print(f"\nTry it{_CREDENTIALS[auth]}:")
    out.print(f"  {curl(url, region=region, body=body, auth=auth)}", markup=False, soft_wrap=True)


def _service(url: str, auth: str) -> DeployedApi:
    """The service with what its authorizer wants.

    Raises
    ------
    ConfigError
        It needs a token, and none is set.
    """
    region = sts_client().meta.region_name
    if auth == "JWT":
        if not (token := os.environ.get("SKYLIFT_TOKEN")):
            raise ConfigError("the API wants a token of its issuer", "put one into SKYLIFT_TOKEN")
        return DeployedApi(url, region=region, token=token)
    return DeployedApi(url, region=region, credentials=_credentials() if auth == "AWS_IAM" else None)


def _credentials() -> Credentials:
    with aws_errors("reading credentials"):
        credentials = Session().get_credentials()
    if credentials is None:
        raise ConfigError("there are no credentials", "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret")
    return credentials
