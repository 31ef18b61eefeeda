"""The one owner of logger and metrics.

Logs are JSON by Powertools, metrics are CloudWatch's embedded metric format: both go to stdout, from where CloudWatch
reads them, and neither costs a network call. The format is written here, because Powertools takes twice the time. A
line that cannot be written is dropped and counted: no request fails because a disk is full.
"""

import json
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import IO, Any, Literal, NamedTuple, cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from pydantic_core import to_json

from skylift.traces import trace_of, words_of

NAMESPACE = "Skylift"
SERVICE = "skylift"

_MAX_VALUES = 100
"""CloudWatch takes so many values of a metric in one line."""

type MetricName = Literal[
    "Predictions",
    "PredictionErrors",
    "PredictionLatency",
    "ModelLoads",
    "ModelLoadFailures",
    "ModelLoadSeconds",
    "ColdStart",
    "RefreshFailures",
    "PointerStale",
    "UnknownCategories",
    "Degraded",
    "BaselineFailures",
    "ActiveVersionUnreadable",
    "ChallengerLoadFailures",
    "ChallengerFailures",
    "ChallengerDropped",
    "RolloutFailed",
    "RetrainingFailed",
]

type WindowMetricName = Literal[
    "WindowRows",
    "DriftedFeatures",
    "LargestShift",
    "ExpectedAccuracy",
    "ExpectedError",
    "LiveAccuracy",
    "LiveError",
    "LiveGatesMissed",
    "LabelCoverage",
    "MonitorFailures",
]

_UNITS: dict[str, str] = {
    "PredictionLatency": "Milliseconds",
    "ModelLoadSeconds": "Seconds",
    "LargestShift": "None",
    "ExpectedAccuracy": "None",
    "ExpectedError": "None",
    "LiveAccuracy": "None",
    "LiveError": "None",
    "LabelCoverage": "None",
}


class LogStream:
    """Stdout as it is at that moment, without its failures.

    Attributes
    ----------
    lost
        Number of writes that failed.
    """

    def __init__(self) -> None:
        self.lost = 0

    def write(self, text: str) -> None:
        """Write what is one line or the end of one."""
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except (OSError, ValueError):  # a full disk, a reader that died, a stream that was closed
            self.lost += 1

    def flush(self) -> None:
        """Do nothing: each write is flushed."""


def as_line(document: Mapping[str, object]) -> str:
    """A document as one line of JSON, whatever is in it; half of a surrogate pair is written as its escape."""
    try:
        return to_json(document, fallback=str).decode()
    except ValueError:
        return json.dumps(document, default=str)


stream = LogStream()


class _Formatter(LambdaPowertoolsFormatter):
    """Powertools' lines, without the words and notes of failures, which may hold values of a request."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the name of `logging`)
        return trace_of(ei[1])

    def serialize(self, log: Any) -> str:
        log.pop("exception_notes", None)
        if trace := log.get("stack_trace"):
            trace["value"] = words_of(trace["value"])
        return as_line(log)


logger = Logger(service=SERVICE, logger_formatter=_Formatter(use_rfc3339=True), stream=cast("IO[str]", stream))


_LIBRARIES = ("boto3", "botocore", "urllib3")
"""Loggers that would write credentials and signatures at DEBUG, whoever sets the level of the root logger."""


def set_level(level: str) -> None:
    """Write Skylift's lines from a level on, and of every library warnings and errors alone.

    Parameters
    ----------
    level
        Name of the level, for example `INFO`; it also holds where the environment asks for another.
    """
    logging.getLogger(SERVICE).setLevel(level)  # Powertools' own `setLevel` would prefer AWS_LAMBDA_LOG_LEVEL
    root = logging.getLogger()
    root.setLevel(max(root.level, logging.WARNING))  # Lambda sets it to AWS_LAMBDA_LOG_LEVEL
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


class MetricPoint(NamedTuple):
    """One data point.

    Parameters
    ----------
    name
        Name of the metric.
    value
        Count, or value in the unit of the metric: milliseconds for latency, seconds for loading.
    """

    name: MetricName | WindowMetricName
    value: float = 1


def write_request(
    level: int,
    fields: Mapping[str, object],
    metrics: Sequence[MetricPoint],
    dimension_sets: Sequence[Mapping[str, str]],
    failure: BaseException | None = None,
) -> None:
    """Write a request's line: what it was, with its metrics where it has any.

    A failure has a line of its own, with its trace, before that of its metrics; both have the `correlation_id`.

    Parameters
    ----------
    level
        `logging.INFO` or `logging.ERROR`; a level that the logger does not write leaves the metrics.
    fields
        Members of the line.
    metrics, dimension_sets
        Metrics of the request; see `emit`.
    failure
        Unexpected error; None if there was no error.
    """
    if level > logging.INFO or not metrics:
        write = logger.error if level > logging.INFO else logger.info
        write("request", extra=dict(fields), exc_info=failure)
        emit(metrics, dimension_sets, _identity(fields))
    elif logger.log_level <= level:
        head = {"level": "INFO", "message": "request", "timestamp": _now(), "service": SERVICE}
        emit(metrics, dimension_sets, {**head, **fields})
    else:
        emit(metrics, dimension_sets, _identity(fields))


def emit(
    metrics: Sequence[MetricPoint],
    dimension_sets: Sequence[Mapping[str, str]],
    fields: Mapping[str, object] | None = None,
) -> None:
    """Write metrics as a line of embedded metric format.

    Written by the thread that answers requests, one line at a time.

    Parameters
    ----------
    metrics
        Data points; without any, nothing is written, and no dimensions are needed.
    dimension_sets
        Dimensions by which CloudWatch aggregates every metric, at least one set.
    fields
        Further members of the line.
    """
    if not metrics:
        return
    for start in range(0, len(metrics), _MAX_VALUES):
        values: dict[str, list[float]] = {}
        for name, value in metrics[start : start + _MAX_VALUES]:
            values.setdefault(name, []).append(value)
        directive = {
            "Namespace": NAMESPACE,
            "Dimensions": [list(dimensions) for dimensions in dimension_sets],
            "Metrics": [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in values],
        }
        line: dict[str, object] = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}}
        for dimensions in dimension_sets:
            line.update(dimensions)
        line.update(fields or {})
        line.update(values)
        stream.write(as_line(line) + "\n")


def _identity(fields: Mapping[str, object]) -> dict[str, object]:
    """What tells to which request a line of metrics belongs."""
    return {"correlation_id": fields["correlation_id"]} if "correlation_id" in fields else {}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
