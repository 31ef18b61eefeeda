"""What all environments did together, in Prometheus' text form: one of them knows nothing of the others.

Counters are those of a server that restarts at midnight, UTC: sums since then, which only grow, and whose fall
Prometheus takes for a restart. See docs/decisions/0073-counters-of-a-fleet.md.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from operations.cloudwatch import CloudWatch, Dimensions, Query
from skylift.errors import AwsUnavailable, IntegrityError, InvalidReference, NoActiveVersion, VersionNotFound
from skylift.monitoring import exposition
from skylift.monitoring.exposition import SECONDS, Family, Sample, samples_of
from skylift.monitoring.report_store import ReportStore
from skylift.observability import NAMESPACE, logger
from skylift.verification import Version

SETTLED = timedelta(minutes=3)
"""Age from which the minutes of CloudWatch no longer change, so that every environment answers the same."""

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_API = "AWS/ApiGateway"

type Totals = Mapping[Query, float]


class Fleet:
    """The metrics of one model of a stage.

    Parameters
    ----------
    cloudwatch
        Metrics of the account.
    stage, model
        Names of the stage and the model.
    active
        Function that returns the active version.
    reports
        Reports of the monitor.
    clock
        Function that returns the time, UTC.
    """

    def __init__(
        self,
        cloudwatch: CloudWatch,
        stage: str,
        model: str,
        *,
        active: Callable[[], Version],
        reports: ReportStore,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cloudwatch = cloudwatch
        self._model = model
        self._of: Dimensions = (("stage", stage), ("model", model))
        self._active = active
        self._reports = reports
        self._clock = clock
        self._whole: tuple[datetime, datetime, Totals] | None = None
        self._texts: dict[str, tuple[datetime, str]] = {}

    def text(self, api: str) -> str:
        """All metrics, read once a minute.

        Parameters
        ----------
        api
            Id of the API in front of the service; empty for one that has no metrics by id.

        Raises
        ------
        AwsUnavailable
            CloudWatch failed.
        """
        end = _floor(self._clock() - SETTLED, _MINUTE)
        known = self._texts.get(api)
        if known is None or known[0] != end:
            known = end, exposition.exposition([*self._counted(api, end), *self._reported()])
            self._texts = {api: known}
        return known[1]

    def _counted(self, api: str, end: datetime) -> Iterator[Sample]:
        active = self._name_of_active()
        listed = list(self._cloudwatch.dimensions(self._of))
        versions = sorted({active, *(found["version"] for found in listed if "version" in found)} - {"none"})
        reasons = sorted({found["reason"] for found in listed if "reason" in found})
        by_version = {name: (*self._of, ("version", name)) for name in versions}
        by_reason = {name: Query("PredictionErrors", (*self._of, ("reason", name))) for name in reasons}
        queries = [
            *(query for of in by_version.values() for query in _of_predictions(of)),
            *by_reason.values(),
            *(Query(name, self._of) for name in ("ModelLoads", "ModelLoadFailures")),
            *(_of_requests(api) if api else ()),
        ]
        totals = self._since_midnight(queries, end)
        for version, of in by_version.items():
            labels = {"model": self._model, "version": version}
            (answered,), durations = _split(totals, _of_predictions(of), 1)
            if answered or version == active:
                yield Sample(exposition.PREDICTIONS, labels, answered)
                yield from _histogram(exposition.PREDICTION_SECONDS, labels, durations)
        for reason, query in by_reason.items():
            labels = {"model": self._model, "version": "", "reason": reason}
            yield Sample(exposition.PREDICTION_ERRORS, labels, totals[query])
        for status, name in (("success", "ModelLoads"), ("failure", "ModelLoadFailures")):
            labels = {"model": self._model, "status": status}
            yield Sample(exposition.MODEL_LOADS, labels, totals[Query(name, self._of)])
        if api:
            yield from _of_api(api, totals)
        yield Sample(exposition.MODEL_LOADED, {"model": self._model, "version": active}, float(active != "none"))

    def _since_midnight(self, queries: list[Query], end: datetime) -> Totals:
        """Sums from the midnight before `end`: of whole hours, read once an hour, and of the minutes since.

        Each call has whole periods, so that no answer depends on how CloudWatch cuts one.
        """
        midnight, hour = _floor(end - _MINUTE, _DAY), _floor(end, _HOUR)
        if self._whole is None or self._whole[:2] != (midnight, hour) or not self._whole[2].keys() >= set(queries):
            found = self._cloudwatch.totals(queries, midnight, hour, period=3600) if hour > midnight else {}
            self._whole = midnight, hour, {query: found.get(query, 0.0) for query in queries}
        hours = self._whole[2]
        if hour == end:
            return hours
        minutes = self._cloudwatch.totals(queries, hour, end, period=60)
        return {query: hours[query] + minutes[query] for query in queries}

    def _name_of_active(self) -> str:
        try:
            return self._active().reference.name
        except NoActiveVersion:
            return "none"
        except (IntegrityError, InvalidReference, VersionNotFound) as error:
            logger.warning("the active version cannot be read", extra={"why": error.message})
            return "none"

    def _reported(self) -> Iterable[Sample]:
        """What the monitor's latest report says; nothing where it cannot be read."""
        try:
            report = self._reports.latest()
        except (AwsUnavailable, IntegrityError) as error:
            logger.warning("the latest report cannot be read", extra={"why": error.message})
            return ()
        return samples_of(report) if report else ()


def _durations(metric: str, of: Dimensions, namespace: str = NAMESPACE) -> list[Query]:
    """Observations up to each bound, all of them, and their sum, of a metric in milliseconds."""
    bounds = [f"TC(0:{1000 * bound:g})" for bound in SECONDS]
    return [Query(metric, of, statistic, namespace=namespace) for statistic in (*bounds, "SampleCount", "Sum")]


def _of_predictions(of: Dimensions) -> list[Query]:
    return [Query("Predictions", of), *_durations("PredictionLatency", of)]


def _of_requests(api: str) -> list[Query]:
    of = (("ApiId", api),)
    counts = [Query(name, of, namespace=_API) for name in ("Count", "4xx", "5xx")]
    return [*counts, *_durations("Latency", of, _API)]


def _of_api(api: str, totals: Totals) -> Iterator[Sample]:
    """What API Gateway counted; it tells no path, no method, and of a status its class."""
    (count, refused, failed), durations = _split(totals, _of_requests(api), 3)
    anywhere = {"method": "", "route": ""}
    for status, number in (("2xx", max(count - refused - failed, 0.0)), ("4xx", refused), ("5xx", failed)):
        yield Sample(exposition.REQUESTS, anywhere | {"status": status}, number)
    for status, number in (("4xx", refused), ("5xx", failed)):
        yield Sample(exposition.ERRORS, anywhere | {"status": status, "reason": ""}, number)
    yield from _histogram(exposition.REQUEST_SECONDS, anywhere, durations)


def _split(totals: Totals, queries: list[Query], at: int) -> tuple[list[float], list[float]]:
    """Values of the first queries, and of those of a histogram."""
    values = [totals[query] for query in queries]
    return values[:at], values[at:]


def _histogram(family: Family, labels: Mapping[str, str], durations: list[float]) -> list[Sample]:
    *within, count, milliseconds = durations
    return exposition.histogram(family, labels, within, count=count, total=milliseconds / 1000)


def _floor(moment: datetime, step: timedelta) -> datetime:
    return _EPOCH + (moment - _EPOCH) // step * step
