"""`POST /labels` and `GET /metrics` over HTTP: statuses, media types and the line in the log."""

import asyncio
import json
from typing import Any

import pytest

from operations.active import ActiveVersion
from operations.cloudwatch import CloudWatch
from operations.compose import OperationsLog
from operations.fleet import Fleet
from operations.history import History
from operations.labels import Labels
from operations.routes import create_routes
from skylift.bucket import Bucket
from skylift.contract import Target
from skylift.errors import AwsUnavailable
from skylift.http.body import MAX_BODY_BYTES
from skylift.monitoring.label_store import LabelStore
from skylift.monitoring.report_store import ReportStore
from skylift.observability import logger
from skylift.pointer import Move
from tests.conftest import BUCKET, MODEL
from tests.support.asgi_client import JSON_HEADERS, PROBLEM, HttpClient
from tests.support.aws_clients import shared_clients
from tests.support.bad_bodies import DEEP, EMPTY, NOT_UTF_8, TEXTS
from tests.support.cloudwatch import FakeCloudWatch
from tests.support.fakes import CurrentStdout, MemoryBucket, MemoryPointer, MemoryStore
from tests.support.faults import before, fails_with, throttled
from tests.support.models import iris_package
from tests.unit.operations.test_history import V1, Moved, Two, move

SPECIES = Target(name="species", classes=("setosa", "virginica"))
ENTRY = {"id": "AbCdEfGh_-012345#0", "label": "setosa"}
LINES = json.dumps(ENTRY)


def fleet_of(cloudwatch: FakeCloudWatch) -> Fleet:
    store = MemoryStore()
    active = ActiveVersion(MemoryPointer(store.add(iris_package())), store)
    reports = ReportStore(MemoryBucket(), MODEL)
    return Fleet(CloudWatch(cloudwatch), "test", MODEL, active=active, reports=reports)


def history_of(*moves: Move, failure: AwsUnavailable | None = None) -> History:
    pointer = Moved(*moves)
    pointer.holds = failure
    return History(pointer, Two())


@pytest.fixture
def cloudwatch() -> FakeCloudWatch:
    return FakeCloudWatch()


@pytest.fixture
def client(aws: None, cloudwatch: FakeCloudWatch, monkeypatch: pytest.MonkeyPatch) -> HttpClient:
    monkeypatch.setattr(logger.registered_handler, "stream", CurrentStdout())
    store = LabelStore(Bucket(BUCKET, client=shared_clients("service").s3), MODEL)
    routes = create_routes(Labels(lambda: SPECIES, store), fleet_of(cloudwatch), history_of())
    return HttpClient(OperationsLog(routes, stage="test", model=MODEL))


def line_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return line


def test_labels_are_taken_and_the_line_counts_them(client: HttpClient, capsys: pytest.CaptureFixture[str]) -> None:
    answer = client.request("POST", "/labels", content=json.dumps({"labels": [ENTRY]}), headers=JSON_HEADERS)

    assert (answer.status_code, answer.json()) == (202, {"labels": 1})
    line = line_of(capsys)
    assert (line["path"], line["status"], line["labels"], line["model"]) == ("/labels", 202, 1, "iris")
    assert answer.headers["x-request-id"] == line["correlation_id"]


def test_nothing_fails_after_the_answer(cloudwatch: FakeCloudWatch) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    log = OperationsLog(
        create_routes(Labels(lambda: SPECIES, LabelStore(MemoryBucket(), MODEL)), fleet_of(cloudwatch), history_of()),
        stage="test",
        model=MODEL,
    )
    scope = {"type": "http", "method": "GET", "path": "/nowhere", "headers": [], "query_string": b""}
    asyncio.run(log(scope, None, send))  # type: ignore[arg-type]

    assert [message.get("status") for message in sent] == [404, None]


@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson", "application/jsonl"])
def test_lines_may_be_declared_as_what_they_are(client: HttpClient, media_type: str) -> None:
    answer = client.request("POST", "/labels", content=LINES, headers={"content-type": media_type})

    assert answer.status_code == 202


def test_another_media_type_is_refused(client: HttpClient) -> None:
    answer = client.request("POST", "/labels", content=LINES, headers={"content-type": "text/csv"})

    assert answer.status_code == 415


def test_problems_have_the_form_of_those_of_predictions(client: HttpClient) -> None:
    bad = json.dumps({"labels": [ENTRY, {**ENTRY, "label": "rose"}]})

    answer = client.request("POST", "/labels", content=bad, headers=JSON_HEADERS)

    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    document = answer.json()
    assert document["type"] == "urn:skylift:problem:invalid-labels"
    assert [(entry["field"], entry["pointer"], entry["reason"]) for entry in document["errors"]] == [
        ("labels[1]", "/labels/1", "unknown_class")
    ]


@pytest.mark.parametrize("body", [*TEXTS, *EMPTY, *NOT_UTF_8, *DEEP], ids=lambda body: repr(body[:12]))
def test_what_is_not_json_is_refused(client: HttpClient, body: str | bytes) -> None:
    answer = client.request("POST", "/labels", content=body, headers=JSON_HEADERS)

    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == PROBLEM


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b" " * (MAX_BODY_BYTES + 1), "body-too-large"),
        (b'{"labels":[' + b",".join([b"[]"] * 1_000_000) + b"]}", "too-many-labels"),
        (b"1\n" * 1_000_000, "too-many-labels"),
    ],
    ids=["bytes", "arrays", "lines"],
)
def test_too_much_is_refused(client: HttpClient, body: bytes, reason: str) -> None:
    answer = client.request("POST", "/labels", content=body, headers=JSON_HEADERS)

    assert (answer.status_code, answer.json()["type"]) == (413, f"urn:skylift:problem:{reason}")


def test_where_s3_fails_the_caller_may_come_back(client: HttpClient) -> None:
    before(shared_clients("service").s3, "PutObject", fails_with(throttled("SlowDown")))

    answer = client.request("POST", "/labels", content=LINES, headers=JSON_HEADERS)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["type"] == "urn:skylift:problem:labels-not-kept"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/labels", 405), ("POST", "/nowhere", 404)])
def test_other_paths_and_methods_are_problems(client: HttpClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)


def test_a_browser_that_asks_first_is_answered(client: HttpClient) -> None:
    asked = {"origin": "https://a.test", "access-control-request-method": "POST"}

    assert client.request("OPTIONS", "/labels", headers=asked).status_code == 204


def test_metrics_are_text_for_prometheus(client: HttpClient) -> None:
    answer = client.get("/metrics")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert 'ml_model_loaded{model="iris",version="v1"} 1' in answer.text.splitlines()


def test_where_cloudwatch_fails_prometheus_is_told_so(client: HttpClient, cloudwatch: FakeCloudWatch) -> None:
    cloudwatch.failure = throttled()

    answer = client.get("/metrics")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["type"] == "urn:skylift:problem:metrics-not-read"


def test_the_history_is_told(cloudwatch: FakeCloudWatch) -> None:
    labels = Labels(lambda: SPECIES, LabelStore(MemoryBucket(), MODEL))
    client = HttpClient(create_routes(labels, fleet_of(cloudwatch), history_of(move(V1))))

    document = client.get("/history").json()

    assert document["versions"] == ["v2", "v1"]
    assert document["moves"][0]["by"] == "user/ann"
    assert document["moves"][0]["at"] == "2026-05-01T12:00:00Z"


def test_a_history_that_cannot_be_read_says_when_to_ask_again(cloudwatch: FakeCloudWatch) -> None:
    labels = Labels(lambda: SPECIES, LabelStore(MemoryBucket(), MODEL))
    failure = AwsUnavailable("reading arn:aws:ssm failed", "check")
    client = HttpClient(create_routes(labels, fleet_of(cloudwatch), history_of(failure=failure)))

    answer = client.get("/history")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["type"] == "urn:skylift:problem:history-not-read"
    assert "arn" not in answer.text
