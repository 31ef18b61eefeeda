"""The Lambda entry: a schedule calls it, with its own time in the event, so that a second try judges the same."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.settings import MonitorSettings
from skylift.aws import s3_client, ssm_client
from skylift.bucket import Bucket
from skylift.errors import IntegrityError, SkyliftError
from skylift.monitoring.label_store import LabelStore
from skylift.monitoring.live_accuracy import LiveAccuracy
from skylift.monitoring.monitor import Monitor, Outcome, due_windows, metrics_of
from skylift.monitoring.report_store import ReportStore
from skylift.monitoring.sources import Captures
from skylift.observability import MetricPoint, emit, logger, set_level
from skylift.pointer import ActivePointer
from skylift.store import VersionStore

SETTLED = timedelta(minutes=15)
"""Firehose delivers within its buffering time, which is shorter."""


def handler(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Judge the windows that have ended since the latest report.

    A failure is said in the log and in a metric, and the next run takes up what this one left: the schedule need not
    try again.

    Parameters
    ----------
    event
        `time`: the schedule's own, in RFC 3339; now without one.

    Returns
    -------
    dict
        State of each window by its report, and what failed.
    """
    settings = MonitorSettings()
    set_level("INFO")
    dimensions = {"stage": settings.stage, "model": settings.model}
    states: dict[str, str] = {}
    try:
        for outcome in _outcomes(settings, _time(event)):
            states[outcome.report.key] = outcome.report.state
            _tell(outcome, dimensions)
    except SkyliftError as error:
        logger.exception("a window could not be judged", extra={**dimensions, "why": str(error)})
        emit([MetricPoint("MonitorFailures")], [dimensions])
        return {"states": states, "failed": str(error)}
    return {"states": states, "failed": None}


def _outcomes(settings: MonitorSettings, now: datetime) -> Iterable[Outcome]:
    s3 = s3_client()
    bucket, every = Bucket(settings.bucket, client=s3), timedelta(hours=settings.window_hours)
    reports = ReportStore(bucket, settings.model)
    captures = Captures(bucket, settings.model)
    monitor = Monitor(
        captures,
        VersionStore(settings.bucket, settings.model, client=s3),
        ActivePointer(settings.stage, settings.model, client=ssm_client(patient=True)),
        reports,
        every=every,
        live_of=LiveAccuracy(captures, LabelStore(bucket, settings.model)).of,
    )
    for start, end in due_windows(now, every, _end_of_latest(reports), settled=SETTLED):
        yield monitor.run(start, end)


def _end_of_latest(reports: ReportStore) -> datetime | None:
    try:
        latest = reports.latest()
    except IntegrityError as error:  # the next report replaces it
        logger.warning("the latest report cannot be read", extra={"why": str(error)})
        return None
    return latest.window["to"] if latest else None


def _time(event: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(event["time"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        return datetime.now(UTC)


def _tell(outcome: Outcome, dimensions: dict[str, str]) -> None:
    """One line with the metrics of a window, which says what it came to and what it stands without."""
    report = outcome.report
    metrics = metrics_of(report)
    fields: dict[str, object] = {
        "level": logging.getLevelName(logging.WARNING if outcome.failures else logging.INFO),
        "message": "window",
        "version": report.version,
        "state": report.state,
        "drifted": [shift.name for shift in (*report.features, report.predictions) if shift.state == "drift"],
        "window": report.model_dump(mode="json")["window"],
        "report": report.key,
    }
    if report.labels:
        fields["label_use"] = report.labels.model_dump()
    if outcome.failures:
        fields["without"] = [str(failure) for failure in outcome.failures]
        metrics.append(MetricPoint("MonitorFailures", len(outcome.failures)))
    emit(metrics, [dimensions], {**dimensions, **fields})
