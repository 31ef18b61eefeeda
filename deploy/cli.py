"""The command line: `python -m deploy --help`, mostly by `make deploy`, `make smoke` and `make destroy`."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deploy import release as releases
from deploy import sam
from deploy.bake import golden_requests
from deploy.caller import check_credentials, deployed_api, url_of
from deploy.calls import smoke
from deploy.changes import ChangeSet, in_short
from deploy.code import DeployedCode
from deploy.first_model import first_model, print_call, print_commands
from deploy.identity import deployment_name
from deploy.images import pinned
from deploy.machine import check_docker
from deploy.parameters import TEMPLATE, architecture_of, assignments, check_parameters, read_stage
from deploy.progress import print_facts
from deploy.stack import Stack, StackFailed
from skylift.aws import cloudformation_client, ecr_client, lambda_client, s3_client
from skylift.errors import AwsUnavailable, ConfigError
from skylift.registry import Registry
from skylift.settings import RegistrySettings
from training.cli.commands import Commands
from training.cli.connection import stack_settings
from training.cli.console import out, print_failure, table, warn
from training.release.git import git_state

RELEASE = Path("build/release")
_LAMBDA_SECONDS = 10
_DIGEST_DIGITS = 12
_INTERRUPTED = 130

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
    region = check_credentials(chosen.stack)
    stack = Stack(chosen.stack, client=cloudformation_client())
    kept = stack.parameters()
    check_parameters(parameters, template or TEMPLATE, kept=kept)
    artifacts = _artifacts_for(kept | parameters)
    if release and manifest:
        releases.check_architecture(release, manifest, kept | parameters)
    stack.check_deployable()
    code = _code(stack) if stack.outputs() else None
    if code and not after_rollback:
        code.check_held()
    if release:
        check_docker()
        releases.load_images(release)
    else:
        check_docker(architecture_of(kept | parameters))
        sam.build(chosen, kept | parameters, region=region)
    if artifacts.image_repository:
        built = template or releases.BUILT / "template.yaml"
        images = manifest.images if manifest else releases.images_of(built)
        template = pinned(built, images, artifacts.image_repository, client=ecr_client())
    arn = sam.change_set(chosen, parameters, region=region, artifacts=artifacts, template=template)
    if arn:
        changes = ChangeSet(arn, stack, client=cloudformation_client())
        _confirm_changes(changes, yes=yes)
        preference = (kept | parameters).get("DeploymentPreference")
        golden = golden_requests(named["Release"], code) if code and preference != "AllAtOnce" else nullcontext()
        with golden:
            _execute(changes, stack, code, over=after_rollback)
    outputs = stack.outputs()
    url = url_of(outputs, stack.name)
    print_facts(
        [("release", named["Release"]), ("url", url), ("dashboard", outputs.get("OverviewDashboardUrl", "none"))]
    )
    if arn:
        _prune(_code(stack))
    if model is ModelStep.KEEP and code is None and not parameters.get("ModelBucketName"):
        print_commands(stack.name)
    if model is ModelStep.FIRST:
        registry = Registry.open(RegistrySettings.model_validate(stack_settings(stack.name)))
        first_model(registry, stack.name, yes=yes)
        print_call(registry, url, region, stack.parameters().get("Auth", "AWS_IAM"))


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
    check_docker(architecture_of(chosen.parameters))
    region = os.environ.get("AWS_DEFAULT_REGION", "eu-central-1")  # sam wants one, whatever it does
    releases.fetch_base()
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
    check_credentials(chosen.stack)
    stack = Stack(chosen.stack, client=cloudformation_client())
    _check_that_nobody_deploys(stack)
    code = _code(stack)
    traffic, target, held = code.traffic(), code.way_back(to), code.held()
    out.print(f"Now version {traffic} answers. Changing to version {target}.", markup=False, soft_wrap=True)
    if not yes and not typer.confirm("Give it all requests?"):
        raise ConfigError("not confirmed", "nothing was changed")
    _check_that_nobody_deploys(stack)  # again: the question may have waited
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
    service = deployed_api(stack)
    out.print(f"{service.url}: {smoke(service)}", soft_wrap=True, markup=False)


@app.command()
def down(stage: StageOption, yes: YesOption = False) -> None:
    """Say what stays, ask, and delete the stack."""
    chosen = read_stage(stage)
    _check_that_someone_answers(yes, "deleting")
    check_credentials(chosen.stack)
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
    with _goes_on(stack):
        stack.delete()
    out.print(f"Deleted: {stack.name}. docs/runbooks/cost.md says how to delete what was kept.")


def _artifacts_for(values: Mapping[str, str]) -> sam.Artifacts:
    """Where what is deployed with these parameters goes.

    Raises
    ------
    ConfigError
        Fargate could not find the image of training: `sam` names images of functions only.
    """
    artifacts = sam.Artifacts()
    if values.get("RetrainSubnets") and not artifacts.image_repository:
        raise ConfigError(
            "RetrainSubnets needs an image repository", "set IMAGE_REPOSITORY, or PARAMS='RetrainSubnets='"
        )
    return artifacts


def _code(stack: Stack) -> DeployedCode:
    return DeployedCode(stack, client=lambda_client(answer_seconds=_LAMBDA_SECONDS))


def _check_that_nobody_deploys(stack: Stack) -> None:
    if stack.is_changing():
        raise StackFailed(
            f"stack {stack.name} has a deployment in progress", "stop it first: docs/runbooks/deploy-failed.md says how"
        )


def _check_that_someone_answers(yes: bool, doing: str) -> None:
    if not yes and not sys.stdin.isatty():
        raise ConfigError(f"{doing} needs confirmation, but stdin is not a terminal", "add YES=1 (or --yes)")


def _confirm_changes(changes: ChangeSet, *, yes: bool) -> None:
    """Say what would change, and ask.

    Raises
    ------
    ConfigError
        The answer is no.
    """
    found = changes.changes()
    if yes:
        out.print(f"Changes: {in_short(found)}")
        return
    out.print(
        table(
            ("action", "resource", "type", "replaced"),
            ((each.action, each.resource, each.kind, each.replaced) for each in found),
        )
    )
    if not typer.confirm("Make these changes?"):
        changes.discard()
        raise ConfigError("not confirmed", "nothing was changed")


def _execute(changes: ChangeSet, stack: Stack, code: DeployedCode | None, *, over: bool) -> None:
    """Change the stack: `over` code that was rolled back, or unless somebody rolled back during the build.

    Raises
    ------
    StackFailed
        Somebody rolled back, or CloudFormation failed.
    """
    if code and not over:
        code.check_held()
    with code.as_held() if code and over else nullcontext(), _goes_on(stack):
        changes.execute()


def _prune(code: DeployedCode) -> None:
    """Delete old versions of the code; where that fails, the deployment is still a success."""
    try:
        deleted = code.prune()
    except AwsUnavailable as error:
        warn(f"old versions of the code stay, and cost money with SnapStart ({error.message})", error.hint)
        return
    if deleted:
        out.print(f"Old versions of the code were deleted: {', '.join(map(str, deleted))}")


@contextmanager
def _goes_on(stack: Stack) -> Iterator[None]:
    """Say to somebody who interrupts that only the watching ends."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        print_failure("warning", f"CloudFormation continues with {stack.name}", f"watch it: {stack.watch_command}")
        raise typer.Exit(_INTERRUPTED) from interrupt
