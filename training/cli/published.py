"""Where a new version goes and what is shown of it: published, or written into a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skylift.errors import ConfigError, SkyliftError
from training.cli.console import leaderboard_table, manifest_facts, message_and_hint, out, print_notes, warn

if TYPE_CHECKING:
    from skylift.registry import Registry
    from skylift.settings import RegistrySettings
    from skylift.verification import Version
    from training.config import ModelConfig
    from training.job import Trained
    from training.tracking.tracker import Tracker


@dataclass(frozen=True, slots=True)
class Place:
    """The registry of a model, and what tracks its versions."""

    settings: "RegistrySettings"
    registry: "Registry"
    tracker: "Tracker"


def place_for(loaded: "ModelConfig", config: Path, *, stack: str | None, track: bool | None) -> Place:
    """Where versions of a model are published.

    Parameters
    ----------
    config
        File of the configuration, for the error.
    stack, track
        Options of the command; see `training.cli.options`.

    Raises
    ------
    ConfigError
        The configuration is of another model than the registry.
    """
    from skylift.registry import Registry
    from training.cli.connection import registry_settings
    from training.tracking.tracker import tracker_for

    settings = registry_settings(stack, loaded)
    if loaded.model != settings.model:
        raise ConfigError(
            f"{config} is for the model {loaded.model}, not {settings.model}",
            f"name the one for {settings.model} with --config, or set SKYLIFT_MODEL={loaded.model}",
        )
    registry = Registry.open(settings)
    return Place(settings, registry, tracker_for(settings, registry.active, track, warn))


def show_published(place: Place, version: "Version") -> None:
    """Print what a published version is, and how it goes live."""
    from training.cli.versions import print_evaluation

    try:
        out.print(leaderboard_table(version.manifest))
        out.print()
        print_evaluation(place.registry, version)
        out.print(manifest_facts(version))
    except (SkyliftError, OSError) as error:  # it is published: a failure now would make people publish it again
        message, hint = message_and_hint(error)
        warn(f"{version.reference.name} cannot be shown in full: {message}", hint)
    if place.tracker.tracked:
        out.print(f"Tracked: {place.tracker.tracked}. View: make mlflow", soft_wrap=True, markup=False)
    out.print(f"\nPublished {version.reference}\nMake it live: skylift promote {version.reference}", soft_wrap=True)


def write_into(output: Path, trained: "Trained", *lines: str) -> None:
    """Write a model into a folder and print what it is.

    Parameters
    ----------
    lines
        Lines to print at the end.

    Raises
    ------
    GateFailed
        It is not good enough; the folder holds it nevertheless.
    """
    from training.cli.train import packed
    from training.release.folder import write_version

    manifest = write_version(output, packed(trained))
    out.print(leaderboard_table(manifest))
    print_notes(manifest.lineage.notes)
    out.print("\n".join([f"\nWritten to {output}", *lines]), soft_wrap=True)
    trained.check_gates(hint=f"{output} holds it for a closer look; improve the model or the data")
