"""`skylift data prepare | validate | profile`, and `skylift evaluate`: the stages before and after training."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from skylift.figures import format_value, told_apart
from training.cli.console import facts, out, print_notes, table
from training.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption, SampleOption
from training.cli.output_file import write_output
from training.cli.progress import progressing

if TYPE_CHECKING:
    from training.data.profile import ColumnProfile, Profile
    from training.data.validation import Report

app = typer.Typer(help="Prepare, validate and profile the table of model.yaml.", no_args_is_help=True)


@app.command()
def prepare(
    config: ConfigOption = DEFAULT_CONFIG,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path("data/processed"),
    sample: SampleOption = None,
) -> None:
    """Write the training and test rows, as training splits them: train.csv and test.csv."""
    from training.config import load_config
    from training.data import prepare as job
    from training.data.pipeline import check_dependency

    loaded = load_config(config).with_sample(sample)
    check_dependency(loaded.data.path)
    with progressing() as progress:
        prepared = job.prepare(loaded.table, output, progress=progress)
    rows = [
        ("train", f"{output / job.TRAIN_FILE}, {prepared.train_rows:,} rows"),
        ("test", f"{output / job.TEST_FILE}, {prepared.test_rows:,} rows"),
        ("contract", f"{output / job.TABLE_FILE}, {len(prepared.contract.features)} features"),
        ("data", f"sha256 {prepared.data_sha256[:12]}"),
    ]
    out.print(facts([*rows, *(("note", note) for note in prepared.notes)]))


@app.command()
def validate(
    config: ConfigOption = DEFAULT_CONFIG,
    sample: SampleOption = None,
    as_json: JsonOption = None,
    contract: Annotated[
        Path | None,
        typer.Option("--contract", help="Output of `skylift show v3 --json`, whose contract the table must keep."),
    ] = None,
) -> None:
    """Check the table against its contract and model.yaml; exits with code 1 if it fails."""
    from training.config import load_config
    from training.data.pipeline import check_dependency
    from training.data.validation import read_contract
    from training.data.validation import validate as run

    loaded = load_config(config).with_sample(sample)
    check_dependency(loaded.data.path)
    expected = read_contract(contract) if contract else None
    with progressing() as progress:
        report = run(loaded.table, expected=expected, progress=progress)

    def show() -> None:
        out.print(report_table(report))
        print_notes(report.notes)

    _show(report.to_bytes(), as_json, show)
    report.check()


@app.command()
def profile(config: ConfigOption = DEFAULT_CONFIG, sample: SampleOption = None, as_json: JsonOption = None) -> None:
    """Describe the columns of the table, and their association with the target."""
    from training.config import load_config
    from training.data.encoded import read_table
    from training.data.profile import profile as run

    loaded = load_config(config).with_sample(sample)
    with progressing() as progress:
        progress(f"reading {loaded.data.path.name}")
        training_table = read_table(loaded.table, progress=progress)
        progress("describing columns")
        described = run(training_table)

    def show() -> None:
        out.print(profile_table(described))
        print_notes(described.notes)

    _show(described.to_bytes(), as_json, show)


def evaluate(
    version: Annotated[Path, typer.Argument(help="Folder that `skylift train --output` wrote.")] = Path(
        "build/version"
    ),
    config: ConfigOption = DEFAULT_CONFIG,
    prepared: Annotated[Path, typer.Option("--prepared", help="Folder that `skylift data prepare` wrote.")] = Path(
        "data/processed"
    ),
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for metrics and plots.")] = Path("reports"),
) -> None:
    """Measure a trained model on the prepared test rows; exits with code 1 if a gate fails."""
    from training.config import load_config
    from training.release.folder import evaluate as run

    loaded = load_config(config)
    with progressing() as progress:
        evaluation = run(version, prepared, loaded.table, loaded.gates, progress=progress)
        evaluation.write(output)
    rows = [
        (
            name,
            format_value(folds) if (folds := evaluation.cross_validated.get(name)) is not None else "none",
            format_value(value),
        )
        for name, value in evaluation.holdout.items()
    ]
    out.print(table(("metric", "cross-validated#", "test#"), rows))
    evaluation.check_gates()


def report_table(report: "Report") -> Table:
    """Every check with what it found."""
    rows: list[tuple[str, ...]] = []
    for check, status in report.checks.items():
        findings = [finding for finding in report.findings if finding.check == check]
        rows += [(check, finding.status, finding.column or "", finding.message) for finding in findings] or [
            (check, status, "", "")
        ]
    verdict = "passed" if report.passed else "FAILED"
    return table(("check", "result", "column", "found"), rows, title=f"{report.rows:,} rows: {verdict}")


def profile_table(profile: "Profile") -> Table:
    """A line per column, the target last."""
    columns = (
        "column",
        "kind",
        "missing#",
        "distinct#",
        "min#",
        "mean#",
        "median#",
        "max#",
        "with target#",
        "most frequent",
    )
    rows = [_profile_row(column, profile.rows) for column in (*profile.columns, profile.target)]
    return table(columns, rows, title=f"{profile.rows:,} rows, {profile.task} of {profile.target.name}")


def _profile_row(column: "ColumnProfile", rows: int) -> tuple[str, ...]:
    numbers = (column.min, column.mean, column.quantiles.get("0.5"), column.max)
    known = [number for number in numbers if number is not None]
    days = [str(column.origin + timedelta(days=number)) for number in known] if column.origin else None
    written = iter(days or told_apart(known))
    return (
        column.name,
        column.kind,
        f"{column.missing / rows:.1%}" if column.missing else "0",
        f"{column.distinct:,}",
        *("" if number is None else next(written) for number in numbers),
        "" if column.correlation is None else f"{column.correlation:.3f}",
        ", ".join(f"{value.value} {value.rows / rows:.0%}" for value in column.top[:3]),
    )


def _show(document: bytes, as_json: Path | None, show: Callable[[], None]) -> None:
    """Print the table, and write the document, or print it in the table's place."""
    if as_json == Path("-"):
        typer.echo(document, nl=False)
        return
    show()
    if as_json is not None:
        write_output(as_json, document, "--json")
