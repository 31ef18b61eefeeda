"""Options and arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CONFIG = Path("training/model.yaml")

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="SKYLIFT_CONFIG", help="Path of the model.yaml to use.")
]
DaskOption = Annotated[
    str | None,
    typer.Option("--dask", envvar="SKYLIFT_DASK", help="Run the search on Dask: address of a scheduler, or local."),
]
JsonOption = Annotated[
    Path | None, typer.Option("--json", help="Also write the result as JSON; - prints it instead of the table.")
]
PortOption = Annotated[int, typer.Option("--port", "-p", min=1, max=65535, help="Port on 127.0.0.1.")]
PreparedOption = Annotated[
    Path | None,
    typer.Option("--prepared", help="Folder that `skylift data prepare` wrote, to read instead of the raw table."),
]
SampleOption = Annotated[
    int | None, typer.Option("--sample", min=10, help="Number of rows to sample; overrides data.sample of model.yaml.")
]
StackOption = Annotated[
    str | None,
    typer.Option("--stack", envvar="SKYLIFT_STACK", help="CloudFormation stack whose outputs name the registry."),
]
TrackOption = Annotated[
    bool | None,
    typer.Option(
        "--track/--no-track",
        envvar="SKYLIFT_TRACK",
        show_default=False,
        help="Track in MLflow: at MLFLOW_TRACKING_URI (then on by default), or in mlflow.db here.",
    ),
]
VersionArgument = Annotated[str, typer.Argument(help="Version: v7, 7 or v7@sha256:...")]
