"""The command line: `skylift --help`."""

import json
import os
import shlex
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import typer

from skylift.errors import ConfigError
from skylift.references import NOTHING
from skylift.registry import Registry
from skylift.settings import RegistrySettings
from skylift.verification import Version
from training.card.opening import open_in_browser, write_card
from training.cli.commands import Commands
from training.cli.connection import registry_settings
from training.cli.console import (
    err,
    facts,
    history_table,
    leaderboard_table,
    manifest_facts,
    out,
    up_facts,
    versions_table,
    warn,
)
from training.cli.data import (
    DEFAULT_CONFIG,
    ConfigOption,
    PreparedOption,
    SampleOption,
    configured,
    evaluate,
)
from training.cli.data import app as data_app
from training.cli.train import Work, leave, packed, train_and_publish, trained_by
from training.config import ModelConfig, load_config
from training.evaluation.published import published_evaluation
from training.locations import local_copy
from training.tracking.tracker import tracker_for

StackOption = Annotated[
    str | None,
    typer.Option("--stack", envvar="SKYLIFT_STACK", help="CloudFormation stack whose outputs name the registry."),
]
VersionArgument = Annotated[str, typer.Argument(help="v7, 7 or v7@sha256:...")]
DaskOption = Annotated[
    str | None,
    typer.Option("--dask", envvar="SKYLIFT_DASK", help="Search on Dask: a scheduler's address, or local."),
]
TrackOption = Annotated[
    bool | None,
    typer.Option(
        "--track/--no-track",
        envvar="SKYLIFT_TRACK",
        show_default=False,
        help="Track in MLflow: at MLFLOW_TRACKING_URI, or in mlflow.db here. On where MLFLOW_TRACKING_URI is set.",
    ),
]
PortOption = Annotated[int, typer.Option("--port", "-p", min=1, max=65535, help="Port on 127.0.0.1.")]


class _Commands(Commands):
    """Leaves at once at Ctrl-C."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            leave(130)


app = typer.Typer(
    cls=_Commands,
    help="From a table and one model.yaml to a governed prediction API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


app.add_typer(data_app, name="data")
app.command()(evaluate)


@app.callback()
def main(debug: Annotated[bool, typer.Option("--debug", help="Show the trace of a failure.")] = False) -> None:
    """Options of every command."""


@app.command()
def up(config: ConfigOption = DEFAULT_CONFIG, port: PortOption = 8000) -> None:
    """Train, publish, promote and serve on this machine, with an embedded AWS."""
    from training.cli.local import check_port

    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts background jobs with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    try:
        check_port(port)
        _up(config, port)
    except KeyboardInterrupt:
        leave(0)


def _up(path: Path, port: int) -> None:
    from training.cli.local import SERVICE_LOG, LocalService, ServiceFailed, embedded_aws, environment_file

    config = load_config(path)
    with (
        _fetched(config) as config,  # before the embedded AWS takes the place of the one that has the table
        embedded_aws(config.model) as environment,
        LocalService(port) as service,  # starts while training runs
        environment_file(environment | {"SKYLIFT_CONFIG": str(path.resolve())}) as environment_path,
    ):
        registry = Registry.open(RegistrySettings())
        version = train_and_publish(config, registry, Work())
        with err.status("promoting and waiting for the service"):
            registry.promote(version.reference)
            service.wait_until_ready()
            example = {"instances": [version.manifest.contract.example]}
            answer = service.ask("/predict", example)
        out.print(leaderboard_table(version.manifest))
        out.print()
        out.print(
            up_facts(
                version,
                url=service.url,
                answer=json.dumps(answer["predictions"][0], ensure_ascii=False),
                log=str(SERVICE_LOG),
            )
        )
        body = shlex.quote(json.dumps(example))
        out.print(
            f"\nAsk it:\n  curl {service.url}/predict -H 'content-type: application/json' -d {body}",
            markup=False,
            soft_wrap=True,
        )
        out.print(
            f"\nIn another terminal:\n  . {environment_path} && .venv/bin/skylift versions",
            markup=False,
            soft_wrap=True,
        )
        out.print("\nCtrl-C stops everything.")
        raise ServiceFailed(f"the service ended with code {service.wait()}", f"see {SERVICE_LOG}")


@app.command()
def train(
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
    sample: SampleOption = None,
    prepared: PreparedOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the model into this folder instead of publishing it.")
    ] = None,
    dask: DaskOption = None,
    track: TrackOption = None,
) -> None:
    """Train by model.yaml and publish a new version. It does not serve before it is promoted.

    Ctrl-C ends the search and goes on with the best so far; once more ends everything.
    """
    loaded = configured(config, sample)
    work = Work(prepared=prepared, dask=dask, stop=Event())
    if output is not None:
        from training.data.prepare import FOLDER
        from training.release.folder import write_version

        manifest = write_version(output, packed(trained_by(loaded, work)))
        out.print(leaderboard_table(manifest))
        if notes := manifest.lineage.notes:
            out.print()
            out.print(facts(("note", note) for note in notes))
        measure = f"skylift evaluate {output} --config {config} --prepared {prepared or FOLDER}"
        out.print(f"\nWritten to {output}\nMeasure it: {measure}", soft_wrap=True)
        return
    settings = registry_settings(stack, loaded)
    if loaded.model != settings.model:
        raise ConfigError(
            f"{config} is for the model {loaded.model}, not {settings.model}",
            f"name the one for {settings.model} with --config, or set SKYLIFT_MODEL={loaded.model}",
        )
    registry = Registry.open(settings)
    tracker = tracker_for(settings, registry.active, track, warn)
    version = train_and_publish(loaded, registry, work, tracker)
    out.print(leaderboard_table(version.manifest))
    out.print()
    _print_evaluation(registry, version)
    out.print(manifest_facts(version))
    if tracker.tracked:
        out.print(f"Tracked: {tracker.tracked}. Look: make mlflow", soft_wrap=True, markup=False)
    out.print(
        f"\nPublished {version.reference}\nMake it live: skylift promote {version.reference.name}", soft_wrap=True
    )


@app.command()
def promote(
    version: VersionArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
    track: TrackOption = None,
) -> None:
    """Make a version the active one, if it may serve."""
    settings = registry_settings(stack, config)
    registry = Registry.open(settings)
    out.print(f"Active: {registry.promote(version)}", soft_wrap=True)
    tracker_for(settings, registry.active, track, warn, local_store_counts=True).follow()


@app.command()
def rollback(config: ConfigOption = DEFAULT_CONFIG, stack: StackOption = None, track: TrackOption = None) -> None:
    """Make the last different version the active one again."""
    settings = registry_settings(stack, config)
    registry = Registry.open(settings)
    out.print(f"Active: {registry.rollback()}", soft_wrap=True)
    tracker_for(settings, registry.active, track, warn, local_store_counts=True).follow()


@app.command()
def bake(
    version: VersionArgument,
    folder: Annotated[Path, typer.Argument(help="Where SKYLIFT_IMAGE_CACHE of the image will point.")],
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
) -> None:
    """Write a version into a folder that a container image takes along, for a start without S3."""
    out.print(f"Baked {Registry.open(registry_settings(stack, config)).bake(version, folder)}", soft_wrap=True)


@app.command()
def versions(config: ConfigOption = DEFAULT_CONFIG, stack: StackOption = None) -> None:
    """List the versions; * marks the active one."""
    registry = Registry.open(registry_settings(stack, config))
    if found := registry.versions():
        out.print(versions_table(found, registry.active()))
    else:
        out.print("No versions yet. Make one: skylift train")


@app.command()
def show(
    version: Annotated[str | None, typer.Argument(help="v7, 7 or v7@sha256:...; the active one where absent")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as it is stored.")] = False,
    card: Annotated[bool, typer.Option("--card", help="Open the model card in the browser.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
) -> None:
    """Show a version."""
    registry = Registry.open(registry_settings(stack, config))
    found = registry.version(version) if version else registry.resolve()
    if as_json:
        typer.echo(found.manifest.to_bytes(), nl=False)
        return
    if card:
        path = write_card(registry, found)
        opened = open_in_browser(path)
        out.print(f"{'Opened' if opened else 'No browser here: open'} {path}", soft_wrap=True, markup=False)
        return
    out.print(manifest_facts(found))
    out.print()
    _print_evaluation(registry, found)
    out.print(leaderboard_table(found.manifest))


@app.command()
def compare(
    before: VersionArgument,
    after: VersionArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
) -> None:
    """Compare two versions: side by side, and on the holdout of the table that model.yaml names."""
    from training.cli.evaluation_tables import comparison_tables
    from training.evaluation.comparison import compare_versions

    registry = Registry.open(registry_settings(stack, config))
    with err.status("scoring the holdout with both versions"):
        found = compare_versions(registry, registry.version(before), registry.version(after), load_config(config))
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    for number, part in enumerate(comparison_tables(found)):
        if number:
            out.print()
        out.print(part)


@app.command()
def history(config: ConfigOption = DEFAULT_CONFIG, stack: StackOption = None) -> None:
    """Show who moved the pointer, when, from what to what."""
    moves = Registry.open(registry_settings(stack, config)).history()
    if any(move.after != NOTHING for move in moves):
        out.print(history_table(moves))
    else:
        out.print("The pointer was never moved. Move it: skylift promote v1")


@app.command()
def serve(config: ConfigOption = DEFAULT_CONFIG, stack: StackOption = None, port: PortOption = 8000) -> None:
    """Serve the active version on this machine."""
    from training.cli.local import check_port, service_command

    check_port(port)
    settings = registry_settings(stack, config)
    os.environ.update(SKYLIFT_BUCKET=settings.bucket, SKYLIFT_MODEL=settings.model, SKYLIFT_STAGE=settings.stage)
    out.print(f"Serving {settings.model} on http://127.0.0.1:{port}", soft_wrap=True)
    command = service_command(port)
    os.execv(command[0], command)  # noqa: S606 (no shell: the service takes this process's place and signals)


@contextmanager
def _fetched(config: ModelConfig) -> Iterator[ModelConfig]:
    """The configuration, with its table on this machine."""
    with ExitStack() as stack:
        with err.status(f"reading {config.data.path}"):
            path = stack.enter_context(local_copy(config.data.path))
        yield config.with_data(path=path)


def _print_evaluation(registry: Registry, version: Version) -> None:
    """Print the essentials of a version's evaluation; one of an older release has none."""
    from training.cli.evaluation_tables import evaluation_tables

    if (evaluation := published_evaluation(registry, version)) is not None:
        for part in evaluation_tables(evaluation):
            out.print(part)
            out.print()
