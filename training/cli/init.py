"""`skylift init`: from a table to a first model.yaml."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skylift.errors import ConfigError
from skylift.names import listed
from training.cli.console import facts, out, print_notes, table
from training.cli.output_file import write_output
from training.cli.progress import progressing

if TYPE_CHECKING:
    from training.config.locations import Location

_TARGETS = ("target", "label", "class", "y", "outcome")
_EXAMPLE_LETTERS = 40


def init(
    source: Annotated[str, typer.Argument(metavar="TABLE", help="CSV or Parquet file, folder or s3://bucket/key.")],
    target: Annotated[str | None, typer.Option(help="Column to predict; asked for on a terminal.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("model.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Write a commented model.yaml for a table: what each column was taken as, why, and the key that changes it."""
    from training.config import ModelConfig
    from training.config.locations import parse_location
    from training.data.draft import draft, model_name

    if output.exists() and not force:
        raise ConfigError(f"{output} is there already", "name another file with --output, or replace it with --force")
    location = parse_location(source)
    if target is None:
        target = _asked(location, source)
    path = location.resolve() if isinstance(location, Path) else location
    document = {"model": model_name(location.name), "data": {"path": path}, "target": {"column": target}}
    config = ModelConfig.model_validate(document)
    with progressing(f"reading {location.name}") as progress:
        drafted = draft(config.table, config.model, output, progress=progress)
    write_output(output, drafted.text.encode(), "--output")
    rows = [(decision.name, decision.taken_as, decision.why) for decision in drafted.decisions]
    out.print(table(("column", "taken as", ""), rows))
    out.print()
    out.print(facts([("target", f"{target}: {drafted.target}"), ("rows", f"{drafted.rows:,}")]))
    print_notes(drafted.notes)
    out.print(f"\nWritten to {output}\nTrain and serve it: skylift up --config {output}", soft_wrap=True, markup=False)


def _asked(location: "Location", source: str) -> str:
    """The target that a person names.

    Raises
    ------
    ConfigError
        Nobody can be asked.
    """
    from training.data.reader import read_rows

    with progressing(f"reading {location.name}") as progress:
        frame = read_rows(location, progress=progress).frame
    columns = [str(name) for name in frame.columns]
    if not _terminal():
        raise ConfigError(
            "nobody can be asked for the column to predict",
            f"name it: skylift init {source} --target COLUMN; there are: {listed(columns)}",
        )
    rows = [(str(number), name, _example(frame[name])) for number, name in enumerate(columns, start=1)]
    out.print(table(("#", "column", "first value"), rows))
    usual = next((name for name in columns if name.lower() in _TARGETS), columns[-1])
    answer: str = typer.prompt("Column to predict, by name or number", default=usual)
    by_number = answer.isdecimal() and answer not in columns and 1 <= int(answer) <= len(columns)
    return columns[int(answer) - 1] if by_number else answer


def _terminal() -> bool:
    return sys.stdin.isatty()


def _example(column: Any) -> str:
    known = column.dropna()
    text = str(known.iloc[0]) if len(known) else ""
    return text if len(text) <= _EXAMPLE_LETTERS else f"{text[: _EXAMPLE_LETTERS - 1]}…"
