"""`skylift client`: a typed client of the active version."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from training.cli.options import DEFAULT_CONFIG, ConfigOption, StackOption


def client(
    language: Annotated[Literal["python", "typescript"], typer.Argument(help="Language of the client.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; by default it is printed.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
) -> None:
    """Write a typed client of the active version's contract: one file that needs nothing else."""
    from skylift.registry import Registry
    from training.cli.connection import registry_settings
    from training.cli.console import out
    from training.cli.output_file import write_output
    from training.clients.python import python_client
    from training.clients.typescript import typescript_client

    manifest = Registry.open(registry_settings(stack, config)).resolve().manifest
    write = {"python": python_client, "typescript": typescript_client}[language]
    text = write(manifest.model, manifest.contract)
    if output is None:
        typer.echo(text, nl=False)
        return
    write_output(output, text.encode(), "--output")
    out.print(f"Written to {output}", soft_wrap=True, markup=False)
