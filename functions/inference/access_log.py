"""The log line of a request, with what it says of the model: its version, the metrics, and the profile of instances."""

from typing import TYPE_CHECKING

from inference.host import ModelHost
from inference.predict import PATH as PREDICTION_PATH
from skylift.http.record import Record
from skylift.http.request_log import RequestLog, Told
from skylift.observability import MetricPoint

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Scope


class AccessLog(RequestLog):
    """The middleware; see `RequestLog`.

    Parameters
    ----------
    app
        ASGI application that answers the requests.
    host
        Holder of the model; its version is a dimension, and its refresh metrics are written with the request's.
    stage, model
        Names of the stage and the model, the other dimensions.
    release, image_digest
        Name of the deployment and digest of the container image; see `RequestLog`.
    """

    def __init__(
        self, app: "ASGIApp", host: ModelHost, *, stage: str, model: str, release: str = "", image_digest: str = ""
    ) -> None:
        super().__init__(app, stage=stage, model=model, release=release, image_digest=image_digest)
        self._host = host
        self._cold = True

    def told(self, scope: "Scope", record: Record, milliseconds: float) -> Told:
        """The version, what became of the instances, and the metrics of the request and of a refresh."""
        version = record.version or (self._host.model.reference.name if self._host.model else "none")
        refreshes = self._host.drain_events()
        fields: dict[str, object] = {"version": version, "instances": record.instances}
        _tell_outcome(record, fields)
        if refreshes:
            fields["refresh"] = {event.name: event.value for event in refreshes}
        metrics = refreshes + self._counted(scope, record, milliseconds)
        if problem := self._host.problem:
            fields["degraded"] = problem.message
            if problem.reference:  # with each request: loads are tried at growing intervals, so counting them flaps
                metrics.append(MetricPoint("Degraded"))
        return Told(fields, metrics, self._dimension_sets(version, record), self._host.take_unexpected_error())

    def _counted(self, scope: "Scope", record: Record, milliseconds: float) -> list[MetricPoint]:
        metrics = []
        if self._cold:
            self._cold = False
            metrics.append(MetricPoint("ColdStart"))
        asks = record.protocol or scope["path"] == PREDICTION_PATH
        if asks and record.status != 204:  # which answers a browser's preflight request
            if record.status < 400:
                metrics += [
                    MetricPoint("Predictions", record.instances),
                    MetricPoint("PredictionLatency", milliseconds),
                ]
                if record.unknown_categories:
                    metrics.append(MetricPoint("UnknownCategories", record.unknown_categories))
            else:
                metrics.append(MetricPoint("PredictionErrors"))
            if record.experiment and "failed" in record.experiment:
                metrics.append(MetricPoint("ChallengerFailures"))
        return metrics

    def _dimension_sets(self, version: str, record: Record) -> list[dict[str, str]]:
        """Alarms look at a model of a stage, dashboards at its versions and at the reasons of its errors."""
        sets = [self._dimensions, self._dimensions | {"version": version}]
        if record.reason:
            sets.append(self._dimensions | {"reason": record.reason})
        return sets


def _tell_outcome(record: Record, fields: dict[str, object]) -> None:
    """Add what an answer told of its instances, or what the request was refused for."""
    if record.protocol:
        fields["protocol"] = record.protocol
    if record.fields:
        fields["fields"] = record.fields
    if record.experiment is not None:
        fields["experiment"] = record.experiment
    if record.status < 400:
        if record.prediction_id:
            fields["id"] = record.prediction_id
        if record.profile is not None:
            fields["profile"] = record.profile
        if record.answers is not None:
            fields["answers"] = record.answers
        if record.rows is not None:
            fields["rows"] = record.rows
        if record.rows_left_out:
            fields["rows_left_out"] = record.rows_left_out
