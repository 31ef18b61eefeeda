"""The fast lane answers without a framework."""

import asyncio
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from inference import capacity
from inference.answering import Answering
from inference.capture import RowCapture
from inference.predict import PATH, Predict
from skylift.conformal import Sets
from skylift.http.record import record_of
from skylift.manifest import Manifest
from tests.support.fakes import HostHarness
from tests.support.models import IRIS_SETOSA, iris_package

SETOSA = json.dumps(IRIS_SETOSA).encode()


class Request:
    """A request for a prediction over plain ASGI.

    Attributes
    ----------
    unread
        Messages of the body that nobody has received yet.
    """

    def __init__(self, *messages: dict[str, Any], method: str = "POST", **headers: str) -> None:
        named = {"content-type": "application/json"} | {key.replace("_", "-"): text for key, text in headers.items()}
        self.unread = list(messages)
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": PATH,
            "headers": [(name.encode(), text.encode()) for name, text in named.items()],
        }

    def ask(self, app: Predict) -> tuple[int, dict[str, str], Any]:
        """Status, headers and document of the answer."""
        sent: list[Any] = []

        async def receive() -> Any:
            return self.unread.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(app(self.scope, receive, send))
        start, body = sent
        headers = {name.decode(): text.decode() for name, text in start["headers"]}
        return start["status"], headers, json.loads(body["body"])


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.fixture
def app() -> Predict:
    harness = HostHarness()
    harness.activate(iris_package())
    return Predict(Answering(harness.host))


class TestSets:
    @pytest.fixture
    def sure(self) -> Predict:
        """Iris with sets of the classes that have a probability of at least 0.2."""
        package, harness = iris_package(), HostHarness()
        contract = package.describe(1).contract.with_target(sets=Sets(level=0.9, least=0.2))

        def describe(version: int) -> Manifest:
            return package.describe(version).model_copy(update={"contract": contract})

        harness.activate(replace(package, describe=describe))
        return Predict(Answering(harness.host))

    def asked(self, app: Predict, query: bytes) -> tuple[int, Any]:
        request = Request(part(SETOSA))
        request.scope["query_string"] = query
        status, _, document = request.ask(app)
        return status, document

    def test_answers_hold_them_for_who_asks(self, sure: Predict) -> None:
        status, document = self.asked(sure, b"set=true")

        assert (status, document["predictions"][0]["set"]) == (200, ["setosa"])

    @pytest.mark.parametrize("query", [b"", b"set=false", b"other=true", b"subset=true"])
    def test_others_get_answers_as_before(self, sure: Predict, query: bytes) -> None:
        status, document = self.asked(sure, query)

        assert (status, document["predictions"][0].keys()) == (200, {"label", "probabilities"})

    def test_a_version_that_makes_none_says_so(self, app: Predict) -> None:
        status, document = self.asked(app, b"set=true")

        assert status == 400
        assert "v1 makes no prediction sets" in document["detail"]

    @pytest.mark.parametrize("query", [b"set", b"set=", b"set=1", b"set=true&set=maybe"])
    def test_another_value_is_refused(self, sure: Predict, query: bytes) -> None:
        status, document = self.asked(sure, query)

        assert status == 400
        assert "set is neither true nor false" in document["detail"]


@pytest.mark.parametrize(("query", "kept"), [(b"unwatched=true", False), (b"unwatched=false", True), (b"", True)])
def test_of_rows_that_are_made_up_the_record_holds_the_number_alone(query: bytes, kept: bool) -> None:
    harness = HostHarness()
    harness.activate(iris_package())
    app = Predict(Answering(harness.host, labels=True, capture=RowCapture(1.0, frozenset({"petal_length"}))))
    request = Request(part(SETOSA))
    request.scope["query_string"] = query

    status, _, document = request.ask(app)

    record = record_of(request.scope)
    assert (status, document["predictions"][0]["label"]) == (200, "setosa")
    assert (record.instances, record.version) == (1, "v1")
    for member in (record.profile, record.answers, record.rows, record.prediction_id or None):
        assert (member is not None) == kept


def test_whether_rows_are_made_up_is_true_or_false(app: Predict) -> None:
    request = Request(part(SETOSA))
    request.scope["query_string"] = b"unwatched=maybe"

    assert request.ask(app)[0] == 400


def test_a_body_in_parts_is_scored_and_the_record_says_by_what(app: Predict) -> None:
    request = Request(part(SETOSA[:10], more=True), part(SETOSA[10:]))

    status, headers, document = request.ask(app)

    assert (status, headers["x-model-version"]) == (200, "v1")
    assert (document["model"], document["version"], document["warnings"]) == ("iris", "v1", [])
    assert document["predictions"][0]["label"] == "setosa"
    record = record_of(request.scope)
    assert (record.instances, record.version, record.reason) == (1, "v1", None)


def test_the_record_holds_the_profile_and_a_new_id_that_the_answer_does_not(app: Predict) -> None:
    requests = [Request(part(SETOSA)) for _ in range(2)]

    documents = [request.ask(app)[2] for request in requests]

    first, second = (record_of(request.scope) for request in requests)
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", first.prediction_id)
    assert first.prediction_id != second.prediction_id
    assert isinstance(first.profile, list)
    assert all("id" not in document for document in documents)
    assert first.answers is None


def test_where_labels_are_awaited_the_answer_has_the_id() -> None:
    harness = HostHarness()
    harness.activate(iris_package())
    request = Request(part(SETOSA))

    document = request.ask(Predict(Answering(harness.host, profile=False, labels=True)))[2]

    record = record_of(request.scope)
    assert document["id"] == record.prediction_id != ""
    assert (record.profile, record.answers) == (None, [0])


def test_without_profiles_and_labels_there_is_no_id() -> None:
    harness = HostHarness()
    harness.activate(iris_package())
    request = Request(part(SETOSA))

    document = request.ask(Predict(Answering(harness.host, profile=False)))[2]

    assert (record_of(request.scope).prediction_id, record_of(request.scope).profile) == ("", None)
    assert "id" not in document


def test_rows_are_captured_under_the_id_of_the_line_and_the_answer_says_nothing_of_it() -> None:
    harness = HostHarness()
    harness.activate(iris_package())
    request = Request(part(SETOSA))

    document = request.ask(
        Predict(Answering(harness.host, profile=False, capture=RowCapture(1, frozenset({"petal_width"}))))
    )[2]

    record = record_of(request.scope)
    assert record.rows == [{"petal_width": IRIS_SETOSA["petal_width"]}]
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", record.prediction_id)
    assert document.keys() == {"model", "version", "predictions", "warnings"}


def test_by_default_no_value_is_captured(app: Predict) -> None:
    request = Request(part(SETOSA))

    request.ask(app)

    assert (record_of(request.scope).rows, record_of(request.scope).rows_left_out) == (None, 0)


def test_a_client_that_hangs_up_is_answered_with_499_and_raises_nothing(app: Predict) -> None:
    request = Request(part(b"{", more=True), {"type": "http.disconnect"}, content_length="80")

    assert request.ask(app)[0] == 499


def test_another_method_is_told_the_right_one(app: Predict) -> None:
    status, headers, _ = Request(method="GET").ask(app)

    assert (status, headers["allow"]) == (405, "POST")


def test_without_a_model_the_caller_is_asked_to_come_back() -> None:
    request = Request(part(SETOSA))

    status, headers, _ = request.ask(Predict(Answering(HostHarness().host)))

    assert status == 503
    assert int(headers["retry-after"]) > 0
    assert record_of(request.scope).reason is not None


def test_an_answer_that_is_too_large_is_refused_and_not_counted(app: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    Request(part(SETOSA)).ask(app)  # which loads the model, with the true limits
    monkeypatch.setattr(capacity, "MAX_BALANCER_BYTES", 100)
    monkeypatch.setattr(capacity, "MAX_ANSWER_BYTES", 1000)
    request = Request(part(json.dumps({"instances": [IRIS_SETOSA] * 20}).encode()))

    status, headers, document = request.ask(app)

    assert (status, headers["content-type"]) == (413, "application/problem+json")
    assert "send at most the first" in document["detail"]
    record = record_of(request.scope)
    assert (record.instances, record.reason) == (0, "answer-too-large")
