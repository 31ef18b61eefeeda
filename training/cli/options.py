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
    typer.Option("--dask", envvar="SKYLIFT_DASK", help="Search on Dask: a scheduler's address, or local."),
]
JsonOption = Annotated[
    Path | None, typer.Option("--json", help="Also write the result as JSON; - prints it instead of the table.")
]
PortOption = Annotated[int, typer.Option("--port", "-p", min=1, max=65535, help="Port on 127.0.0.1.")]
PreparedOption = Annotated[
    Path | None, typer.Option("--prepared", help="Folder of `skylift data prepare`, to read instead of the raw table.")
]
SampleOption = Annotated[
    int | None, typer.Option("--sample", min=10, help="Rows to draw; overrides data.sample of model.yaml.")
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
        help="Track in MLflow: at MLFLOW_TRACKING_URI, or in mlflow.db here. On where MLFLOW_TRACKING_URI is set.",
    ),
]
VersionArgument = Annotated[str, typer.Argument(help="v7, 7 or v7@sha256:...")]
