"""`skylift promote | rollback | bake | track | versions | show | compare | serve`: commands on versions."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skylift.errors import InvalidReference
from skylift.references import Reference, parse_version
from training.cli.console import (
    err,
    leaderboard_table,
    manifest_facts,
    out,
    versions_table,
    warn,
)
from training.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    IgnoreMemoryOption,
    JsonFlag,
    PortOption,
    StackOption,
    TrackOption,
    VersionArgument,
)

if TYPE_CHECKING:
    from skylift.experiment.record import Experiment
    from skylift.registry import Registry
    from skylift.settings import RegistrySettings
    from skylift.verification import Version
    from training.config import ModelConfig
    from training.tracking.tracker import Tracker


def promote(
    version: VersionArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
    track: TrackOption = None,
    ignore_memory: IgnoreMemoryOption = False,
    pinned: Annotated[
        bool, typer.Option("--pinned", help="Take a whole reference only, v7@sha256:..., which names bytes.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a version the active one, if it may serve; one that is on trial ends its experiment by that."""
    from training.cli.connection import stack_memory
    from training.cli.experiments import experiments

    if pinned and parse_version(version)[1] is None:
        raise InvalidReference(
            f"{version} names no bytes", "write it as v7@sha256:<64 hex digits>: `skylift versions --references`"
        )
    known = experiments(stack, config, tool="skylift promote")
    tracker = _follower(known.settings, known.registry, track)
    before: Reference | None = None
    with suppress(InvalidReference):  # which a promotion replaces
        before = known.registry.active()
    memory = None if ignore_memory else stack_memory(stack)
    with err.status("examining the version"):
        active, record = known.moves.promote(version, memory_mib=memory)
    _print_active(active, before, record, as_json=as_json)
    tracker.follow()


def rollback(
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
    track: TrackOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make the version before the active one active again; what was left for an earlier one is never returned to."""
    from training.cli.experiments import experiments

    known = experiments(stack, config, tool="skylift rollback")
    tracker = _follower(known.settings, known.registry, track)
    with err.status("examining the version before"):
        active, record = known.moves.rollback()
    _print_active(active, None, record, as_json=as_json)
    tracker.follow()


def _print_active(active: Reference, before: Reference | None, record: "Experiment | None", *, as_json: bool) -> None:
    """Print what is active now, and how an experiment ended by that."""
    if as_json:
        ended = None if record is None else json.loads(record.to_bytes())
        told = {"active": str(active), "changed": active != before, "experiment": ended, "next": "skylift rollback"}
        typer.echo(json.dumps(told, indent=2))
        return
    out.print(f"Active: {active}{' as before: nothing was written' if active == before else ''}", soft_wrap=True)
    if record is not None:
        out.print(f"The experiment {record.id} ended as {record.outcome}: {record.reason}", soft_wrap=True)


def bake(
    version: VersionArgument,
    folder: Annotated[Path, typer.Argument(help="Where SKYLIFT_IMAGE_CACHE of the image will point.")],
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
) -> None:
    """Write a version into a folder for the container image, so that the service starts without S3."""
    _, registry = _connected(stack, config)
    out.print(f"Baked {registry.bake(version, folder)}", soft_wrap=True)


def track(version: VersionArgument, config: ConfigOption = DEFAULT_CONFIG, stack: StackOption = None) -> None:
    """Track a published version in MLflow, as `skylift train --track` does; one that is tracked stays as it is."""
    from training.config import load_config
    from training.evaluation.published import published_evaluation
    from training.tracking.described import Described
    from training.tracking.tracker import default_address, open_store

    loaded = load_config(config)
    settings, registry = _connected(stack, loaded)
    selected = registry.version(version)
    store = open_store(default_address(), stage=settings.stage, model=settings.model)
    tracked = store.tracked(selected.reference)
    if tracked is not None:
        out.print(f"Tracked already: {tracked}", soft_wrap=True, markup=False)
    else:
        same = loaded.digest == selected.manifest.lineage.config_sha256  # else its table may be another
        with err.status(f"tracking {selected.reference.name}"):
            tracked = store.record(
                Described.of_version(
                    selected.manifest,
                    published_evaluation(registry, selected),
                    data_path=loaded.data.path if same else None,
                ),
                selected,
                {name: registry.artifact(selected, name) for name in selected.manifest.artifacts},
                started=selected.manifest.created_at,
            )
        out.print(f"Tracked: {tracked}. View: make mlflow", soft_wrap=True, markup=False)
    store.follow(registry.active())


def versions(
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
    references: Annotated[
        bool, typer.Option("--references", help="Print their references alone, the newest last.")
    ] = False,
) -> None:
    """List the versions; * marks the active one."""
    _, registry = _connected(stack, config)
    published = registry.versions()
    if references:
        for version in published:
            typer.echo(str(version.reference))
    elif published:
        out.print(versions_table(published, registry.active()))
    else:
        out.print("No versions yet. Make one: skylift train")


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
    print_evaluation(registry, selected)
    out.print(leaderboard_table(selected.manifest))


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


def serve(config: ConfigOption = DEFAULT_CONFIG, stack: StackOption = None, port: PortOption = 8000) -> None:
    """Serve the active version on this machine."""
    from training.cli.connection import registry_settings
    from training.cli.local import check_port, service_command

    check_port(port)
    settings = registry_settings(stack, config)
    os.environ.update(
        SKYLIFT_BUCKET=settings.bucket,
        SKYLIFT_MODEL=settings.model,
        SKYLIFT_STAGE=settings.stage,
        SKYLIFT_ALLOW_JOBLIB=str(settings.allow_joblib),
    )
    out.print(f"Serving {settings.model} on http://127.0.0.1:{port}", soft_wrap=True)
    command = service_command(port)
    os.execv(command[0], command)  # noqa: S606 (no shell: the service takes this process's place and signals)


def print_evaluation(registry: "Registry", version: "Version") -> None:
    """Print the essentials of a version's evaluation; one of an older release has none."""
    from training.cli.evaluation_tables import evaluation_tables
    from training.evaluation.published import published_evaluation

    if (evaluation := published_evaluation(registry, version)) is not None:
        for part in evaluation_tables(evaluation):
            out.print(part)
            out.print()


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
