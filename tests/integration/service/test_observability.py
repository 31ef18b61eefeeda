"""What a request leaves on stdout: one line with its metrics, a second for a failure, and nothing of its body."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from skylift.observability import logger
from tests.support import faults
from tests.support.events import http_api_event, invoke
from tests.support.fakes import FailingPredictor
from tests.support.models import IRIS_SETOSA, changed, iris_package
from tests.support.whole_service import Service

UNITS = {
    "Predictions": "Count",
    "PredictionErrors": "Count",
    "PredictionLatency": "Milliseconds",
    "ModelLoads": "Count",
    "ModelLoadFailures": "Count",
    "ModelLoadSeconds": "Seconds",
    "ColdStart": "Count",
    "RefreshFailures": "Count",
    "Degraded": "Count",
}


@pytest.fixture
def warm(serving: Service, capsys: pytest.CaptureFixture[str]) -> Service:
    """A service that answered its first request."""
    serving.version()
    capsys.readouterr()
    return serving


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def log_of(written: list[dict[str, Any]]) -> dict[str, Any]:
    (line,) = [line for line in written if "message" in line]
    return line


def metrics_of(written: list[dict[str, Any]]) -> dict[str, Any]:
    (line,) = [line for line in written if "_aws" in line]
    return line


def switching(service: Service) -> None:
    service.release(iris_package("tree"))
    service.pass_refresh()


def refused_version(service: Service) -> None:
    service.set_pointer(str(service.publish(changed(iris_package("tree"), environment={"scikit-learn": "0.1"}))))
    service.pass_refresh()


def lost_pointer(service: Service) -> None:
    faults.before(service.ssm, "GetParameters", faults.fails_with(faults.timeout()))
    service.pass_refresh()


def unexpected_error(service: Service) -> None:
    faults.before(service.ssm, "GetParameters", faults.fails_with(ZeroDivisionError("why")))
    service.pass_refresh()


def nothing(service: Service) -> None:
    """Nothing happens beside the request."""


def broken_predictor(service: Service) -> None:
    model = service.host.model
    assert model is not None
    object.__setattr__(model, "predictor", FailingPredictor())


REQUESTS: dict[str, Callable[[Service], object]] = {
    "a prediction": lambda service: service.client.predict(IRIS_SETOSA),
    "a bad body": lambda service: service.client.post("{"),
    "a look at the health": lambda service: service.client.get("/health"),
}


@pytest.mark.parametrize(
    "meanwhile", [nothing, switching, refused_version, lost_pointer, unexpected_error, broken_predictor]
)
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_request_writes_at_most_two_lines_of_json(
    warm: Service,
    meanwhile: Callable[[Service], None],
    request_: Callable[[Service], object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    meanwhile(warm)
    capsys.readouterr()

    request_(warm)

    written = lines(capsys)
    assert 1 <= len(written) <= 2
    assert log_of(written)["message"] == "request"


def test_an_event_writes_at_most_two_lines_in_lambda(lambda_handler: Any, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()

    invoke(lambda_handler, http_api_event("POST", "/predict", json.dumps(IRIS_SETOSA)))

    written = lines(capsys)
    assert log_of(written)["correlation_id"] == "http-api-request-1"
    assert metrics_of(written)["Predictions"] == [1]


class TestLog:
    def test_the_line_has_the_id_of_the_request(self, warm: Service, capsys: pytest.CaptureFixture[str]) -> None:
        warm.client.predict(IRIS_SETOSA, x_request_id="r-1")

        assert log_of(lines(capsys))["correlation_id"] == "r-1"

    @pytest.mark.parametrize("change", [{}, {"confidential": 1}, {"petal_width": "confidential"}], ids=str)
    def test_nothing_of_a_body_is_written(
        self, warm: Service, change: dict[str, object], capsys: pytest.CaptureFixture[str]
    ) -> None:
        warm.client.predict(IRIS_SETOSA | {"sepal_length": 7.654321} | change, authorization="Bearer confidential")

        written = capsys.readouterr()
        for word in ("7.654321", "confidential", "sepal_length"):
            assert word not in written.out + written.err

    def test_the_line_of_an_answer_has_its_id_and_profile(
        self, warm: Service, capsys: pytest.CaptureFixture[str]
    ) -> None:
        warm.client.predict(IRIS_SETOSA)

        line = log_of(lines(capsys))
        (sepal_length, *others), label, confidence = line["profile"]
        assert (len(others), label) == (3, 0)
        assert 0 < confidence <= 1
        assert 0 < sepal_length < 40
        assert len(line["id"]) == 16

    def test_the_line_of_a_refused_request_names_the_features_it_was_refused_for(
        self, warm: Service, capsys: pytest.CaptureFixture[str]
    ) -> None:
        warm.client.predict(IRIS_SETOSA | {"petal_width": "wide", "colour": "red"})

        line = log_of(lines(capsys))
        assert (line["reason"], line["fields"]) == ("invalid-instance", ["petal_width"])
        assert not {"id", "profile"} & line.keys()

    def test_the_line_of_a_failure_tells_its_reason(self, warm: Service, capsys: pytest.CaptureFixture[str]) -> None:
        warm.client.post("{")

        line = log_of(lines(capsys))
        assert (line["level"], line["status"], line["reason"]) == ("INFO", 400, "not-json")

    def test_the_line_of_an_unexpected_error_has_the_trace(
        self, warm: Service, capsys: pytest.CaptureFixture[str]
    ) -> None:
        broken_predictor(warm)

        warm.version()

        line = log_of(lines(capsys))
        assert (line["level"], line["status"], line["exception_name"]) == ("ERROR", 500, "ValueError")

    def test_the_line_of_the_request_that_switches_tells_of_the_switch(
        self, warm: Service, capsys: pytest.CaptureFixture[str]
    ) -> None:
        switching(warm)
        capsys.readouterr()

        warm.version()

        line = log_of(lines(capsys))
        assert line["version"] == "v2"
        assert line["refresh"]["ModelLoads"] == 1

    def test_the_line_of_a_degraded_service_says_why(self, warm: Service, capsys: pytest.CaptureFixture[str]) -> None:
        refused_version(warm)

        warm.version()

        assert "scikit-learn 0.1" in log_of(lines(capsys))["degraded"]

    def test_the_level_can_be_raised(self, warm: Service, capsys: pytest.CaptureFixture[str]) -> None:
        before = logger.log_level
        logger.setLevel("ERROR")
        try:
            warm.version()
        finally:
            logger.setLevel(before)

        assert [line for line in lines(capsys) if "message" in line] == []


class TestMetrics:
    @pytest.mark.parametrize(
        ("meanwhile", "names"),
        [
            (nothing, {"Predictions", "PredictionLatency"}),
            (switching, {"Predictions", "PredictionLatency", "ModelLoads", "ModelLoadSeconds"}),
            (refused_version, {"Predictions", "PredictionLatency", "ModelLoadFailures", "Degraded"}),
            (lost_pointer, {"Predictions", "PredictionLatency", "RefreshFailures"}),
            (unexpected_error, {"Predictions", "PredictionLatency", "RefreshFailures"}),
            (broken_predictor, {"PredictionErrors"}),
        ],
    )
    def test_every_metric_has_namespace_dimensions_and_unit(
        self,
        warm: Service,
        meanwhile: Callable[[Service], None],
        names: set[str],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        meanwhile(warm)
        capsys.readouterr()

        warm.version()

        line = metrics_of(lines(capsys))
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Skylift"
        assert directive["Dimensions"][:2] == [["stage", "model"], ["stage", "model", "version"]]
        assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == {
            name: UNITS[name] for name in names
        }
        assert names <= line.keys()
        assert (line["model"], line["version"]) == ("iris", "v2" if meanwhile is switching else "v1")

    def test_while_the_active_version_cannot_be_loaded_each_request_says_so(
        self, warm: Service, capsys: pytest.CaptureFixture[str]
    ) -> None:
        refused_version(warm)
        for _ in range(3):
            warm.client.get("/health")

        assert [line["Degraded"] for line in lines(capsys) if "_aws" in line] == [[1]] * 3

    def test_every_instance_is_counted(self, warm: Service, capsys: pytest.CaptureFixture[str]) -> None:
        warm.client.predict({"instances": [IRIS_SETOSA] * 7})

        assert metrics_of(lines(capsys))["Predictions"] == [7]

    @pytest.mark.parametrize(
        ("body", "headers", "reason"),
        [
            ("{", {}, "not-json"),
            ("[]", {}, "invalid-instance"),
            ("{}", {"content_type": "text/plain"}, "wrong-content-type"),
            (json.dumps({"instances": [{}] * 1001}), {}, "too-many-instances"),
        ],
    )
    def test_errors_are_counted_by_reason_too(
        self, warm: Service, body: str, headers: dict[str, str], reason: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        warm.client.post(body, **headers)

        line = metrics_of(lines(capsys))
        assert (line["PredictionErrors"], line["reason"]) == ([1], reason)
        assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [
            ["stage", "model"],
            ["stage", "model", "version"],
            ["stage", "model", "reason"],
        ]

    def test_a_request_without_a_model_is_counted_as_such(
        self, service: Service, capsys: pytest.CaptureFixture[str]
    ) -> None:
        service.version()

        line = metrics_of(lines(capsys))
        assert (line["PredictionErrors"], line["reason"], line["version"]) == ([1], "no-model", "none")

    def test_a_failure_on_another_path_is_not_a_prediction_error(
        self, warm: Service, capsys: pytest.CaptureFixture[str]
    ) -> None:
        warm.client.get("/nope")

        assert [line for line in lines(capsys) if "_aws" in line] == []

    def test_the_cold_start_is_counted_once_and_along_with_the_load(
        self, serving: Service, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for _ in range(3):
            serving.version()

        counted = [line for line in lines(capsys) if "_aws" in line]
        assert [line.get("ColdStart") for line in counted] == [[1], None, None]
        assert [line.get("ModelLoads") for line in counted] == [[1], None, None]
