"""The command line: `skylift --help`."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skylift.errors import ConfigError, InvalidReference, SkyliftError
from skylift.references import NOTHING
from training.cli.commands import Commands, leave
from training.cli.console import (
    err,
    facts,
    history_table,
    leaderboard_table,
    manifest_facts,
    out,
    versions_table,
    warn,
)
from training.cli.data import app as data_app
from training.cli.data import evaluate
from training.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DaskOption,
    PortOption,
    PreparedOption,
    SampleOption,
    StackOption,
    TrackOption,
    VersionArgument,
)

if TYPE_CHECKING:
    from skylift.references import Reference
    from skylift.registry import Registry
    from skylift.settings import RegistrySettings
    from skylift.verification import Version
    from training.config import ModelConfig
    from training.tracking.tracker import Tracker


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


@app.callback()
def main(debug: Annotated[bool, typer.Option("--debug", help="Show the stack trace of a failure.")] = False) -> None:
    """Options of every command."""


@app.command()
def up(
    config: ConfigOption = DEFAULT_CONFIG,
    port: PortOption = 8000,
    retrain: Annotated[
        bool, typer.Option("--retrain", help="Train although nothing changed since the last run.")
    ] = False,
) -> None:
    """Train if anything changed, publish, promote and serve on this machine, with an embedded AWS.

    Versions and history are kept in build/models/ for the next start.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts background jobs with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    try:
        from training.cli.up import run

        run(config, port, retrain=retrain)
    except KeyboardInterrupt:
        leave(0)


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
    """Train as model.yaml says and publish a new version. It does not serve until it is promoted.

    Ctrl-C stops the search and continues with the best candidate so far; a second one stops everything.
    """
    from skylift.registry import Registry
    from training.cli.connection import registry_settings
    from training.cli.train import Work, packed, train_and_publish, trained_by
    from training.config import load_config
    from training.tracking.tracker import tracker_for

    loaded = load_config(config).with_sample(sample)
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
        out.print(f"\nWritten to {output}\nEvaluate: {measure}", soft_wrap=True)
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
    try:
        out.print(leaderboard_table(version.manifest))
        out.print()
        _print_evaluation(registry, version)
        out.print(manifest_facts(version))
    except (SkyliftError, OSError) as error:  # it is published: a failure now would make people publish it again
        warn(f"{version.reference.name} cannot be shown in full: {error}")
    if tracker.tracked:
        out.print(f"Tracked: {tracker.tracked}. View: make mlflow", soft_wrap=True, markup=False)
    out.print(
        f"\nPublished {version.reference}\nMake it live: skylift promote {version.reference.name}", soft_wrap=True
    )


app.command()(evaluate)


@app.command()
def promote(
    version: VersionArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
    track: TrackOption = None,
) -> None:
    """Make a version the active one, if it may serve."""
    settings, registry = _connected(stack, config)
    tracker = _follower(settings, registry, track)
    before: Reference | None = None
    with suppress(InvalidReference):  # which a promotion replaces
        before = registry.active()
    active = registry.promote(version)
    out.print(f"Active: {active}{' as before: nothing was written' if active == before else ''}", soft_wrap=True)
    tracker.follow()


@app.command()
def rollback(config: ConfigOption = DEFAULT_CONFIG, stack: StackOption = None, track: TrackOption = None) -> None:
    """Make the version before the active one active again; what was left for an earlier one is never returned to."""
    settings, registry = _connected(stack, config)
    tracker = _follower(settings, registry, track)
    out.print(f"Active: {registry.rollback()}", soft_wrap=True)
    tracker.follow()


@app.command()
def bake(
    version: VersionArgument,
    folder: Annotated[Path, typer.Argument(help="Where SKYLIFT_IMAGE_CACHE of the image will point.")],
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
) -> None:
    """Write a version into a folder for the container image, so that the service starts without S3."""
    _, registry = _connected(stack, config)
    out.print(f"Baked {registry.bake(version, folder)}", soft_wrap=True)


@app.command()
def versions(config: ConfigOption = DEFAULT_CONFIG, stack: StackOption = None) -> None:
    """List the versions; * marks the active one."""
    _, registry = _connected(stack, config)
    if published := registry.versions():
        out.print(versions_table(published, registry.active()))
    else:
        out.print("No versions yet. Make one: skylift train")


@app.command()
def show(
    version: Annotated[str | None, typer.Argument(help="v7, 7 or v7@sha256:...; the active one by default")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as it is stored.")] = False,
    card: Annotated[bool, typer.Option("--card", help="Open the model card in the browser.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
) -> None:
    """Show a version."""
    _, registry = _connected(stack, config)
    selected = registry.version(version) if version else registry.resolve()
    if as_json:
        typer.echo(selected.manifest.to_bytes(), nl=False)
        return
    if card:
        from training.card.opening import open_in_browser, write_card

        path = write_card(registry, selected)
        opened = open_in_browser(path)
        out.print(f"{'Opened' if opened else 'No browser here: open'} {path}", soft_wrap=True, markup=False)
        return
    out.print(manifest_facts(selected))
    out.print()
    _print_evaluation(registry, selected)
    out.print(leaderboard_table(selected.manifest))


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
    from training.config import load_config
    from training.evaluation.comparison import compare_versions

    loaded = load_config(config)
    _, registry = _connected(stack, loaded)
    with err.status("scoring the holdout with both versions"):
        comparison = compare_versions(registry, registry.version(before), registry.version(after), loaded.table)
    if as_json:
        typer.echo(comparison.model_dump_json(indent=2))
        return
    for number, part in enumerate(comparison_tables(comparison)):
        if number:
            out.print()
        out.print(part)


@app.command()
def history(config: ConfigOption = DEFAULT_CONFIG, stack: StackOption = None) -> None:
    """Show who moved the pointer, when, from what to what."""
    _, registry = _connected(stack, config)
    moves = registry.history()
    if any(move.after != NOTHING for move in moves):
        out.print(history_table(moves))
    else:
        out.print("The pointer was never moved. Move it: skylift promote v1")


@app.command()
def serve(config: ConfigOption = DEFAULT_CONFIG, stack: StackOption = None, port: PortOption = 8000) -> None:
    """Serve the active version on this machine."""
    from training.cli.connection import registry_settings
    from training.cli.local import check_port, service_command

    check_port(port)
    settings = registry_settings(stack, config)
    os.environ.update(SKYLIFT_BUCKET=settings.bucket, SKYLIFT_MODEL=settings.model, SKYLIFT_STAGE=settings.stage)
    out.print(f"Serving {settings.model} on http://127.0.0.1:{port}", soft_wrap=True)
    command = service_command(port)
    os.execv(command[0], command)  # noqa: S606 (no shell: the service takes this process's place and signals)


def _connected(stack: str | None, config: "Path | ModelConfig") -> "tuple[RegistrySettings, Registry]":
    """The registry that a command works on, with its settings."""
    from skylift.registry import Registry
    from training.cli.connection import registry_settings

    settings = registry_settings(stack, config)
    return settings, Registry.open(settings)


def _follower(settings: "RegistrySettings", registry: "Registry", track: bool | None) -> "Tracker":
    """What keeps MLflow's alias true to the pointer, where trainings are tracked; made before the pointer moves."""
    from training.tracking.tracker import tracker_for

    return tracker_for(settings, registry.active, track, warn, local_store_counts=True)


def _print_evaluation(registry: "Registry", version: "Version") -> None:
    """Print the essentials of a version's evaluation; one of an older release has none."""
    from training.cli.evaluation_tables import evaluation_tables
    from training.evaluation.published import published_evaluation

    if (evaluation := published_evaluation(registry, version)) is not None:
        for part in evaluation_tables(evaluation):
            out.print(part)
            out.print()
