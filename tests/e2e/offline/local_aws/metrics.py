"""Metrics of log lines, and alarms on them."""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ministack.app as gateway
from ministack.services import cloudwatch, cloudwatch_logs, lambda_svc
from ministack.services.cloudformation import provisioners

type Document = dict[str, Any]

MINUTE_SECONDS = 6
"""Period of the alarms on shares, so that they fire and clear within seconds."""

PATH = "/_measured"
"""Where all that was measured is deleted."""

_EXPRESSIONS, _SHARES = "expressions", "shares"
_PERCENT = re.compile(r"IF\((\w+) > 0, 100 \* (?P<part>\w+) / \1, 0\)")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit,
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "LessThanThreshold": lambda value, limit: value < limit,
    "LessThanOrEqualToThreshold": lambda value, limit: value <= limit,
}


def accept_alarms_on_expressions() -> None:
    """Let alarms on an expression of metrics deploy.

    One on a share in per cent is evaluated, on the mean of what `record_share` records. The others stay in the state
    that `set-alarm-state` gives them.
    """

    def named(properties: Document) -> Document:
        if "Metrics" not in properties:
            return properties
        rest = {name: value for name, value in properties.items() if name != "Metrics"}
        metrics = {each["Id"]: each for each in properties["Metrics"]}
        [expression] = [each["Expression"] for each in metrics.values() if "Expression" in each]
        if not (share := _PERCENT.fullmatch(expression)):
            return rest | {"Namespace": _EXPRESSIONS, "MetricName": _EXPRESSIONS}
        part = metrics[share["part"]]["MetricStat"]["Metric"]
        of_metric = {name: part[name] for name in ("MetricName", "Dimensions")}
        return rest | of_metric | {"Namespace": _SHARES, "Statistic": "Average", "Period": MINUTE_SECONDS}

    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
    create, update = handlers["create"], handlers["update"]
    handlers["create"] = lambda logical_id, properties, stack_name: create(logical_id, named(properties), stack_name)
    handlers["update"] = lambda physical, old, new, *rest: update(physical, named(old), named(new), *rest)


def record_share(metric: str, dimensions: Mapping[str, str], *, counts: bool) -> None:
    """Record one of all that a metric counts a part of, and whether it is in that part."""
    cloudwatch.record_metric(_SHARES, metric, 100.0 * counts, "Percent", dict(dimensions))


def evaluate_alarms() -> None:
    """Evaluate alarms on one metric by dimensions, datapoints to alarm and missing data, on a timer.

    Where it is asked to forget what was measured, the alarms on it are clear when it has answered: errors that one
    test makes on purpose change nothing in the next.
    """
    served, evaluating = gateway.app, threading.Lock()

    def on_timer() -> None:
        while True:
            time.sleep(2)
            with evaluating:
                cloudwatch._evaluate_all_alarms()

    async def app(scope: Document, receive: Any, send: Any) -> None:
        if scope.get("path") != PATH:
            await served(scope, receive, send)
            return
        with evaluating:
            cloudwatch._metrics.clear()
            cloudwatch._evaluate_all_alarms()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    cloudwatch._evaluate_alarm = partial(_evaluate_alarm, {})
    gateway.app = app
    threading.Thread(target=on_timer, daemon=True).start()


def _evaluate_alarm(evaluated: dict[str, str], alarm: Document) -> None:
    namespace, metric = alarm.get("Namespace"), alarm.get("MetricName")
    if not namespace or not metric or namespace == _EXPRESSIONS:
        return
    dimensions = {item["Name"]: item["Value"] for item in alarm.get("Dimensions", [])}
    points = [
        point
        for (space, name, _), series in cloudwatch._metrics.items()
        for point in series
        if (space, name) == (namespace, metric) and (point.get("Dimensions") or {}) == dimensions
    ]
    period, periods = int(alarm.get("Period", 60)), int(alarm.get("EvaluationPeriods", 1))
    missing_is = alarm.get("TreatMissingData", "missing")
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    over = _COMPARE[alarm["ComparisonOperator"]]
    breaching = missing = 0
    last, now = None, time.time()
    for index in range(periods):
        start, end = now - (index + 1) * period, now - index * period + (index == 0)
        window = [point for point in points if start <= point["Timestamp"] < end]
        value = cloudwatch._stat_value(cloudwatch._calc_stats(window), statistic, window) if window else None
        if value is None:
            missing += 1
            breaching += missing_is == "breaching"
        else:
            last = value
            breaching += over(value, alarm.get("Threshold", 0))
    old = alarm["StateValue"]
    if breaching >= int(alarm.get("DatapointsToAlarm") or periods):
        new = "ALARM"
    elif missing == periods and missing_is in {"missing", "ignore"}:
        new = "INSUFFICIENT_DATA" if missing_is == "missing" else old
    else:
        new = "OK"
    changed = namespace != _SHARES or evaluated.get(alarm["AlarmName"]) != new  # drills give those a state that stays
    evaluated[alarm["AlarmName"]] = new
    if new != old and changed:
        reason = f"Threshold Crossed: {last} vs {alarm.get('Threshold')}"
        alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(now))
        cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
        cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
        cloudwatch._evaluate_parent_alarms(alarm)


def read_embedded_metrics() -> None:
    """Make metrics of the embedded-metric-format lines in what functions write and in PutLogEvents."""
    emit, put = lambda_svc._emit_lambda_logs, cloudwatch_logs._put_log_events

    def emit_and_record(function: Any, request_id: str, text: str, *args: Any, **kwargs: Any) -> Any:
        _record_metrics(text)
        return emit(function, request_id, text, *args, **kwargs)

    def put_and_record(data: Document) -> Any:
        for event in data.get("logEvents", []):
            _record_metrics(event.get("message"))
        return put(data)

    lambda_svc._emit_lambda_logs = emit_and_record
    cloudwatch_logs._put_log_events = put_and_record


def _record_metrics(text: str | None) -> None:
    for line in (text or "").splitlines():
        if '"_aws"' not in line:
            continue
        try:
            document = json.loads(line[line.find("{") :])
        except ValueError:
            continue
        for block in document.get("_aws", {}).get("CloudWatchMetrics", []):
            for names in block.get("Dimensions") or [[]]:
                dimensions = {name: str(document.get(name)) for name in names}
                for metric in block.get("Metrics", []):
                    value, unit = document.get(metric["Name"]), metric.get("Unit", "None")
                    for item in value if isinstance(value, list) else [value]:
                        if isinstance(item, int | float):
                            cloudwatch.record_metric(block["Namespace"], metric["Name"], item, unit, dimensions)
