"""The one owner of logger and metrics.

Logs are JSON by Powertools, metrics are CloudWatch's embedded metric format by Powertools: both go to stdout, from
where CloudWatch reads them, and neither costs a network call.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider
from pydantic_core import to_json

NAMESPACE = "Skylift"

type MetricName = Literal[
    "Predictions",
    "PredictionErrors",
    "PredictionLatency",
    "ModelLoads",
    "ModelLoadFailures",
    "ModelLoadSeconds",
    "ColdStart",
    "RefreshFailures",
]

_UNITS: dict[MetricName, str] = {"PredictionLatency": "Milliseconds", "ModelLoadSeconds": "Seconds"}

# Not Powertools' `Metrics`, whose state all its users share; and no dimension from POWERTOOLS_SERVICE_NAME.
_provider = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service="")

logger = Logger(service="skylift", use_rfc3339=True, json_serializer=lambda line: to_json(line, fallback=str).decode())


@dataclass(frozen=True, slots=True)
class Metric:
    """One data point.

    Parameters
    ----------
    name
        See `MetricName`.
    value
        A count, or in the unit of the metric: milliseconds for latency, seconds for loading.
    """

    name: MetricName
    value: float = 1


def emit(metrics: Iterable[Metric], dimensions: Mapping[str, str], *finer: Mapping[str, str]) -> None:
    """Write metrics as one line of embedded metric format.

    Written by the thread that answers requests, one line at a time.

    Parameters
    ----------
    metrics
        Data points; nothing is written where there are none.
    dimensions
        Every metric is kept by these.
    finer
        And once more by each of these together with the former.
    """
    line = _provider
    line.clear_metrics()
    for name, value in dimensions.items():
        line.add_dimension(name, value)
    for more in finer:
        line.add_dimensions(**dimensions, **more)
    for metric in metrics:  # after the dimensions: the hundredth value of a metric writes a line at once
        line.add_metric(metric.name, _UNITS.get(metric.name, "Count"), metric.value)
    if not line.metric_set:
        return
    sys.stdout.write(to_json(line.serialize_metric_set()).decode() + "\n")
    sys.stdout.flush()
