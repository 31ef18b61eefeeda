"""No answer of any route is larger than what can be sent."""

import asyncio
import json
from typing import Any

import pytest

from inference import capacity
from inference.answer_limit import AnswerLimit
from inference.app import App
from inference.routes import ROUTES
from inference.settings import InferenceSettings
from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.http.record import record_of
from tests.support.asgi_client import HttpClient
from tests.support.fakes import HostHarness
from tests.support.models import IRIS_SETOSA, iris_package


def answers(body: bytes, *more: bytes) -> Any:
    """An application that answers with a body, in one piece or several."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        for number, piece in enumerate([body, *more]):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(more)})

    return app


def ask(app: Any, **scope: Any) -> tuple[int, bytes, Any]:
    """Status, body and record of the answer to one request."""
    sent: list[Any] = []
    whole = {"type": "http", "headers": [], **scope}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(AnswerLimit(app)(whole, None, send))  # type: ignore[arg-type]
    return sent[0]["status"], b"".join(message["body"] for message in sent[1:]), record_of(whole)


def test_an_answer_that_fits_is_sent_as_it_is_in_all_its_pieces() -> None:
    assert ask(answers(b"<p>", b"</p>"))[:2] == (200, b"<p></p>")


def test_one_that_is_too_large_is_refused_with_its_size() -> None:
    status, body, record = ask(answers(b'"' * 4_000_000))  # which the runtime escapes

    assert (status, record.reason) == (413, "answer-too-large")
    assert "8,000,000 bytes" in json.loads(body)["detail"]


def test_a_load_balancer_takes_less() -> None:
    event: dict[str, Any] = {"requestContext": {"elb": {}}}

    assert ask(answers(b"x" * 2_000_000))[0] == 200
    assert ask(answers(b"x" * 2_000_000), **{"aws.event": event})[0] == 413


def test_other_protocols_pass() -> None:
    async def lifespan(scope: Any, _receive: Any, _send: Any) -> None:
        scope["seen"] = True

    scope: dict[str, Any] = {"type": "lifespan"}
    asyncio.run(AnswerLimit(lifespan)(scope, None, None))  # type: ignore[arg-type]

    assert scope["seen"]


@pytest.mark.parametrize("route", ROUTES, ids=[route.path for route in ROUTES])
def test_every_route_passes_it(route: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = HostHarness()
    harness.activate(iris_package())
    client = HttpClient(App(InferenceSettings(bucket="models", model="iris"), harness.host))
    client.get("/health")  # which loads the model, with the true limits
    monkeypatch.setattr(capacity, "MAX_BALANCER_BYTES", 10)
    monkeypatch.setattr(capacity, "MAX_ANSWER_BYTES", 10)

    answer = client.predict(IRIS_SETOSA) if route.method == "POST" else client.get(route.path)

    assert (answer.status_code, answer.json()["type"]) == (413, "urn:skylift:problem:answer-too-large")


def test_a_wide_contract_of_long_descriptions_is_answered_by_a_problem_where_it_does_not_fit() -> None:
    features = tuple(
        Feature(name=f"x{number}", kind="number", description=f"{number} " + "\u00e9" * 600) for number in range(2000)
    )
    contract = Contract(task="regression", features=features, target=Target(name="y"))
    body = contract.model_dump_json().encode()

    status, problem, _ = ask(answers(body))

    assert (status, capacity.bytes_as_sent(body) > capacity.MAX_ANSWER_BYTES) == (413, True)
    assert "too long" in json.loads(problem)["detail"]
