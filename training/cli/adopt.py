"""`skylift adopt`: a model that was trained elsewhere becomes a version like any other."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from training.cli.options import DEFAULT_CONFIG, ConfigOption, StackOption, TrackOption
from training.cli.progress import progressing
from training.cli.published import place_for, show_published, write_into


def adopt(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="Fitted model: .joblib, .onnx, .json or .ubj (XGBoost), .txt (LightGBM), .cbm."
        ),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    data: Annotated[
        str | None, typer.Option("--data", help="Table that it was trained on, instead of data.path.")
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Load a joblib file, which is a program, with the rights of this process.")
    ] = False,
    stack: StackOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the model into this folder instead of publishing it.")
    ] = None,
    track: TrackOption = None,
) -> None:
    """Publish a model that was trained elsewhere as a new version. It does not serve until it is promoted.

    The table gives its contract, and measures it; gates, compiled form, card and signature are those of any version.
    """
    from training.cli.train import publish
    from training.config import load_config
    from training.config.locations import parse_location
    from training.evaluation.champion import load_active
    from training.job.adoption import adopt as take

    started = datetime.now(UTC)
    loaded = load_config(config)
    if data is not None:
        loaded = loaded.with_data(path=parse_location(data))
    place = None if output is not None else place_for(loaded, config, stack=stack, track=track)
    with progressing() as progress:
        champion = load_active(place.registry) if place else None
        trained = take(loaded, file, trusted=trust, progress=progress, champion=champion)
    if place is None:
        assert output is not None, "a model is published or written"  # noqa: S101 (for the type checker)
        write_into(output, trained)
        return
    show_published(place, publish(trained, place.registry, place.tracker, started=started))
