"""Every bad request gets its problem: the right status, the place and the reason, and nothing of the inside."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

import inference
from skylift.http.body import MAX_BODY_BYTES
from tests.conftest import BUCKET
from tests.support.asgi_client import PROBLEM, HttpClient
from tests.support.bad_bodies import BAD_FIELDS, DEEP, EMPTY, NOT_UTF_8, TEXTS, with_literal
from tests.support.events import body_of, http_api_event, invoke, rest_api_event
from tests.support.fakes import FailingPredictor
from tests.support.models import IRIS_SETOSA
from tests.support.whole_service import Service

INSIDE = (BUCKET, "Traceback", ".py", str(Path(inference.__file__).parent), "models/", "/skylift/", "pydantic")


def problem_of(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem of a response, after checking what holds for every problem."""
    document: dict[str, Any] = response.json()
    assert (response.status_code, document["status"]) == (status, status)
    assert response.headers["content-type"] == PROBLEM
    assert document["type"] == f"urn:skylift:problem:{slug}"
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == response.headers["x-request-id"]
    for word in INSIDE:
        assert word not in response.text
    return document


class TestNotJson:
    @pytest.mark.parametrize("body", TEXTS)
    def test_text_that_is_not_json_is_called_so(self, iris: HttpClient, body: str) -> None:
        assert problem_of(iris.post(body), 400, "not-json")["detail"].startswith("the body is not JSON: ")

    @pytest.mark.parametrize("body", EMPTY)
    def test_an_empty_body_is_called_empty(self, iris: HttpClient, body: bytes) -> None:
        assert problem_of(iris.post(body), 400, "not-json")["detail"].startswith("the body is empty: ")

    @pytest.mark.parametrize("body", NOT_UTF_8)
    def test_invalid_utf_8_is_not_json(self, iris: HttpClient, body: bytes) -> None:
        problem_of(iris.post(body), 400, "not-json")

    @pytest.mark.parametrize("body", DEEP, ids=lambda body: body[:12])
    def test_deep_nesting_is_not_json_to_the_service(self, iris: HttpClient, body: str) -> None:
        problem_of(iris.post(body), 400, "not-json")


class TestContentType:
    @pytest.mark.parametrize(
        "content_type",
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", "", "text/json"],
    )
    def test_another_content_type_is_refused(self, iris: HttpClient, content_type: str) -> None:
        document = problem_of(iris.predict(IRIS_SETOSA, content_type=content_type), 415, "wrong-content-type")

        assert "application/json" in document["detail"]

    def test_a_missing_content_type_is_refused(self, iris: HttpClient) -> None:
        response = iris.request("POST", "/predict", content=json.dumps(IRIS_SETOSA))

        problem_of(response, 415, "wrong-content-type")


class TestSize:
    def test_one_instance_more_than_a_thousand_is_too_many(self, iris: HttpClient) -> None:
        document = problem_of(iris.predict({"instances": [IRIS_SETOSA] * 1001}), 413, "too-many-instances")

        assert "1000" in document["detail"]

    def test_ten_megabytes_are_too_large(self, iris: HttpClient) -> None:
        problem_of(iris.post(b" " * 10_000_000), 413, "body-too-large")

    def test_a_body_that_hides_its_length_is_still_too_large(self, iris: HttpClient) -> None:
        problem_of(iris.post(b" " * (MAX_BODY_BYTES + 1), content_length="1"), 413, "body-too-large")

    def test_the_largest_allowed_body_is_read(self, iris: HttpClient) -> None:
        instance = json.dumps(IRIS_SETOSA).encode()

        assert iris.post(instance + b" " * (MAX_BODY_BYTES - len(instance))).status_code == 200


class TestFields:
    def test_every_bad_field_is_answered_with_its_place_and_the_reason(self, iris: HttpClient) -> None:
        for body, place, reason in BAD_FIELDS:
            (entry,) = problem_of(iris.post(body), 422, "invalid-instance")["errors"]
            assert (entry["field"], entry["reason"]) == (place, reason), body
            assert entry["message"]

    def test_an_integer_too_long_to_read_is_refused(self, iris: HttpClient) -> None:
        problem_of(iris.post(with_literal("9" * 5000)), 400, "not-json")

    def test_a_missing_field_is_named(self, iris: HttpClient) -> None:
        instance = {name: value for name, value in IRIS_SETOSA.items() if name != "sepal_width"}

        (entry,) = problem_of(iris.predict({"instances": [IRIS_SETOSA, instance]}), 422, "invalid-instance")["errors"]

        assert (entry["field"], entry["reason"]) == ("instances[1].sepal_width", "missing_field")

    def test_every_bad_field_of_a_body_has_an_entry(self, iris: HttpClient) -> None:
        document = problem_of(iris.predict({"instances": [{}, {}]}), 422, "invalid-instance")

        assert [entry["field"] for entry in document["errors"]] == [
            f"instances[{index}].{name}" for index in (0, 1) for name in IRIS_SETOSA
        ]

    def test_of_many_bad_fields_the_first_are_listed_and_all_counted(self, iris: HttpClient) -> None:
        document = problem_of(iris.predict({"instances": [{}] * 1000}), 422, "invalid-instance")

        assert (len(document["errors"]), document["errors_total"]) == (20, 4000)

    @pytest.mark.parametrize("letter", ["x", "/"])
    def test_what_a_caller_sent_is_not_sent_back_at_length(self, iris: HttpClient, letter: str) -> None:
        response = iris.predict({letter * 1_000_000: "y" * 1_000_000})

        problem_of(response, 422, "invalid-instance")
        assert len(response.content) < 2000


class TestPathsAndMethods:
    @pytest.mark.parametrize(
        "path",
        ["/nope", "/predict/", "/health/", "/Predict", "/predict/v1", "/../etc/passwd", "/%00", "/%ff", "/docs/x"],
    )
    def test_a_path_that_is_not_there_is_not_found(self, iris: HttpClient, path: str) -> None:
        problem_of(iris.get(path), 404, "not-found")

    def test_a_trailing_slash_is_not_found_for_predictions_either(self, iris: HttpClient) -> None:
        response = iris.request(
            "POST", "/predict/", content=json.dumps(IRIS_SETOSA), headers={"content-type": "application/json"}
        )

        problem_of(response, 404, "not-found")

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("GET", "/predict", "POST"),
            ("PUT", "/predict", "POST"),
            ("DELETE", "/predict", "POST"),
            ("PATCH", "/predict", "POST"),
            ("OPTIONS", "/predict", "POST"),
            ("BREW", "/predict", "POST"),
            ("POST", "/health", "GET"),
            ("POST", "/model-info", "GET"),
            ("POST", "/", "GET"),
        ],
    )
    def test_another_method_is_answered_with_the_allowed_one(
        self, iris: HttpClient, method: str, path: str, allowed: str
    ) -> None:
        response = iris.request(method, path)

        problem_of(response, 405, "method-not-allowed")
        assert response.headers["allow"] == allowed

    def test_a_query_that_would_take_long_to_read_is_refused(self, iris: HttpClient) -> None:
        problem_of(iris.get("/?" + "a=1&" * 10_000), 414, "query-too-long")
        assert iris.get("/?a=1").status_code == 200

    @pytest.mark.parametrize("path", ["/predict", "/model-info", "/"])
    def test_a_browsers_preflight_request_succeeds_and_allows_nothing_by_itself(
        self, iris: HttpClient, path: str
    ) -> None:
        # Where the stack names origins, API Gateway adds its headers to this; a browser wants a status that is ok.
        asked = {"origin": "https://a.test", "access-control-request-method": "POST"}

        response = iris.request("OPTIONS", path, headers=asked)

        assert (response.status_code, response.content) == (204, b"")
        assert not [name for name in response.headers if name.startswith("access-control-")]


class TestInside:
    def test_an_unexpected_error_tells_nothing_of_the_inside(
        self, serving: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = serving.host.model
        assert model is not None
        broken = replace(model, predictor=FailingPredictor())
        monkeypatch.setattr(serving.host, "model", broken)

        response = serving.client.predict(IRIS_SETOSA)

        problem_of(response, 500, "internal")
        assert "secret" not in response.text


@pytest.mark.parametrize("make", [http_api_event, rest_api_event])
class TestLambda:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (None, 400),
            ("", 400),
            ("not json", 400),
            ("[]", 422),
            (with_literal("NaN"), 422),
            ('{"größe": "数"}', 422),
            (json.dumps({"instances": [IRIS_SETOSA] * 1001}), 413),
        ],
        ids=["none", "empty", "text", "array", "NaN", "unicode", "too many"],
    )
    def test_a_bad_body_in_an_event_is_a_problem(
        self, lambda_handler: Any, make: Any, body: str | None, status: int
    ) -> None:
        response = invoke(lambda_handler, make("POST", "/predict", body))

        assert response["statusCode"] == status
        assert body_of(response)["status"] == status
