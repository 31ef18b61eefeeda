"""The command line: `skylift --help`. Commands on tables and on published versions have modules of their own."""

import signal
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from skylift.version import __version__
from training.cli.adopt import adopt
from training.cli.batch import batch
from training.cli.challenge import approve, challenge, reject
from training.cli.client import client
from training.cli.commands import Commands, leave
from training.cli.console import out
from training.cli.data import app as data_app
from training.cli.data import evaluate
from training.cli.experiment import simulate
from training.cli.history import history
from training.cli.init import init
from training.cli.judge import judge
from training.cli.lifetime import end_with_stdin
from training.cli.monitor import monitor
from training.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DaskOption,
    PortOption,
    PreparedOption,
    SampleOption,
    StackOption,
    TrackOption,
)
from training.cli.page import page
from training.cli.published import place_for, show_published, write_into
from training.cli.retrain import retrain
from training.cli.versions import (
    bake,
    compare,
    promote,
    rollback,
    serve,
    show,
    track,
    versions,
)

if TYPE_CHECKING:
    from training.cli.outcome import Account
    from training.cli.train import Work
    from training.config import ModelConfig


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


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(f"skylift {__version__}")
        raise typer.Exit


@app.callback()
def main(
    debug: Annotated[bool, typer.Option("--debug", help="Show the stack trace of a failure.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the release and exit.")
    ] = False,
) -> None:
    """Options of every command."""


@app.command()
def up(
    config: ConfigOption = DEFAULT_CONFIG,
    port: PortOption = 8000,
    host: Annotated[
        Literal["127.0.0.1", "0.0.0.0"],  # noqa: S104 (for whoever asks for it)
        typer.Option(help="Address to listen at; at 0.0.0.0 other machines may ask, without a key."),
    ] = "127.0.0.1",
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

        run(config, port, host=host, retrain=retrain)
    except KeyboardInterrupt:
        leave(0)


@app.command()
def train(  # noqa: PLR0913, PLR0917 (its options)
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
    sample: SampleOption = None,
    prepared: PreparedOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the model into this folder instead of publishing it.")
    ] = None,
    dask: DaskOption = None,
    track: TrackOption = None,
    data: Annotated[
        str | None, typer.Option("--data", help="File, folder or s3://bucket/key to train on instead of data.path.")
    ] = None,
    as_json: Annotated[
        Path | None,
        typer.Option(
            "--json", help="Write what it came to as JSON, also a refusal; - prints it instead of the tables."
        ),
    ] = None,
    card: Annotated[
        Path | None, typer.Option("--card", help="Also write the model card into this file, also of a refused model.")
    ] = None,
    retraining: Annotated[str | None, typer.Option("--retraining", hidden=True)] = None,
) -> None:
    """Train as model.yaml says and publish a new version. It does not serve until it is promoted.

    Ctrl-C stops the search and continues with the best candidate so far; a second one stops everything.
    """
    from training.cli.outcome import Account
    from training.cli.train import Work
    from training.config import load_config
    from training.config.locations import parse_location

    if retraining is not None:  # whoever asked for it holds stdin: without it nobody takes the version over
        end_with_stdin()
    if output is not None and (as_json or card):
        raise typer.BadParameter("--json and --card tell of a published version; a folder holds both already")
    with Account(as_json, card) as account:
        loaded = load_config(config).with_sample(sample)
        account.model = loaded.model
        if data is not None:
            loaded = loaded.with_data(path=parse_location(data))
        work = Work(prepared=prepared, dask=dask, stop=Event(), retraining=retraining)
        if output is not None:
            _train_into(output, loaded, work, evaluate=_measure(output, config, prepared, sample))
        else:
            _train_and_publish(loaded, work, account, config=config, stack=stack, track=track)


def _train_into(output: Path, loaded: "ModelConfig", work: "Work", *, evaluate: str) -> None:
    from training.cli.train import trained_by

    write_into(output, trained_by(loaded, work), f"Evaluate: {evaluate}")


def _train_and_publish(
    loaded: "ModelConfig", work: "Work", account: "Account", *, config: Path, stack: str | None, track: bool | None
) -> None:
    from training.cli.traffic import newest_traffic
    from training.cli.train import train_and_publish

    place = place_for(loaded, config, stack=stack, track=track)
    traffic = newest_traffic(place.settings) if work.retraining else None
    version = train_and_publish(loaded, place.registry, work, place.tracker, judged=account.judged, traffic=traffic)
    account.published(version)
    if not account.prints:
        show_published(place, version)


def _measure(output: Path, config: Path, prepared: Path | None, sample: int | None) -> str:
    """The command that measures a model in a folder; it needs the prepared rows of the same table."""
    rows = prepared or Path(f"{output}-rows")
    drawn = "" if sample is None else f" --sample {sample}"
    prepare = "" if prepared else f"skylift data prepare --config {config} --output {rows}{drawn} && "
    return f"{prepare}skylift evaluate {output} --config {config} --prepared {rows} --output {output}-reports"


for _command in (
    init,
    adopt,
    evaluate,
    retrain,
    promote,
    rollback,
    challenge,
    judge,
    reject,
    approve,
    bake,
    track,
    versions,
    show,
    compare,
    history,
    monitor,
    simulate,
    client,
    page,
    batch,
    serve,
):
    app.command()(_command)
