"""What callers are told of a retraining, and when two requests are the same."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from skylift.errors import GateFailed
from skylift.metrics import Gate
from skylift.retraining.state import ENDED, Problem, Request, Retraining, Versions

NOW = datetime(2026, 11, 26, 4, 30, tzinfo=UTC)
REQUEST = Request(id="20261126t043000-1a2b3c4d", reason="new data", by="retrain_trigger")


def test_callers_are_told_what_it_is_first_and_then_how_far() -> None:
    queued = Retraining(model="iris", request=REQUEST, started=NOW, updated=NOW)

    answer = queued.as_answer()

    assert list(answer)[:4] == ["id", "state", "reason", "started"]
    assert answer["id"] == REQUEST.id
    assert answer["state"] == "queued"
    assert answer["started"] == "2026-11-26T04:30:00Z"
    assert answer["rollout"] == "none"
    assert "problem" not in answer


def test_a_refusal_has_its_gates_and_its_problem() -> None:
    gate = Gate(metric="accuracy", min=0.9, value=0.5, passed=False)
    refused = Retraining(
        model="iris",
        request=REQUEST,
        state="refused",
        started=NOW,
        updated=NOW,
        ended=NOW,
        gates=(gate,),
        versions=Versions(champion="v1@sha256:" + "0" * 64),
        links={"card": "s3://models/retrains/iris/one/card.html"},
        problem=Problem.of(GateFailed("gate failed", "improve it")),
    )

    answer = refused.as_answer()

    assert refused.has_ended
    assert answer["problem"] == {"code": "gate-failed", "message": "gate failed", "hint": "improve it"}
    assert answer["links"] == {"card": "s3://models/retrains/iris/one/card.html"}
    assert answer["gates"] == [{"metric": "accuracy", "min": 0.9, "value": 0.5, "passed": False}]


def test_it_is_read_back_as_it_was_written() -> None:
    queued = Retraining(model="iris", request=REQUEST, started=NOW, updated=NOW)

    assert Retraining.model_validate_json(queued.to_bytes()) == queued
    assert queued.id == REQUEST.id


def test_what_is_asked_makes_requests_the_same_and_who_asks_does_not() -> None:
    assert REQUEST.same_as(REQUEST.model_copy(update={"by": "somebody", "collect_until": NOW}))
    assert not REQUEST.same_as(REQUEST.model_copy(update={"rollout": "auto"}))
    assert not REQUEST.same_as(REQUEST.model_copy(update={"reason": "schedule"}))


@pytest.mark.parametrize("identifier", ["", "Upper", "a/b", "../a", "a" * 33, "-a", "a\n"])
def test_an_id_can_stand_in_keys_names_and_paths(identifier: str) -> None:
    with pytest.raises(ValidationError):
        Request(id=identifier, reason="x", by="x")


def test_three_states_are_final() -> None:
    assert {"succeeded", "refused", "failed"} == ENDED
