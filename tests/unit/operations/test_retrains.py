"""`POST /retrain` and `GET /retrain/{id}`: what starts, what is refused, and how far a retraining is."""

import json
from typing import Any

import pytest

from operations.compose import OperationsLog
from operations.labels import Labels
from operations.retrains import Retrains
from operations.routes import create_routes
from skylift.bucket import Bucket
from skylift.contract import Target
from skylift.monitoring.label_store import LabelStore
from skylift.retraining.store import RetrainStore
from tests.conftest import BUCKET, MODEL
from tests.support.asgi_client import JSON_HEADERS, PROBLEM, HttpClient
from tests.support.aws_clients import shared_clients
from tests.support.bad_bodies import DEEP, NOT_UTF_8, TEXTS
from tests.support.cloudwatch import FakeCloudWatch
from tests.support.fakes import MemoryBucket
from tests.support.faults import before, fails_with, throttled
from tests.support.retraining import FakeFunction
from tests.unit.operations.test_routes import fleet_of, history_of

KEY = {"idempotency-key": "order-7"}


@pytest.fixture
def function() -> FakeFunction:
    return FakeFunction()


@pytest.fixture
def store(aws: None) -> RetrainStore:
    return RetrainStore(Bucket(BUCKET, client=shared_clients("service").s3), MODEL)


@pytest.fixture
def client(store: RetrainStore, function: FakeFunction) -> HttpClient:
    return client_of(Retrains(store, lambda: function))


def client_of(retrains: Retrains | None) -> HttpClient:
    labels = Labels(lambda: Target(name="y", classes=("a", "b")), LabelStore(MemoryBucket(), MODEL))
    routes = create_routes(labels, fleet_of(FakeCloudWatch()), history_of(), retrains)
    return HttpClient(OperationsLog(routes, stage="test", model=MODEL))


def ask(client: HttpClient, body: object = None, **headers: str) -> Any:
    """POST a body of JSON, or none."""
    content = b"" if body is None else json.dumps(body).encode()
    return client.request("POST", "/retrain", content=content, headers={**(JSON_HEADERS if content else {}), **headers})


class TestStart:
    def test_it_is_accepted_and_says_where_to_ask(self, client: HttpClient, function: FakeFunction) -> None:
        answer = ask(client, {"reason": "new prices", "rollout": "manual"})

        document = answer.json()
        assert answer.status_code == 202
        assert list(document)[:4] == ["id", "state", "reason", "started"]
        assert (document["state"], document["reason"], document["rollout"]) == ("queued", "new prices", "manual")
        assert answer.headers["location"] == f"retrain/{document['id']}"
        assert int(answer.headers["retry-after"]) > 0
        assert function.executions == {f"iris-{document['id']}": {"id": document["id"]}}

    @pytest.mark.parametrize("body", [None, {}])
    def test_a_body_may_say_nothing(self, client: HttpClient, body: object) -> None:
        document = ask(client, body).json()

        assert (document["state"], document["rollout"]) == ("queued", "none")

    def test_the_same_key_and_body_start_once(self, client: HttpClient, function: FakeFunction) -> None:
        first, second = (ask(client, {"reason": "a"}, **KEY) for _ in range(2))

        assert (first.status_code, second.status_code) == (202, 202)
        assert first.json() == second.json()
        assert len(function.executions) == 1

    def test_the_same_key_with_another_body_is_refused(self, client: HttpClient) -> None:
        ask(client, {"reason": "a"}, **KEY)
        answer = ask(client, {"reason": "b"}, **KEY)

        assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
        assert answer.json()["type"] == "urn:skylift:problem:retrain-key-reused"

    def test_while_one_runs_another_is_refused_and_finds_it(self, client: HttpClient) -> None:
        running = ask(client).json()["id"]
        answer = ask(client)

        assert (answer.status_code, answer.headers["location"]) == (409, f"retrain/{running}")
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["type"] == "urn:skylift:problem:retrain-running"

    def test_where_lambda_fails_the_caller_may_come_back(self, client: HttpClient, function: FakeFunction) -> None:
        function.fails = True
        answer = ask(client, **KEY)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert answer.json()["type"] == "urn:skylift:problem:retrain-unavailable"

        function.fails = False
        assert ask(client, **KEY).status_code == 202

    def test_who_asked_is_kept(self, client: HttpClient) -> None:
        assert ask(client).json()["by"] == "a caller without a name"


class TestRollouts:
    """A stack that lets no rollout follow."""

    @pytest.fixture
    def client(self, store: RetrainStore, function: FakeFunction) -> HttpClient:
        return client_of(Retrains(store, lambda: function, rollouts=False))

    @pytest.mark.parametrize("rollout", ["manual", "auto"])
    def test_asking_for_one_is_refused_with_the_parameters_that_allow_it(
        self, client: HttpClient, store: RetrainStore, function: FakeFunction, rollout: str
    ) -> None:
        answer = ask(client, {"rollout": rollout}, **KEY)

        assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
        (error,) = answer.json()["errors"]
        assert (error["field"], error["reason"], error["pointer"]) == ("rollout", "unknown_value", "/rollout")
        assert "Rollouts=true, and RetrainRollout=manual or auto" in error["message"]
        assert not function.executions
        assert store.lock() is None

    def test_training_alone_is_accepted(self, client: HttpClient) -> None:
        assert ask(client, {"rollout": "none"}).status_code == 202


class TestRefusedBodies:
    @pytest.mark.parametrize(
        ("body", "field", "reason", "pointer"),
        [
            ([], "body", "wrong_type", ""),
            ("all", "body", "wrong_type", ""),
            ({"reason": ""}, "reason", "wrong_length", "/reason"),
            ({"reason": "a" * 501}, "reason", "wrong_length", "/reason"),
            ({"reason": 7}, "reason", "wrong_type", "/reason"),
            ({"reason": None}, "reason", "wrong_type", "/reason"),
            ({"rollout": "now"}, "rollout", "unknown_value", "/rollout"),
            ({"rollout": True}, "rollout", "unknown_value", "/rollout"),
            ({"why": "x"}, "why", "unknown_field", ""),
            ({"a" * 100: "x"}, "a" * 64, "unknown_field", ""),
        ],
    )
    def test_a_member_that_cannot_be_read_is_named(
        self, client: HttpClient, function: FakeFunction, body: object, field: str, reason: str, pointer: str
    ) -> None:
        answer = ask(client, body)

        assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
        (entry,) = answer.json()["errors"]
        assert (entry["field"], entry["reason"], entry["pointer"]) == (field, reason, pointer)
        assert answer.json()["type"] == "urn:skylift:problem:invalid-retrain-request"
        assert function.executions == {}

    def test_many_unknown_members_are_counted(self, client: HttpClient) -> None:
        document = ask(client, dict.fromkeys(map(str, range(30)), 1)).json()

        assert (len(document["errors"]), document["errors_total"]) == (20, 30)

    @pytest.mark.parametrize("key", ["", "k" * 256])
    def test_a_key_has_a_length(self, client: HttpClient, key: str) -> None:
        answer = ask(client, **{"idempotency-key": key})

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")

    @pytest.mark.parametrize("body", [*TEXTS, *NOT_UTF_8, *DEEP], ids=lambda body: repr(body[:12]))
    def test_what_is_not_json_is_refused(self, client: HttpClient, body: str | bytes) -> None:
        answer = client.request("POST", "/retrain", content=body, headers=JSON_HEADERS)

        assert answer.status_code in {400, 422}
        assert answer.headers["content-type"] == PROBLEM

    def test_a_body_of_another_type_is_refused(self, client: HttpClient) -> None:
        answer = client.request("POST", "/retrain", content="reason=x", headers={"content-type": "text/plain"})

        assert answer.status_code == 415


class TestAsk:
    def test_while_it_runs_the_caller_is_told_when_to_ask_again(self, client: HttpClient, store: RetrainStore) -> None:
        id_ = ask(client).json()["id"]
        store.update(id_, state="running", step="training")
        answer = client.get(f"/retrain/{id_}")

        assert (answer.status_code, answer.json()["state"], answer.json()["step"]) == (200, "running", "training")
        assert answer.headers["cache-control"] == "private, max-age=5"
        assert answer.headers["retry-after"] == "5"

    def test_one_that_has_ended_need_not_be_asked_again(self, client: HttpClient, store: RetrainStore) -> None:
        id_ = ask(client).json()["id"]
        store.update(id_, state="succeeded", step="done")
        answer = client.get(f"/retrain/{id_}")

        assert answer.json()["state"] == "succeeded"
        assert "retry-after" not in answer.headers

    @pytest.mark.parametrize("id_", ["nobody", "running", "..%2Frunning", "A", "a" * 33, "%00", "a.json"])
    def test_an_unknown_id_is_not_found(self, client: HttpClient, id_: str) -> None:
        ask(client)
        answer = client.get(f"/retrain/{id_}")

        assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)

    def test_where_s3_fails_the_caller_may_come_back(self, client: HttpClient) -> None:
        before(shared_clients("service").s3, "GetObject", fails_with(throttled("SlowDown")))
        answer = client.get("/retrain/key-1")

        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert answer.json()["type"] == "urn:skylift:problem:retrain-unavailable"


@pytest.mark.parametrize(("method", "path"), [("POST", "/retrain"), ("GET", "/retrain/key-1")])
def test_without_a_function_there_are_no_such_paths(method: str, path: str) -> None:
    assert client_of(None).request(method, path).status_code == 404


@pytest.mark.parametrize(("method", "path"), [("GET", "/retrain"), ("DELETE", "/retrain/key-1")])
def test_other_methods_are_problems(client: HttpClient, method: str, path: str) -> None:
    answer = client.request(method, path)

    assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM)
