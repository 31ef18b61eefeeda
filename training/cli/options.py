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
IgnoreMemoryOption = Annotated[
    bool, typer.Option("--ignore-memory", help="Do not measure whether a switch fits the function's memory.")
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
JsonOption = Annotated[
    Path | None, typer.Option("--json", help="Also write the result as JSON; - prints it instead of the table.")
]
MaxHoursOption = Annotated[
    float | None,
    typer.Option(
        "--max-hours", min=0.01, max=336, show_default=False, help="End without a decision after so long; 72."
    ),
]
MinRequestsOption = Annotated[
    int | None,
    typer.Option("--min-requests", min=1, show_default=False, help="Promote after so many requests at least; 1,000."),
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
