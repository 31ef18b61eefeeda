"""`skylift batch INPUT OUTPUT`: scores a table of any size."""

import json
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn

from skylift.errors import ConfigError, DataError
from training.cli.console import err, out, warn
from training.cli.options import DEFAULT_CONFIG, ConfigOption, JsonFlag, StackOption
from training.cli.progress import duration
from training.extras import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from skylift.bulk.manifest import RunManifest
    from skylift.bulk.part import PartResult
    from skylift.bulk.plan import Part, Plan
    from skylift.bulk.scoring import BulkModel
    from skylift.bulk.sources import CsvForm, Source
    from training.cli.batch_on_aws import StateMachine
    from training.cli.batch_output import Output
    from training.cli.batch_workers import Scorer

    type Results = Callable[[Sequence[Part], Scorer], Iterator[PartResult]]

_HEAD_BYTES = 2**20
_LINE_SECONDS = 5.0


def batch(  # noqa: PLR0913, PLR0917 (its options)
    source: Annotated[
        str,
        typer.Argument(metavar="INPUT", help="CSV, Parquet or JSON Lines: a file, a folder or a pattern, or s3://..."),
    ],
    output: Annotated[
        str,
        typer.Argument(metavar="OUTPUT", help="A file for one file; a folder or an s3:// prefix for any."),
    ],
    version: Annotated[
        str | None, typer.Option("--version", show_default=False, help="v7, 7 or v7@sha256:...; the active one.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="Folder of `skylift train --output`, instead of the registry."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Add what each feature contributed.")] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, show_default=False, help="Number of processes; one for each core that memory lasts for."
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option("--dask", envvar="SKYLIFT_DASK", help="Score on Dask: address of a scheduler, or local."),
    ] = None,
    as_json: JsonFlag = False,
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
) -> None:
    """Score a table of any size. Rows that /predict would refuse are put aside with the reasons.

    After a kill the same command goes on where it was. Between two places in S3, and with --stack, the stack scores: by
    its state machine, if it was deployed with Batch=true.
    """
    require("pyarrow", purpose="scoring tables")
    from skylift.bulk.plan import Plan
    from skylift.bulk.sources import S3
    from training.cli.batch_output import check_apart, output_of

    if model is not None and version is not None:
        raise ConfigError("--model names a folder, which holds one version", "leave --version out")
    started = time.monotonic()
    with err.status("loading the version"):
        chosen = _model(model, version, config, stack, explain=explain)
    with err.status(f"looking through {source}"):
        plan = Plan.of(
            absolute(source), csv_form, version=chosen.reference, explain=explain, check=chosen.check_columns
        )
    check_apart(plan.input, absolute(output), plan.parts[0].source.form)
    target = output_of(absolute(output), plan.parts[0].source.form, files=len(plan.sources))
    machine = None
    if stack and model is None and workers is None and dask is None and source.startswith(S3) and output.startswith(S3):
        machine = _machine(stack)
    results = partial(_results, workers=workers, dask=dask, machine=machine)
    with target.claimed():
        manifest, scored = _run(plan, chosen, target, results, quiet=as_json)
    seconds = max(time.monotonic() - started, 0.001)
    rate = round(scored / seconds)
    if manifest.unknown:
        fields = ", ".join(f"{name} ({number:,})" for name, number in manifest.unknown.items())
        warn(f"texts that training never saw count as missing: {fields}")
    if as_json:
        known = manifest.model_dump(include={"model", "version", "sha256", "rows", "answered", "rejected", "unknown"})
        told = known | {"seconds": round(seconds, 3), "rows_per_second": rate, "output": output}
        typer.echo(json.dumps(told, indent=2))
        return
    name = f"{manifest.model} {manifest.version}"
    speed = f"{scored:,} rows in {duration(seconds)}, {rate:,} a second" if scored else "it was done already"
    out.print(
        f"{manifest.answered:,} rows answered by {name}, {manifest.rejected:,} rejected ({speed})", soft_wrap=True
    )
    for line in target.told(manifest):
        out.print(line, soft_wrap=True, markup=False)


def _model(model: Path | None, version: str | None, config: Path, stack: str | None, *, explain: bool) -> "BulkModel":
    from training.cli.batch_version import model_in, published_model

    if model is not None:
        return model_in(model, explain=explain)
    return published_model(version, config, stack, explain=explain)


def _machine(stack: str) -> "StateMachine | None":
    """What scores in a stack; None for one that was deployed without it."""
    from skylift.aws import states_client
    from training.cli.batch_on_aws import StateMachine
    from training.cli.connection import stack_output

    if (arn := stack_output(stack, "BatchStateMachineArn")) is None:
        warn(f"{stack} scores no tables itself, so this machine does", "deploy it with Batch=true")
        return None
    return StateMachine(arn, client=states_client())


def absolute(address: str) -> str:
    """An address that is the same wherever it is read; workers may have another folder."""
    return address if address.startswith("s3://") else str(Path(address).absolute())


def csv_form(source: "Source") -> "CsvForm":
    """How a CSV file is written, by its beginning where it is in S3 or compressed.

    Raises
    ------
    DataError
        It is not CSV, or has no header.
    """
    from skylift.bulk.sources import S3, CsvForm
    from training.data.csv_format import find_format

    try:
        if source.address.startswith(S3) or source.name.lower().endswith(".gz"):
            with TemporaryDirectory(prefix="skylift-") as folder, source.opened_content() as content:
                path = Path(folder) / Path(source.name).name.removesuffix(".gz")
                head = content.read(_HEAD_BYTES)
                path.write_bytes(head[: head.rfind(b"\n") + 1] if len(head) == _HEAD_BYTES else head)
                found = find_format(path)
        else:
            found = find_format(Path(source.address))
    except DataError as error:  # whose hints are those of training
        raise DataError(error.message, f"write {source.address} as CSV in UTF-8, with a header") from error
    return CsvForm(encoding=found.encoding, delimiter=found.delimiter, names=found.names, first=found.first)


def _run(
    plan: "Plan", model: "BulkModel", target: "Output", results: "Results", *, quiet: bool
) -> "tuple[RunManifest, int]":
    """What a run came to, and how many rows of it were scored now."""
    from skylift.bulk.manifest import add_up, results_of
    from skylift.bulk.places import place_of
    from training.cli.batch_workers import Scorer

    manifest = target.complete()
    if manifest is not None and manifest.run == plan.run:
        return manifest, 0
    done: list[PartResult] = []
    if target.begin(plan):
        done = results_of(plan, place_of(target.parts))
        if not quiet:
            err.print(f"Going on: {len(done):,} of {len(plan.parts):,} parts are done")
    names = {result.name for result in done}
    parts = [part for part in plan.parts if part.name not in names]
    scored = list(_watched(parts, results(parts, Scorer(model, plan.run, target.parts)), quiet=quiet))
    manifest = add_up(plan, model, [*done, *scored])
    target.finish(manifest)
    return manifest, sum(result.rows for result in scored)


def _results(
    parts: "Sequence[Part]",
    scorer: "Scorer",
    *,
    workers: int | None,
    dask: str | None,
    machine: "StateMachine | None",
) -> "Iterator[PartResult]":
    import joblib

    from training.cli.batch_on_aws import run_on_aws
    from training.cli.batch_workers import run_here, run_in_processes, run_on_dask, workers_that_fit

    if machine is not None:
        return run_on_aws(parts, scorer, machine)
    if dask is not None:
        return run_on_dask(parts, scorer, dask)
    if not parts:
        return iter(())
    count = min(workers or min(joblib.cpu_count(), workers_that_fit(scorer.model, parts[0].source)), len(parts))
    return run_in_processes(parts, scorer, count) if count > 1 else run_here(parts, scorer)


def _watched(parts: "Sequence[Part]", results: "Iterator[PartResult]", *, quiet: bool) -> "Iterator[PartResult]":
    """The results, told on stderr as they come: on one changing line of a terminal, otherwise every few seconds."""
    if quiet:
        yield from results
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), TextColumn("{task.fields[about]}"))
    sizes = {part.name: part.last - part.first for part in parts}
    started = shown = time.monotonic()
    rows = 0
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as display:
        task = display.add_task("scoring", total=sum(sizes.values()), about="")
        for number, result in enumerate(results, start=1):
            rows += result.rows
            now = time.monotonic()
            about = (
                f"{number:,} of {len(parts):,} parts, {rows:,} rows, {rows / max(now - started, 0.001):,.0f} a second"
            )
            display.update(task, advance=sizes[result.name], about=about)
            if not err.is_terminal and now - shown >= _LINE_SECONDS:
                shown = now
                err.print(about, markup=False, soft_wrap=True)
            yield result
