"""`skylift monitor`: judge the traffic of a time, as the monitor's function does on its schedule. It only prints."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skylift.errors import ConfigError
from training.cli.console import message_and_hint, out, warn
from training.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption, StackOption
from training.cli.output_file import write_output

if TYPE_CHECKING:
    from skylift.monitoring.monitor import Monitor
    from skylift.monitoring.sources import Source
    from skylift.settings import RegistrySettings

_MOST = timedelta(days=31)


def monitor(  # noqa: PLR0913, PLR0917 (its options)
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
    hours: Annotated[int, typer.Option("--hours", min=1, max=744, help="Judge so many hours, until now.")] = 1,
    start: Annotated[
        str | None, typer.Option("--from", help="Begin of the time instead, in UTC: 2026-03-01T10:00.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the time; now by default.")] = None,
    log: Annotated[
        Path | None,
        typer.Option(
            "--log", envvar="SKYLIFT_SERVICE_LOG", help="Log file of the service, instead of captures in the bucket."
        ),
    ] = None,
    json: JsonOption = None,
    html: Annotated[Path | None, typer.Option("--html", help="Also write the report as a page.")] = None,
) -> None:
    """Say whether the traffic is still like training: drift by feature, expected and live accuracy."""
    from training.cli.connection import registry_settings

    first, last = _time(hours, start, end)
    settings = registry_settings(stack, config)
    watching = monitor_of(settings, _source(settings, stack, log, first, last), every=last - first)
    outcome = watching.look(first, last)
    for failure in outcome.failures:
        warn(*message_and_hint(failure))
    document = outcome.report.to_bytes()
    if html:
        write_output(html, watching.page(outcome.report) or b"", "--html")
    if json == Path("-"):
        typer.echo(document, nl=False)
        return
    from training.cli.monitor_tables import report_tables

    for number, part in enumerate(report_tables(outcome.report)):
        if number:
            out.print()
        out.print(part)
    if json:
        write_output(json, document, "--json")


def monitor_of(settings: "RegistrySettings", source: "Source", *, every: timedelta) -> "Monitor":
    """A monitor of the model that settings name.

    Parameters
    ----------
    every
        Time from look to look; see `Monitor`.
    """
    from skylift.aws import s3_client, ssm_client
    from skylift.bucket import Bucket
    from skylift.monitoring.label_store import LabelStore
    from skylift.monitoring.live_accuracy import LiveAccuracy
    from skylift.monitoring.monitor import Monitor
    from skylift.monitoring.report_store import ReportStore
    from skylift.pointer import ActivePointer
    from skylift.store import VersionStore

    s3 = s3_client()
    bucket = Bucket(settings.bucket, client=s3)
    return Monitor(
        source,
        VersionStore(settings.bucket, settings.model, client=s3),
        ActivePointer(settings.stage, settings.model, client=ssm_client(patient=True)),
        ReportStore(bucket, settings.model),
        every=every,
        live_of=LiveAccuracy(source, LabelStore(bucket, settings.model)).of,
    )


def _source(
    settings: "RegistrySettings", stack: str | None, log: Path | None, start: datetime, end: datetime
) -> "Source":
    """The log file that is named; else captures, or the log group of a stack that captured nothing in this time."""
    from skylift.aws import logs_client, s3_client
    from skylift.bucket import Bucket
    from skylift.monitoring.records import Reader
    from skylift.monitoring.sources import Captures, LogFile, LogGroup
    from training.cli.connection import stack_output

    if log is not None and stack is None:
        return LogFile(log)
    captures = Captures(Bucket(settings.bucket, client=s3_client()), settings.model)
    group = stack_output(stack, "InferenceLogGroupName") if stack else None
    if group is None or captures.read(Reader(), start, end).objects:
        return captures
    return LogGroup(group, client=logs_client())


def _time(hours: int, start: str | None, end: str | None) -> tuple[datetime, datetime]:
    last = _moment("--to", end) if end else datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    first = _moment("--from", start) if start else last - timedelta(hours=hours)
    if not first < last <= first + _MOST:
        raise ConfigError("the time ends before it begins, or is longer than 31 days", "see --from and --to")
    return first, last


def _moment(option: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ConfigError(f"{option} {text[:100]!r} is not a time", "write it as 2026-03-01T10:00, in UTC") from None
