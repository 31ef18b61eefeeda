"""CloudWatch's metrics in memory, as far as `operations` reads them: statistics of periods, in pages."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNT_BETWEEN = re.compile(r"TC\(([\d.]+):([\d.]+)\)")


type Key = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name and dimensions of a metric."""


@dataclass
class FakeCloudWatch:
    """A client.

    Attributes
    ----------
    points
        Times and values by metric.
    calls
        Parameters of the calls of GetMetricData.
    failure
        Error that every call raises, if any.
    status
        Status of the last part of each result.
    """

    points: dict[Key, list[tuple[datetime, float]]] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    failure: BaseException | None = None
    status: str = "Complete"

    def put(self, metric: str, *values: float, at: datetime, namespace: str = "Skylift", **dimensions: str) -> None:
        """Measure values."""
        key = (namespace, metric, frozenset(dimensions.items()))
        self.points.setdefault(key, []).extend((at, value) for value in values)

    def read_line(self, line: Mapping[str, Any]) -> None:
        """Read a line in the embedded metric format, as CloudWatch does."""
        at = datetime.fromtimestamp(line["_aws"]["Timestamp"] / 1000, UTC)
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                of = {name: line[name] for name in names}
                for metric in directive["Metrics"]:
                    self.put(metric["Name"], *line[metric["Name"]], at=at, namespace=directive["Namespace"], **of)

    def get_paginator(self, operation: str) -> "_Pages":
        return _Pages(self, operation)

    def listed(self, namespace: str, given: Mapping[str, str]) -> list[dict[str, Any]]:
        return [
            {"MetricName": metric, "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions]}
            for space, metric, dimensions in self.points
            if space == namespace and given.items() <= dict(dimensions).items()
        ]

    def values(self, asked: Mapping[str, Any], start: datetime, end: datetime) -> list[float]:
        """One value for each period in which something was measured."""
        metric, period = asked["Metric"], timedelta(seconds=asked["Period"])
        dimensions = frozenset((each["Name"], each["Value"]) for each in metric["Dimensions"])
        periods: dict[int, list[float]] = {}
        for at, value in self.points.get((metric["Namespace"], metric["MetricName"], dimensions), ()):
            if start <= at < end:
                periods.setdefault((at - _EPOCH) // period, []).append(value)
        return [_statistic(asked["Stat"], values) for values in periods.values()]


class _Pages:
    def __init__(self, fake: FakeCloudWatch, operation: str) -> None:
        self._fake = fake
        self._operation = operation

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        fake = self._fake
        if fake.failure:
            raise fake.failure
        if self._operation == "list_metrics":
            given = {each["Name"]: each["Value"] for each in asked["Dimensions"]}
            yield from ({"Metrics": [metric]} for metric in fake.listed(asked["Namespace"], given))
            return
        assert asked["StartTime"] < asked["EndTime"]
        assert len(asked["MetricDataQueries"]) <= 500
        fake.calls.append(asked)
        results = {
            query["Id"]: fake.values(query["MetricStat"], asked["StartTime"], asked["EndTime"])
            for query in asked["MetricDataQueries"]
        }
        yield {  # a result may go on in the next page
            "MetricDataResults": [
                {"Id": name, "Values": values[:1], "StatusCode": "PartialData"} for name, values in results.items()
            ]
        }
        yield {
            "MetricDataResults": [
                {"Id": name, "Values": values[1:], "StatusCode": fake.status} for name, values in results.items()
            ]
        }


def _statistic(name: str, values: list[float]) -> float:
    if name == "Sum":
        return sum(values)
    if name == "SampleCount":
        return len(values)
    between = _COUNT_BETWEEN.fullmatch(name)
    assert between, name
    return sum(float(between[1]) < value <= float(between[2]) for value in values)
