"""Observability: one line of embedded metric format, as CloudWatch reads it, and nothing without metrics."""

import errno
import io
import json
import logging
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from skylift.observability import (
    NAMESPACE,
    LogStream,
    MetricName,
    MetricPoint,
    as_line,
    emit,
    logger,
    set_level,
    stream,
)

IRIS_V7 = {"model": "iris", "version": "v7"}


def _emitted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = capsys.readouterr().out.splitlines()
    document: dict[str, Any] = json.loads(line)
    return document


def _directive(document: dict[str, Any]) -> dict[str, Any]:
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    return dict(directive)


def test_without_metrics_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    emit([], [IRIS_V7, IRIS_V7 | {"reason": "not_json"}])

    assert capsys.readouterr() == ("", "")


def test_metrics_of_one_call_share_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    emit([MetricPoint("Predictions", 3), MetricPoint("PredictionLatency", 1.5)], [IRIS_V7])

    document = _emitted(capsys)
    assert (document["Predictions"], document["PredictionLatency"]) == ([3.0], [1.5])


def test_the_line_ends_with_a_newline(capsys: pytest.CaptureFixture[str]) -> None:
    emit([MetricPoint("ColdStart")], [IRIS_V7])

    assert capsys.readouterr().out.endswith("}\n")


def test_metrics_go_to_the_namespace_of_skylift(capsys: pytest.CaptureFixture[str]) -> None:
    emit([MetricPoint("ColdStart")], [IRIS_V7])

    assert _directive(_emitted(capsys))["Namespace"] == NAMESPACE == "Skylift"


def test_the_dimensions_are_one_set_with_their_values_beside(capsys: pytest.CaptureFixture[str]) -> None:
    emit([MetricPoint("ColdStart")], [IRIS_V7])

    document = _emitted(capsys)
    assert _directive(document)["Dimensions"] == [["model", "version"]]
    assert (document["model"], document["version"]) == ("iris", "v7")


def test_each_set_of_dimensions_keeps_the_metric(capsys: pytest.CaptureFixture[str]) -> None:
    emit([MetricPoint("PredictionErrors")], [IRIS_V7, IRIS_V7 | {"reason": "not_json"}])

    document = _emitted(capsys)
    assert _directive(document)["Dimensions"] == [["model", "version"], ["model", "version", "reason"]]
    assert document["reason"] == "not_json"


def test_no_setting_of_powertools_changes_namespace_or_dimensions(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "payment")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Elsewhere")

    emit([MetricPoint("ColdStart")], [IRIS_V7])

    directive = _directive(_emitted(capsys))
    assert (directive["Namespace"], directive["Dimensions"]) == ("Skylift", [["model", "version"]])


@pytest.mark.parametrize("name", get_args(MetricName.__value__))
def test_times_have_their_unit_and_everything_else_is_a_count(
    capsys: pytest.CaptureFixture[str], name: MetricName
) -> None:
    emit([MetricPoint(name)], [IRIS_V7])

    unit = {"PredictionLatency": "Milliseconds", "ModelLoadSeconds": "Seconds"}.get(name, "Count")
    assert _directive(_emitted(capsys))["Metrics"] == [{"Name": name, "Unit": unit}]


def test_a_line_is_the_one_that_powertools_would_write(capsys: pytest.CaptureFixture[str]) -> None:
    sets = [IRIS_V7, IRIS_V7 | {"reason": "not-json"}]
    points = [MetricPoint("Predictions", 3), MetricPoint("PredictionLatency", 1.5), MetricPoint("Predictions", 4)]
    provider = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service="")
    provider.dimension_sets = sets[1:]
    metrics = {
        "Predictions": {"Unit": "Count", "Value": [3, 4]},
        "PredictionLatency": {"Unit": "Milliseconds", "Value": [1.5]},
    }

    emit(points, sets, {"message": "request"})

    line = capsys.readouterr().out
    provider.set_timestamp(json.loads(line)["_aws"]["Timestamp"])
    assert line == as_line(provider.serialize_metric_set(metrics, IRIS_V7, {"message": "request"})) + "\n"


def test_a_metric_without_a_value_counts_one(capsys: pytest.CaptureFixture[str]) -> None:
    emit([MetricPoint("ModelLoadFailures")], [IRIS_V7])

    assert _emitted(capsys)["ModelLoadFailures"] == [1.0]


def test_a_metric_that_happened_twice_has_both_values(capsys: pytest.CaptureFixture[str]) -> None:
    emit([MetricPoint("ModelLoadSeconds", 0.5), MetricPoint("ModelLoadSeconds", 2.0)], [IRIS_V7])

    document = _emitted(capsys)
    assert document["ModelLoadSeconds"] == [0.5, 2.0]
    assert len(_directive(document)["Metrics"]) == 1


def test_nothing_of_one_line_is_left_for_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    emit([MetricPoint("PredictionErrors")], [IRIS_V7, IRIS_V7 | {"reason": "not_json"}])
    capsys.readouterr()

    emit([MetricPoint("Predictions")], [{"model": "wine"}])

    document = _emitted(capsys)
    assert _directive(document)["Dimensions"] == [["model"]]
    assert document.keys() == {"_aws", "model", "Predictions"}


def test_more_values_than_cloudwatch_takes_in_one_line_all_keep_their_dimensions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    emit([MetricPoint("ModelLoadFailures")] * 150, [IRIS_V7])

    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum(sum(document["ModelLoadFailures"]) for document in documents) == 150
    assert all(_directive(document)["Dimensions"] == [["model", "version"]] for document in documents)


class Full(io.StringIO):
    """A stdout that takes nothing."""

    def __init__(self, error: Exception, *, at: str) -> None:
        super().__init__()
        self._error = error
        self._at = at

    def write(self, text: str) -> int:
        if self._at == "write":
            raise self._error
        return len(text)

    def flush(self) -> None:
        if self._at == "flush":
            raise self._error


@pytest.mark.parametrize("at", ["write", "flush"])
@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), BrokenPipeError(), ValueError("I/O operation on closed file")],
    ids=lambda error: type(error).__name__,
)
def test_a_line_that_cannot_be_written_is_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, at: str
) -> None:
    before = stream.lost
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", Full(error, at=at))
        emit([MetricPoint("Predictions")], [IRIS_V7])
        LogStream().write("{}")

    assert stream.lost == before + 1
    assert capsys.readouterr().err == ""


def test_the_logger_writes_to_the_stream_that_never_fails() -> None:
    (handler,) = (found for found in logger.handlers if isinstance(found, logging.StreamHandler))

    assert handler.stream is stream


@pytest.mark.parametrize("text", ["\ud800", "a\udfff\x00\u2028b", "größe"])
def test_a_line_can_be_written_whatever_text_is_in_it(text: str) -> None:
    line = as_line({"path": text})

    assert json.loads(line) == {"path": text}
    assert line.encode().isascii() or "größe" in line
    assert "\n" not in line


def test_a_log_line_is_json_with_its_fields_the_service_and_the_time_in_rfc_3339(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    (handler,) = (found for found in logger.handlers if isinstance(found, logging.StreamHandler))
    monkeypatch.setattr(handler, "stream", stream)

    logger.warning("request", extra={"status": 422})

    line = json.loads(stream.getvalue())
    assert (line["level"], line["message"], line["service"], line["status"]) == ("WARNING", "request", "skylift", 422)
    assert "T" in line["timestamp"]


@pytest.fixture
def _levels_restored() -> Iterator[None]:
    names = ["", "skylift", "boto3", "botocore", "urllib3"]
    before = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("_levels_restored")
@pytest.mark.parametrize("variable", ["AWS_LAMBDA_LOG_LEVEL", "POWERTOOLS_LOG_LEVEL", "LOG_LEVEL"])
@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_the_level_that_is_set_holds_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, variable: str, level: str
) -> None:
    monkeypatch.setenv(variable, "INFO")

    set_level(level)

    assert logging.getLevelName(logger.log_level) == level


@pytest.mark.usefixtures("_levels_restored")
@pytest.mark.parametrize("library", ["botocore.auth", "urllib3.connectionpool", "boto3", "mangum", "any.other"])
def test_libraries_write_warnings_alone_at_any_level(library: str) -> None:
    logging.getLogger().setLevel(logging.DEBUG)  # as Lambda does it for ApplicationLogLevel DEBUG

    set_level("DEBUG")

    assert logging.getLogger(library).getEffectiveLevel() >= logging.WARNING


@pytest.mark.usefixtures("_levels_restored")
def test_a_root_logger_that_is_set_to_debug_later_leaves_the_libraries_of_aws_quiet() -> None:
    set_level("DEBUG")

    logging.getLogger().setLevel(logging.DEBUG)

    assert logging.getLogger("botocore.auth").getEffectiveLevel() == logging.WARNING


def test_without_metrics_nothing_is_written_and_no_dimensions_are_needed(capsys: pytest.CaptureFixture[str]) -> None:
    emit((), (), {"correlation_id": "r-1"})

    assert capsys.readouterr().out == ""
