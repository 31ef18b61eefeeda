"""What Prometheus reads: the names that a server's process and the operations function share, and their text form.

The text form is version 0.0.4 of https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from skylift.monitoring.report import Report

PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

type Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with all its labels.

    Parameters
    ----------
    name
        Name with the unit; that of a counter ends with `_total`.
    kind
        Type by Prometheus.
    words
        What it counts or measures, in one line.
    labels
        Names of its labels.
    """

    name: str
    kind: Kind
    words: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a metric.

    Parameters
    ----------
    family
        The metric.
    labels
        Values of its labels, each with its name.
    suffix
        Part of a histogram that it is; see `histogram`.
    """

    family: Family
    labels: Mapping[str, str]
    value: float
    suffix: Literal["", "_bucket", "_sum", "_count"] = ""


SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Upper bounds of the buckets of histograms."""

_MODEL = ("model", "version")

PREDICTIONS = Family("ml_predictions_total", "counter", "Instances that were scored.", _MODEL)
PREDICTION_SECONDS = Family(
    "ml_prediction_duration_seconds", "histogram", "Seconds that an answered request for predictions took.", _MODEL
)
PREDICTION_ERRORS = Family(
    "ml_prediction_errors_total", "counter", "Requests for predictions that failed, by reason.", (*_MODEL, "reason")
)
REQUESTS = Family("api_requests_total", "counter", "Requests, by route and status.", ("method", "route", "status"))
REQUEST_SECONDS = Family(
    "api_request_duration_seconds", "histogram", "Seconds that a request took.", ("method", "route")
)
ERRORS = Family(
    "api_errors_total",
    "counter",
    "Requests with a status of 400 or above, by reason.",
    ("method", "route", "status", "reason"),
)
MODEL_LOADS = Family(
    "ml_model_load_total", "counter", "Loads of a version: status is success or failure.", ("model", "status")
)
MODEL_LOADED = Family("ml_model_loaded", "gauge", "1 for the version that answers; 0 without a model.", _MODEL)
MEMORY = Family("process_memory_rss_bytes", "gauge", "Resident memory of the process.")
CPU = Family("process_cpu_percent", "gauge", "Processor time since the last reading; 100 is one processor.")
THREADS = Family("process_thread_count", "gauge", "Threads of the process.")
DRIFT = Family("ml_drift_detected", "gauge", "1 where the latest window of the monitor drifts, else 0.", _MODEL)
DRIFTED_FEATURES = Family("ml_drifted_feature_count", "gauge", "Features that drift in the latest window.", _MODEL)
ACCURACY = Family(
    "ml_model_accuracy",
    "gauge",
    "Accuracy of a classifier: status is live where labels show it, expected where it is estimated without them.",
    (*_MODEL, "status"),
)

FAMILIES = (
    PREDICTIONS,
    PREDICTION_SECONDS,
    PREDICTION_ERRORS,
    REQUESTS,
    REQUEST_SECONDS,
    ERRORS,
    MODEL_LOADS,
    MODEL_LOADED,
    MEMORY,
    CPU,
    THREADS,
    DRIFT,
    DRIFTED_FEATURES,
    ACCURACY,
)
"""All of them; rules and dashboards may name no other."""


def samples_of(report: Report) -> list[Sample]:
    """What the monitor's latest report says; nothing where it cannot tell, since 0 would be an answer."""
    of = {"model": report.model, "version": report.version}
    drifted = sum(shift.state == "drift" for shift in report.features)
    samples = [
        Sample(DRIFT, of, float(report.state == "drift")),
        Sample(DRIFTED_FEATURES, of, drifted),
    ]
    for status, found in (("live", report.live), ("expected", report.expected)):
        if found is not None and found.metric == "accuracy":
            samples.append(Sample(ACCURACY, of | {"status": status}, found.value))
    return samples


def histogram(
    family: Family, labels: Mapping[str, str], within: Sequence[float], *, count: float, total: float
) -> list[Sample]:
    """A histogram with the buckets of `SECONDS`.

    Parameters
    ----------
    within
        Number of observations up to each bound.
    count, total
        Number of all observations, and their sum in seconds.
    """
    bounds = [*(repr(float(bound)) for bound in SECONDS), "+Inf"]
    return [
        *(
            Sample(family, {**labels, "le": bound}, number, "_bucket")
            for bound, number in zip(bounds, [*within, count], strict=True)
        ),
        Sample(family, labels, total, "_sum"),
        Sample(family, labels, count, "_count"),
    ]


def exposition(samples: Iterable[Sample]) -> str:
    """Samples in text form, those of one metric together.

    Examples
    --------
    >>> print(exposition([Sample(PREDICTIONS, {"model": "iris", "version": "v7"}, 3)]), end="")
    # HELP ml_predictions_total Instances that were scored.
    # TYPE ml_predictions_total counter
    ml_predictions_total{model="iris",version="v7"} 3
    """
    by_family: dict[Family, list[Sample]] = {}
    for sample in samples:
        by_family.setdefault(sample.family, []).append(sample)
    lines: list[str] = []
    for family, those in by_family.items():
        lines += [f"# HELP {family.name} {family.words}", f"# TYPE {family.name} {family.kind}"]
        lines += [f"{family.name}{sample.suffix}{_written(sample.labels)} {_number(sample.value)}" for sample in those]
    return "".join(f"{line}\n" for line in lines)


def _written(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'+' if value > 0 else '-'}Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
