"""Problems: what a failure becomes in HTTP."""

import json
from typing import Any

import pytest
from fastapi import FastAPI

from inference.access_log import AccessLog
from skylift.errors import ModelCardAbsent, ModelCardUnavailable, ModelNotReady, NoActiveVersion, SkyliftError
from skylift.http import errors, problems
from skylift.http.errors import (
    AnswerTooLarge,
    BodyTooLarge,
    ExplanationTooSlow,
    FieldProblem,
    HistoryNotRead,
    InvalidInstance,
    InvalidLabels,
    InvalidQuery,
    LabelsNotKept,
    MetricsNotRead,
    NotJson,
    Overloaded,
    ReasonsUnavailable,
    TooManyInstances,
    TooManyLabels,
    WrongContentType,
)
from skylift.http.record import Record
from skylift.http.starlette_problems import answer_with_problems
from tests.support.asgi_client import PROBLEM, HttpClient
from tests.support.fakes import HostHarness

MAPPED = {kind: status for kind, (status, _title) in problems._STATUS.items()}


def client_of(failure: Exception) -> HttpClient:
    """A client of an application whose one path fails."""
    app = FastAPI(openapi_url=None)

    @app.get("/fail")
    async def fail() -> None:
        raise failure

    answer_with_problems(app)
    return HttpClient(AccessLog(app, HostHarness().host, stage="test", model="iris"))


def problem_of(failure: Exception) -> dict[str, Any]:
    document: dict[str, Any] = client_of(failure).get("/fail", headers={"x-request-id": "r-1"}).json()
    return document


@pytest.mark.parametrize(
    ("failure", "status", "slug"),
    [
        (NotJson("x"), 400, "not-json"),
        (WrongContentType("x"), 415, "wrong-content-type"),
        (BodyTooLarge("x"), 413, "body-too-large"),
        (InvalidQuery("x"), 400, "invalid-query"),
        (TooManyInstances("x"), 413, "too-many-instances"),
        (AnswerTooLarge("x"), 413, "answer-too-large"),
        (ExplanationTooSlow("x"), 413, "explanation-too-slow"),
        (ReasonsUnavailable("x"), 503, "reasons-unavailable"),
        (Overloaded("x"), 503, "overloaded"),
        (InvalidInstance((), 1), 422, "invalid-instance"),
        (TooManyLabels("x"), 413, "too-many-labels"),
        (InvalidLabels((), 1), 422, "invalid-labels"),
        (LabelsNotKept("x"), 503, "labels-not-kept"),
        (MetricsNotRead("x"), 503, "metrics-not-read"),
        (HistoryNotRead("x"), 503, "history-not-read"),
        (NoActiveVersion("x"), 503, "no-active-version"),
        (ModelNotReady("x"), 503, "no-model"),
        (ModelCardAbsent("x"), 404, "no-model-card"),
        (ModelCardUnavailable("x"), 503, "no-model-card-now"),
        (SkyliftError("x"), 500, "internal"),
        (ZeroDivisionError("x"), 500, "internal"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_failure_has_a_status_and_a_type(failure: Exception, status: int, slug: str) -> None:
    response = client_of(failure).get("/fail")

    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM)
    assert response.json()["type"] == f"urn:skylift:problem:{slug}"
    assert response.json()["status"] == status


@pytest.mark.parametrize("kind", MAPPED)
def test_a_subclass_has_the_status_of_its_parent_and_its_own_code(kind: type[SkyliftError]) -> None:
    class Special(kind):  # type: ignore[misc, valid-type]
        code = "special"

        def __init__(self) -> None:
            SkyliftError.__init__(self, "x")
            self.problems, self.total = (), 0  # those of an InvalidInstance
            self.id = "r-1"  # that of a RetrainRunning

    reply = problems.of_error(Special(), Record("r-1"))

    assert (reply.status, json.loads(reply.body)["type"]) == (MAPPED[kind], "urn:skylift:problem:special")


def test_every_error_of_a_request_is_mapped() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SkyliftError)}

    assert kinds - {SkyliftError} <= set(MAPPED)


def test_a_problem_tells_what_happened_and_what_to_do() -> None:
    document = problem_of(NotJson("the body is empty", "send instances"))

    assert document == {
        "type": "urn:skylift:problem:not-json",
        "title": "The body is not JSON",
        "status": 400,
        "detail": "the body is empty: send instances",
        "request_id": "r-1",
    }


def test_field_problems_are_listed() -> None:
    fields = (FieldProblem("instances[0].size", "wrong_type", "expected a finite number", "/instances/0/size"),)

    document = problem_of(InvalidInstance(fields, 1))

    assert document["errors"] == [
        {
            "field": "instances[0].size",
            "pointer": "/instances/0/size",
            "reason": "wrong_type",
            "message": "expected a finite number",
        }
    ]
    assert "errors_total" not in document


def test_the_record_names_at_most_three_features_and_nothing_that_the_caller_wrote() -> None:
    named = [None, "size", "size", "rooms", None, "area", "lift"]
    record = Record("r-1")

    problems.of_error(
        InvalidInstance(tuple(FieldProblem("instances[0].secret", "b", "c", feature=name) for name in named), 7), record
    )

    assert record.fields == ("size", "rooms", "area")


def test_the_total_is_told_where_not_all_problems_are_listed() -> None:
    assert problem_of(InvalidInstance((FieldProblem("a", "b", "c"),), 30))["errors_total"] == 30


def test_a_service_without_model_says_when_to_come_back() -> None:
    assert client_of(NoActiveVersion("x")).get("/fail").headers["retry-after"] == "2"


@pytest.mark.parametrize("failure", [ZeroDivisionError("secret"), SkyliftError("secret")])
def test_an_unexpected_error_tells_nothing_but_where_to_look(failure: Exception) -> None:
    response = client_of(failure).get("/fail", headers={"x-request-id": "r-1"})

    assert response.json()["detail"] == "see the logs of this request"
    assert "secret" not in response.text
    assert response.headers.get_list("x-request-id") == ["r-1"]


def test_a_path_that_is_not_there_is_a_problem() -> None:
    response = client_of(NotJson("x")).get("/nope")

    assert (response.status_code, response.json()["type"]) == (404, "urn:skylift:problem:not-found")


def test_a_wrong_method_is_a_problem_that_names_the_right_one() -> None:
    response = client_of(NotJson("x")).request("POST", "/fail")

    assert (response.status_code, response.json()["type"]) == (405, "urn:skylift:problem:method-not-allowed")
    assert response.headers["allow"] == "GET"


def test_a_path_and_a_method_of_any_length_are_told_by_their_beginning() -> None:
    reply = problems.of_status(404, "X" * 100_000, "/" + "\u00e9" * 1_000_000, Record("r-1"))

    assert len(reply.body) < 2000
