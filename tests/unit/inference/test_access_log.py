"""The access log: request ids, and one line per request with its metrics in it."""

import asyncio
import errno
import json
from typing import Any

import pytest

import skylift
from inference.access_log import AccessLog
from skylift.http.record import Record, record_of
from skylift.observability import logger, stream
from tests.support.events import LambdaContext
from tests.support.fakes import CurrentStdout, HostHarness
from tests.support.models import iris_package

OF = {"stage": "dev", "model": "iris"}


@pytest.fixture(autouse=True)
def _logs_to_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pytest capture what the logger writes."""
    monkeypatch.setattr(logger.registered_handler, "stream", CurrentStdout())


@pytest.fixture
def harness() -> HostHarness:
    """A host with iris v1 in place."""
    harness = HostHarness()
    harness.activate(iris_package())
    harness.host.wait_until_loaded()
    return harness


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers as the test scope says, or fails."""
    if failure := scope.get("test.failure"):
        raise failure
    record = record_of(scope)
    record.instances, record.version, record.reason = scope.get("test.record", (0, None, None))
    record.unknown_categories = scope.get("test.unknown", 0)
    record.profile, record.prediction_id, record.fields = scope.get("test.monitoring", (None, "", ()))
    record.answers = scope.get("test.answers")
    record.rows, record.rows_left_out = scope.get("test.rows", (None, 0))
    record.experiment = scope.get("test.experiment")
    await send({"type": "http.response.start", "status": scope.get("test.status", 200), "headers": []})
    await send({"type": "http.response.body", "body": b""})


def ask(log: AccessLog, path: Any = "/predict", headers: Any = (), **more: Any) -> str:
    """Send one request and return its id."""
    return answer_headers(log, path, headers, **more)[b"x-request-id"].decode()


def answer_headers(log: AccessLog, path: Any = "/predict", headers: Any = (), **more: Any) -> dict[bytes, bytes]:
    """Send one request and return the headers of its answer."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, **more}
    asyncio.run(log(scope, receive, send))
    return dict(sent[0]["headers"])


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


class TestRelease:
    @pytest.mark.parametrize("more", [{}, {"test.failure": ValueError("x")}], ids=["answered", "failed"])
    def test_every_answer_names_the_code_that_gave_it(self, harness: HostHarness, more: dict[str, Any]) -> None:
        log = AccessLog(app, harness.host, **OF, release="1a2b-7.1")

        assert answer_headers(log, **more)[b"x-release"] == b"1a2b-7.1"

    def test_code_that_nobody_deployed_has_no_name(self, harness: HostHarness) -> None:
        assert b"x-release" not in answer_headers(AccessLog(app, harness.host, **OF))


class TestRequestId:
    def test_api_gateways_id_comes_first(self, harness: HostHarness) -> None:
        log = AccessLog(app, harness.host, **OF)
        more: dict[str, Any] = {
            "aws.event": {"requestContext": {"requestId": "from-gateway"}},
            "aws.context": LambdaContext("from-lambda"),
        }

        assert ask(log, headers=[(b"x-request-id", b"from-caller")], **more) == "from-gateway"

    def test_lambdas_id_serves_where_the_event_has_none(self, harness: HostHarness) -> None:
        log = AccessLog(app, harness.host, **OF)
        more: dict[str, Any] = {
            "aws.event": {"requestContext": {"elb": {}}},
            "aws.context": LambdaContext("from-lambda"),
        }

        assert ask(log, headers=[(b"x-request-id", b"from-caller")], **more) == "from-lambda"

    def test_outside_of_lambda_the_callers_id_is_taken_over(self, harness: HostHarness) -> None:
        log = AccessLog(app, harness.host, **OF)

        assert ask(log, headers=[(b"x-request-id", b"from-caller")]) == "from-caller"

    @pytest.mark.parametrize("value", [b"", b"x" * 129, "größe".encode(), b"two\nlines", b"\x00"])
    def test_an_id_of_the_caller_that_could_harm_a_log_is_not_taken_over(
        self, harness: HostHarness, value: bytes
    ) -> None:
        log = AccessLog(app, harness.host, **OF)

        assert len(ask(log, headers=[(b"x-request-id", value)])) == len("00000000-0000-0000-0000-000000000000")

    @pytest.mark.parametrize("value", ["", "x" * 129, "größe", "two\nlines", "\ud800", 7, None, {"a": 1}])
    def test_an_id_of_an_event_that_could_harm_a_log_is_not_taken_over(self, harness: HostHarness, value: Any) -> None:
        log = AccessLog(app, harness.host, **OF)
        more: dict[str, Any] = {
            "aws.event": {"requestContext": {"requestId": value}},
            "aws.context": LambdaContext("from-lambda"),
        }

        assert ask(log, **more) == "from-lambda"

    def test_a_request_without_any_id_gets_one_of_its_own(self, harness: HostHarness) -> None:
        log = AccessLog(app, harness.host, **OF)

        assert ask(log) != ask(log)


class TestLines:
    def test_a_prediction_writes_one_line_with_its_metrics(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ask(AccessLog(app, harness.host, **OF))

        (line,) = lines(capsys)
        assert line["message"] == "request"
        assert "_aws" in line

    def test_the_line_says_the_same_of_a_request_with_metrics_and_of_one_without(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log = AccessLog(app, harness.host, **OF)
        ask(log)
        ask(log, "/health")

        counted, plain = lines(capsys)
        fields = plain.keys() - {"location", "taskName"}  # where in the code, which means nothing to an operator
        assert fields <= counted.keys()
        assert all(type(counted[name]) is type(plain[name]) for name in fields)

    def test_the_line_of_an_answer_holds_its_profile_and_its_id(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log = AccessLog(app, harness.host, **OF)

        ask(log, **{"test.monitoring": ([[1, 0], 2, 0.9877], "AbCdEfGhIjKlMnOp", ()), "test.answers": [2]})

        (line,) = capsys.readouterr().out.splitlines()
        assert ',"id":"AbCdEfGhIjKlMnOp","profile":[[1,0],2,0.9877],"answers":[2]' in line

    @pytest.mark.parametrize(
        ("rows", "told"),
        [
            ((None, 0), {}),
            (([{"age": 40}], 0), {"rows": [{"age": 40}]}),
            ((None, 1000), {"rows_left_out": 1000}),
        ],
        ids=["none", "captured", "too long"],
    )
    def test_captured_rows_stand_in_the_line_of_an_answer_or_how_many_were_left_out(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str], rows: Any, told: dict[str, Any]
    ) -> None:
        log = AccessLog(app, harness.host, **OF)

        ask(log, **{"test.rows": rows})
        ask(log, **{"test.rows": rows, "test.status": 422})

        answered, refused = lines(capsys)
        assert {name: answered[name] for name in ("rows", "rows_left_out") if name in answered} == told
        assert not {"rows", "rows_left_out"} & refused.keys()

    def test_the_line_of_a_refused_request_names_features_and_holds_no_profile(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log = AccessLog(app, harness.host, **OF)
        refused: dict[str, Any] = {"test.status": 422, "test.record": (0, None, "invalid-instance")}

        ask(log, **refused, **{"test.monitoring": ([[1, 0], 2, 0.9877], "AbCdEfGhIjKlMnOp", ("age", "area"))})

        (line,) = lines(capsys)
        assert (line["reason"], line["fields"]) == ("invalid-instance", ["age", "area"])
        assert not {"id", "profile"} & line.keys()

    def test_where_nothing_is_known_of_instances_nothing_is_written(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ask(AccessLog(app, harness.host, **OF))

        assert not {"id", "profile", "fields"} & lines(capsys)[0].keys()

    def test_where_the_log_is_less_verbose_the_metrics_stay(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log, before = AccessLog(app, harness.host, **OF), logger.log_level
        logger.setLevel("WARNING")
        try:
            ask(log)
        finally:
            logger.setLevel(before)

        (line,) = lines(capsys)
        assert line["PredictionLatency"]
        assert "message" not in line

    def test_the_log_line_tells_who_asked_what_and_how_it_went(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log = AccessLog(app, harness.host, **OF)

        ask(log, headers=[(b"x-request-id", b"r-1")], **{"test.record": (3, "v1", None)})

        line = lines(capsys)[0]
        assert line["level"] == "INFO"
        assert line["correlation_id"] == "r-1"
        assert line["service_version"] == skylift.__version__
        assert {name: line[name] for name in ("method", "path", "status", "model", "version", "instances")} == {
            "method": "POST",
            "path": "/predict",
            "status": 200,
            "model": "iris",
            "version": "v1",
            "instances": 3,
        }

    def test_the_log_line_names_the_deployment_if_there_is_one(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ask(AccessLog(app, harness.host, **OF, release="1a2b3c4d5e6f-7.1"))
        ask(AccessLog(app, harness.host, **OF))

        assert [line.get("release") for line in lines(capsys)] == ["1a2b3c4d5e6f-7.1", None]

    def test_the_log_line_has_the_beginning_of_the_digest_of_the_image(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ask(AccessLog(app, harness.host, **OF, image_digest="sha256:" + "1a2b3c4d5e6f" + "0" * 52))
        ask(AccessLog(app, harness.host, **OF))

        assert [line.get("image") for line in lines(capsys)] == ["1a2b3c4d5e6f", None]

    def test_the_log_line_of_a_failure_has_its_reason(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log = AccessLog(app, harness.host, **OF)

        ask(log, **{"test.status": 400, "test.record": (0, None, "not-json")})

        assert lines(capsys)[0]["reason"] == "not-json"

    @pytest.mark.parametrize("path", ["/\ud800", "/\x00\x1b[31m", "/größe\u2028"])
    def test_a_path_of_any_characters_is_one_line(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str], path: str
    ) -> None:
        ask(AccessLog(app, harness.host, **OF), path)

        (line,) = map(json.loads, capsys.readouterr().out.split("\n")[:-1])
        assert line["path"] == path

    def test_a_long_path_is_cut(self, harness: HostHarness, capsys: pytest.CaptureFixture[str]) -> None:
        ask(AccessLog(app, harness.host, **OF), "/" + "x" * 1_000_000)

        assert len(capsys.readouterr().out) < 3_000

    @pytest.mark.parametrize("at", ["http.response.start", "http.response.body"])
    def test_an_answer_that_cannot_be_sent_is_the_clients_doing_and_no_error(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str], at: str
    ) -> None:
        async def send(message: Any) -> None:
            if message["type"] == at:
                raise RuntimeError("Can't send data when our state is ERROR")

        scope = {"type": "http", "method": "POST", "path": "/predict", "headers": ()}
        asyncio.run(AccessLog(app, harness.host, **OF)(scope, None, send))  # type: ignore[arg-type]

        (line,) = lines(capsys)
        assert (line["level"], line["status"], line["reason"]) == ("INFO", 499, "client-gone")
        assert "exception" not in line

    def test_a_full_disk_fails_no_request_and_the_next_line_tells_how_many_lines_are_lost(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(_: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        log = AccessLog(app, harness.host, **OF)
        monkeypatch.setattr(stream, "lost", 0)
        with monkeypatch.context() as patch:
            patch.setattr("sys.stdout.write", fails)
            assert ask(log)

        ask(log)

        (line,) = lines(capsys)
        assert line["lines_lost"] == 1

    def test_every_line_of_a_failure_has_the_id_of_its_request(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        request_id = ask(AccessLog(app, harness.host, **OF), **{"test.failure": ZeroDivisionError()})

        assert [line["correlation_id"] for line in lines(capsys)] == [request_id] * 2

    def test_an_unexpected_error_is_logged_with_its_trace_and_without_its_words(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Its words, and those of what led to it, may be values of the body."""
        log = AccessLog(app, harness.host, **OF)
        failure = ZeroDivisionError("4111 1111")
        failure.__cause__ = ValueError("4111 1111")
        failure.add_note("4111 1111")

        ask(log, **{"test.failure": failure})

        written = capsys.readouterr()
        assert "4111" not in written.out + written.err
        line = json.loads(written.out.splitlines()[0])
        assert (line["level"], line["status"], line["exception_name"]) == ("ERROR", 500, "ZeroDivisionError")
        assert "ValueError\n\nTraceback" in line["exception"]
        assert "in app" in line["exception"]

    def test_what_cannot_be_read_as_a_request_has_a_line_that_names_the_release(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log = AccessLog(app, harness.host, **OF, release="1a2b3c4d5e6f-7.1", image_digest="sha256:" + "0f" * 32)

        log.write_unreadable(Record("r-1", reason="broken-request"))

        (line,) = lines(capsys)
        assert (line["correlation_id"], line["status"], line["reason"]) == ("r-1", 400, "broken-request")
        assert (line["release"], line["image"]) == ("1a2b3c4d5e6f-7.1", "0f" * 6)

    def test_a_request_that_is_cancelled_counts_as_failed_and_not_as_answered(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log = AccessLog(app, harness.host, **OF)

        with pytest.raises(asyncio.CancelledError):
            ask(log, **{"test.failure": asyncio.CancelledError()})

        line, metrics = lines(capsys)
        assert (line["level"], line["status"], line["exception_name"]) == ("ERROR", 500, "CancelledError")
        assert metrics["PredictionErrors"] == [1]
        assert "Predictions" not in metrics

    def test_an_unexpected_error_of_a_refresh_is_logged_with_its_trace_along_with_the_request(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log = AccessLog(app, harness.host, **OF)
        harness.pointer.holds = ZeroDivisionError("why")
        harness.pass_refresh()

        ask(log)

        line, _ = lines(capsys)
        assert (line["level"], line["status"], line["exception_name"]) == ("ERROR", 200, "ZeroDivisionError")

    def test_a_degraded_service_says_so_in_every_line(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log = AccessLog(app, harness.host, **OF)
        harness.pointer.holds = None
        harness.pass_refresh()

        ask(log)

        assert lines(capsys)[0]["degraded"] == "the pointer names no version: promote one"

    def test_what_is_not_a_request_passes_by(self, harness: HostHarness, capsys: pytest.CaptureFixture[str]) -> None:
        seen = []

        async def lifespan(scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope["type"])

        asyncio.run(AccessLog(lifespan, harness.host, **OF)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]

        assert seen == ["lifespan"]
        assert lines(capsys) == []


class TestMetrics:
    def test_instances_and_latency_of_a_prediction_are_counted(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ask(AccessLog(app, harness.host, **OF), **{"test.record": (3, "v1", None)})

        (metrics,) = lines(capsys)
        assert metrics["Predictions"] == [3]
        assert metrics["PredictionLatency"][0] >= 0
        assert "PredictionErrors" not in metrics

    def test_values_that_training_never_saw_are_counted_if_any(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log = AccessLog(app, harness.host, **OF)
        ask(log, **{"test.unknown": 2})
        ask(log)

        assert [line.get("UnknownCategories") for line in lines(capsys)] == [[2], None]

    def test_a_failed_prediction_is_counted_by_reason(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ask(AccessLog(app, harness.host, **OF), **{"test.status": 400, "test.record": (0, None, "not-json")})

        (metrics,) = lines(capsys)
        assert (metrics["PredictionErrors"], metrics["reason"]) == ([1], "not-json")
        assert metrics["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [
            ["stage", "model"],
            ["stage", "model", "version"],
            ["stage", "model", "reason"],
        ]

    def test_an_unexpected_error_is_counted_as_internal(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ask(AccessLog(app, harness.host, **OF), **{"test.failure": ZeroDivisionError()})

        assert lines(capsys)[1]["reason"] == "internal"

    def test_the_version_that_answered_is_the_dimension(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ask(AccessLog(app, harness.host, **OF), **{"test.record": (1, "v7", None)})

        (metrics,) = lines(capsys)
        assert (metrics["stage"], metrics["model"], metrics["version"]) == ("dev", "iris", "v7")

    def test_without_a_model_the_version_is_none(self, capsys: pytest.CaptureFixture[str]) -> None:
        ask(AccessLog(app, HostHarness().host, **OF))

        assert lines(capsys)[0]["version"] == "none"

    def test_a_cold_start_is_counted_with_the_first_request_only(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log = AccessLog(app, harness.host, **OF)
        for _ in range(3):
            ask(log)

        assert [line.get("ColdStart") for line in lines(capsys) if "_aws" in line] == [[1], None, None]

    @pytest.mark.parametrize(("method", "path", "status"), [("GET", "/health", 200), ("OPTIONS", "/predict", 204)])
    def test_a_request_for_something_else_counts_no_prediction(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str], method: str, path: str, status: int
    ) -> None:
        log = AccessLog(app, harness.host, **OF)
        ask(log, "/health")
        lines(capsys)

        ask(log, path, method=method, **{"test.status": status})

        (line,) = lines(capsys)
        assert line["path"] == path


class TestExperiment:
    @pytest.mark.parametrize("status", [200, 422])
    def test_a_request_in_an_experiment_says_so_however_it_ended(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str], status: int
    ) -> None:
        experiment = {"id": "trial", "mode": "canary", "percent": 5.0, "arm": "challenger"}

        ask(AccessLog(app, harness.host, **OF), **{"test.experiment": experiment, "test.status": status})

        (line,) = lines(capsys)
        assert line["experiment"] == experiment
        assert "ChallengerFailures" not in line

    def test_a_failure_of_the_challenger_is_counted_with_the_request(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ask(AccessLog(app, harness.host, **OF), **{"test.experiment": {"id": "trial", "failed": "slow"}})

        (line,) = lines(capsys)
        assert line["ChallengerFailures"] == [1]

    def test_a_request_outside_has_no_such_member(
        self, harness: HostHarness, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ask(AccessLog(app, harness.host, **OF))

        assert "experiment" not in lines(capsys)[0]
