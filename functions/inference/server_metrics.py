"""What Prometheus reads from a plain server: the metrics of the log lines of all its processes, since it started.

Not for Lambda, where an environment knows nothing of the others: there one function answers for all of them.
"""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

from inference.host import ModelHost
from inference.process_state import ProcessorTime, resident_bytes, thread_count
from inference.workers import WORKERS_FOLDER, serving
from skylift.http.record import Record
from skylift.monitoring import exposition
from skylift.monitoring.exposition import Family, Sample, samples_of
from skylift.monitoring.report import Report
from skylift.observability import MetricPoint

OTHER = "other"
"""Label of all paths and methods that are not the API's: callers send any, and each label value is kept for good."""

_COUNTERS_BYTES = 2**20
"""Size of a file of prometheus-client's, which the families of this module do not fill."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count_at(place: int) -> None:
    """Have this process count in the files of a place, and not in some of its own, which nobody would ever remove.

    Their room is taken now: a process that maps a file into memory dies where the disk is full later.

    Parameters
    ----------
    place
        Number of the place; see `inference.workers`.
    """
    for kind in ("counter", "histogram"):
        with (Path(os.environ[WORKERS_FOLDER]) / f"{kind}_{place}.db").open("ab") as file:
            if not file.tell():
                file.write(bytes(_COUNTERS_BYTES))
    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: place)  # type: ignore[no-untyped-call]


class ServerMetrics:
    """Counters and histograms of one process.

    Parameters
    ----------
    host
        Holder of the model.
    model
        Name of the model.
    paths
        Paths of the API.
    """

    def __init__(self, host: ModelHost, *, model: str, paths: Iterable[str]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._host = host
        self._model = model
        self._paths = frozenset(paths)
        self._patterns = [(_pattern(path), path) for path in self._paths if "{" in path]
        self._registry = CollectorRegistry()
        self._processor = ProcessorTime()
        self._predictions = self._counter(exposition.PREDICTIONS)
        self._prediction_seconds = self._histogram(exposition.PREDICTION_SECONDS)
        self._prediction_errors = self._counter(exposition.PREDICTION_ERRORS)
        self._requests = self._counter(exposition.REQUESTS)
        self._request_seconds = self._histogram(exposition.REQUEST_SECONDS)
        self._errors = self._counter(exposition.ERRORS)
        self._loads = self._counter(exposition.MODEL_LOADS)

    def observe(self, method: str, path: str, record: Record, seconds: float, metrics: Sequence[MetricPoint]) -> None:
        """Count a request whose line is written; see `skylift.http.request_log.Observer`."""
        method = method if method in _METHODS else OTHER
        route = path if path in self._paths else self._route_of(path)
        self._requests(method, route, record.status).inc()
        self._request_seconds(method, route).observe(seconds)
        if record.status >= 400:
            self._errors(method, route, record.status, record.reason or "").inc()
        for metric in metrics:
            self._count(metric, record)

    def text(self, report: Report | None) -> bytes:
        """All metrics in Prometheus' text form.

        Parameters
        ----------
        report
            Latest report of the monitor; without one, nothing is said of drift and accuracy.
        """
        samples = [*self._of_now(), *(samples_of(report) if report else ())]
        return generate_latest(self._counted_by_all()) + exposition.exposition(samples).encode()

    def _counted_by_all(self) -> CollectorRegistry:
        """What this process has counted; where several serve, what all have, those that died among them."""
        if WORKERS_FOLDER not in os.environ:
            return self._registry
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return registry

    def _count(self, metric: MetricPoint, record: Record) -> None:
        of = (self._model, record.version or self._version)
        match metric.name:
            case "Predictions":
                self._predictions(*of).inc(metric.value)
            case "PredictionLatency":
                self._prediction_seconds(*of).observe(metric.value / 1000)
            case "PredictionErrors":
                self._prediction_errors(*of, record.reason or "").inc()
            case "ModelLoads":
                self._loads(self._model, "success").inc()
            case "ModelLoadFailures":
                self._loads(self._model, "failure").inc()
            case _:
                pass

    def _route_of(self, path: str) -> str:
        return next((route for pattern, route in self._patterns if pattern.fullmatch(path)), OTHER)

    def _of_now(self) -> Iterable[Sample]:
        loaded = float(self._host.model is not None)
        yield Sample(exposition.MODEL_LOADED, {"model": self._model, "version": self._version}, loaded)
        processes = serving()
        for family, value in (
            (exposition.MEMORY, resident_bytes(processes)),
            (exposition.CPU, self._processor.percent()),
            (exposition.THREADS, thread_count(processes)),
        ):
            if value is not None:
                yield Sample(family, {}, value)

    @property
    def _version(self) -> str:
        return self._host.model.reference.name if self._host.model else "none"

    def _counter(self, family: Family) -> Callable[..., Counter]:
        """What gives the counter of some labels; remembered, as a request asks for four of these."""
        return cache(Counter(family.name, family.words, family.labels, registry=self._registry).labels)

    def _histogram(self, family: Family) -> Callable[..., Histogram]:
        buckets, registry = exposition.SECONDS, self._registry
        return cache(Histogram(family.name, family.words, family.labels, buckets=buckets, registry=registry).labels)


def _pattern(path: str) -> re.Pattern[str]:
    """What the paths of a route look like, for example `/retrain/{id}`."""
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
