"""Requests that name a version are answered by it, out of the experiment; the others are `test_trial.py`."""

import asyncio
from typing import Any

import pytest

from inference.answering import Answering
from inference.model import ScoredRequest, ServedModel
from skylift.contract import Instance
from skylift.errors import ModelNotReady
from skylift.http.errors import InvalidInstance, UnknownModel
from skylift.http.record import Record, record_of
from skylift.http.reply import Reply
from tests.support.models import IRIS_SETOSA
from tests.support.trials import TrialHarness


class OneFlower:
    """Asks for the prediction of one flower.

    Parameters
    ----------
    refused_by
        Name of the version that does not take it.
    """

    is_short = True

    def __init__(self, refused_by: str = "") -> None:
        self._refused_by = refused_by

    def read(self, model: ServedModel) -> list[Instance]:
        if model.reference.name == self._refused_by:
            raise InvalidInstance((), 1)
        return [dict(IRIS_SETOSA)]

    def write(self, model: ServedModel, scored: ScoredRequest, prediction_id: str) -> Reply:
        return Reply(str(scored.predictions[0]["label"]).encode(), media_type="text/plain")


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> TrialHarness:
    """A service with v2 on trial beside v1, which answers everything."""
    harness = TrialHarness(monkeypatch)
    harness.put_on_trial()
    return harness


def ask(harness: TrialHarness, version: str | None, asked: OneFlower | None = None) -> tuple[Reply, Record]:
    scope: dict[str, Any] = {"type": "http", "headers": []}
    reply = asyncio.run(Answering(harness.host).reply(asked or OneFlower(), scope, version=version))
    return reply, record_of(scope)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_version_that_is_named_answers_out_of_the_experiment(harness: TrialHarness, version: str) -> None:
    reply, record = ask(harness, version)

    assert (reply.body, reply.media_type, reply.headers) == (b"setosa", "text/plain", {"x-model-version": version})
    assert (record.version, record.instances, record.experiment) == (version, 1, None)


def test_without_a_name_the_request_is_in_the_experiment(harness: TrialHarness) -> None:
    reply, record = ask(harness, None)

    assert reply.headers == {"x-model-version": "v2", "x-skylift-variant": "challenger"}
    assert record.experiment is not None


def test_other_versions_are_not_served(harness: TrialHarness) -> None:
    with pytest.raises(UnknownModel, match="'v3' is not served here: ask for v1"):
        ask(harness, "v3")


def test_without_an_experiment_the_active_version_is_the_only_one(harness: TrialHarness) -> None:
    harness.set_challenger(None)

    assert ask(harness, "v1")[1].version == "v1"
    with pytest.raises(UnknownModel):
        ask(harness, "v2")


def test_a_challenger_that_fails_says_so_and_is_not_replaced(harness: TrialHarness) -> None:
    harness.predictors[2].faults = ["raises"]

    with pytest.raises(ModelNotReady, match=r"v2 gives no answer \(raised\): ask for v1"):
        ask(harness, "v2")


def test_a_request_that_the_challenger_refuses_is_refused_in_its_words(harness: TrialHarness) -> None:
    with pytest.raises(InvalidInstance):
        ask(harness, "v2", OneFlower(refused_by="v2"))
