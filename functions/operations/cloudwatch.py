"""Reads sums of metrics from CloudWatch."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from skylift.aws import aws_errors
from skylift.errors import AwsUnavailable
from skylift.observability import NAMESPACE

_MOST_QUERIES = 500
"""CloudWatch takes so many in one call."""

type Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Query:
    """What is added up over time.

    Parameters
    ----------
    metric
        Name of the metric.
    dimensions
        Names and values of all its dimensions.
    statistic
        Statistic of each period whose values may be added: `Sum`, `SampleCount` or `TC(...)`.
    namespace
        Namespace of the metric.
    """

    metric: str
    dimensions: Dimensions
    statistic: str = "Sum"
    namespace: str = field(default=NAMESPACE, kw_only=True)


class CloudWatch:
    """Metrics of one account and region.

    Parameters
    ----------
    client
        Botocore client for CloudWatch.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def dimensions(self, given: Dimensions) -> Iterator[dict[str, str]]:
        """Dimensions of Skylift's metrics of the last two weeks, of those that have these among them.

        Raises
        ------
        AwsUnavailable
            CloudWatch failed.
        """
        with aws_errors("listing metrics"):
            pages = self._client.get_paginator("list_metrics").paginate(Namespace=NAMESPACE, Dimensions=_named(given))
            for page in pages:
                for metric in page["Metrics"]:
                    yield {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}

    def totals(self, queries: Sequence[Query], start: datetime, end: datetime, *, period: int) -> Mapping[Query, float]:
        """Sums over a time; 0 where nothing was measured.

        Parameters
        ----------
        start, end
            The time, whole periods of it.
        period
            Seconds of the periods that CloudWatch answers with.

        Raises
        ------
        AwsUnavailable
            CloudWatch failed, or answered a part: a counter that falls would be taken for a restart.
        """
        found = dict.fromkeys(queries, 0.0)
        for first in range(0, len(queries), _MOST_QUERIES):
            by_id = {f"q{number}": query for number, query in enumerate(queries[first : first + _MOST_QUERIES])}
            whole: set[str] = set()
            for result in self._results(by_id, start, end, period):
                found[by_id[result["Id"]]] += sum(result["Values"])
                if result["StatusCode"] == "Complete":
                    whole.add(result["Id"])
            if whole != by_id.keys():
                raise AwsUnavailable("reading metrics failed (a part was answered)", "try again")
        return found

    def _results(
        self, queries: Mapping[str, Query], start: datetime, end: datetime, period: int
    ) -> Iterable[dict[str, Any]]:
        asked = [
            {
                "Id": name,
                "MetricStat": {
                    "Metric": {
                        "Namespace": query.namespace,
                        "MetricName": query.metric,
                        "Dimensions": _named(query.dimensions),
                    },
                    "Period": period,
                    "Stat": query.statistic,
                },
            }
            for name, query in queries.items()
        ]
        with aws_errors("reading metrics"):
            pages = self._client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=asked, StartTime=start, EndTime=end
            )
            for page in pages:
                yield from page["MetricDataResults"]


def _named(dimensions: Dimensions) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions]
