"""Answers are explained for who asks, by the version that answers, and within bounded time."""

from dataclasses import replace

import pytest

from inference.reasons import Reasons
from skylift.background import BACKGROUND_FILE
from skylift.manifest import Manifest
from tests.support.fakes import Clock
from tests.support.models import IRIS_SETOSA, compiled_iris_package
from tests.support.trials import NO_FAULT, TrialHarness
from training.release.packaging import Package

EXPLAIN = b"explain=true"


def without_background(package: Package) -> Package:
    """A package as an older release made it."""

    def describe(version: int) -> Manifest:
        manifest = package.describe(version)
        kept = {name: entry for name, entry in manifest.artifacts.items() if name != BACKGROUND_FILE}
        return manifest.model_copy(update={"artifacts": kept})

    return replace(package, describe=describe)


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> TrialHarness:
    return TrialHarness(monkeypatch)


class SlowClock(Clock):
    """A clock that each look at it moves by some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def __call__(self) -> float:
        self.advance(self._seconds)
        return self.now


def slow(harness: TrialHarness, seconds: float) -> None:
    """Let it seem that each call of a predictor for an explanation takes some seconds."""
    harness.app._reasons = Reasons(harness.host, SlowClock(seconds))


def test_contributions_add_up_to_the_probability_of_the_label(harness: TrialHarness) -> None:
    (prediction,) = harness.ask(query=EXPLAIN).document["predictions"]

    explanation = prediction["explanation"]
    assert explanation["output"] == "probability of setosa"
    assert list(explanation["contributions"]) == list(IRIS_SETOSA)
    total = explanation["base"] + sum(explanation["contributions"].values())
    assert total == pytest.approx(prediction["probabilities"]["setosa"], abs=1e-12)
    assert explanation["contributions"]["petal_length"] > 0.1


def test_nothing_else_changes(harness: TrialHarness) -> None:
    plain, explained = harness.ask().document, harness.ask(query=EXPLAIN).document

    del explained["predictions"][0]["explanation"]
    assert explained == plain


@pytest.mark.parametrize("query", [b"", b"explain=false", b"unexplain=true", b"other=explain"])
def test_others_get_no_explanation(harness: TrialHarness, query: bytes) -> None:
    assert harness.ask(query=query).document["predictions"][0].keys() == {"label", "probabilities"}


@pytest.mark.parametrize("query", [b"explain", b"explain=", b"explain=1", b"explain=true&explain=maybe"])
def test_another_value_is_refused(harness: TrialHarness, query: bytes) -> None:
    answered = harness.ask(query=query)

    assert (answered.status, answered.record.reason) == (400, "invalid-query")
    assert "explain is neither true nor false: ask for reasons by ?explain=true" in answered.document["detail"]


def test_a_version_of_an_older_release_says_that_it_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = TrialHarness(monkeypatch, champion=without_background(compiled_iris_package()))

    answered = harness.ask(query=EXPLAIN)

    assert (answered.status, answered.record.reason) == (400, "invalid-query")
    assert "v1 has nothing to explain its answers by: train it again" in answered.document["detail"]


def test_a_hundred_instances_are_explained_and_no_more(harness: TrialHarness) -> None:
    many = harness.ask({"instances": [IRIS_SETOSA] * 100}, query=EXPLAIN)
    too_many = harness.ask({"instances": [IRIS_SETOSA] * 101}, query=EXPLAIN)

    assert all("explanation" in prediction for prediction in many.document["predictions"])
    assert (too_many.status, too_many.record.reason) == (413, "too-many-instances")
    assert "more than 100 instances to explain" in too_many.document["detail"]
    assert harness.ask({"instances": [IRIS_SETOSA] * 101}).status == 200


class TestFile:
    def test_it_is_read_when_first_asked_for_and_once(self, harness: TrialHarness) -> None:
        harness.ask()
        assert BACKGROUND_FILE not in harness.registries.store.files

        for _ in range(3):
            harness.ask(query=EXPLAIN)

        assert harness.registries.store.files.count(BACKGROUND_FILE) == 1

    def test_one_that_cannot_be_read_costs_the_reasons_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        package = compiled_iris_package()
        broken = replace(package, artifacts=package.artifacts | {BACKGROUND_FILE: b"no arrays"})
        harness = TrialHarness(monkeypatch, champion=broken)

        answered = harness.ask(query=EXPLAIN)

        assert (answered.status, answered.record.reason) == (503, "reasons-unavailable")
        assert "retry-after" in answered.headers
        assert harness.ask().status == 200


class TestTime:
    def test_a_model_that_would_take_too_long_is_refused(self, harness: TrialHarness) -> None:
        slow(harness, 2)

        answered = harness.ask(
            {"instances": [IRIS_SETOSA | {"petal_width": place / 99} for place in range(100)]}, query=EXPLAIN
        )

        assert (answered.status, answered.record.reason) == (413, "explanation-too-slow")
        assert "to explain 100 instances would take" in answered.document["detail"]
        assert "send at most" in answered.document["detail"]

    def test_what_is_done_is_answered_however_long_it_took(self, harness: TrialHarness) -> None:
        slow(harness, 60)

        assert harness.ask(query=EXPLAIN).status == 200

    def test_a_short_delay_tells_nothing(self, harness: TrialHarness) -> None:
        slow(harness, 0.01)

        assert harness.ask({"instances": [IRIS_SETOSA] * 100}, query=EXPLAIN).status == 200


class TestChallenger:
    def test_it_explains_what_it_answers(self, harness: TrialHarness) -> None:
        harness.put_on_trial()

        answered = harness.ask(query=EXPLAIN)

        (prediction,) = answered.document["predictions"]
        assert answered.document["version"] == "v2"
        total = prediction["explanation"]["base"] + sum(prediction["explanation"]["contributions"].values())
        assert total == pytest.approx(prediction["probabilities"][prediction["label"]], abs=1e-12)

    def test_one_that_cannot_explain_lets_the_champion_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        harness = TrialHarness(monkeypatch, challenger=without_background(compiled_iris_package("tree")))
        harness.put_on_trial()

        answered = harness.ask(query=EXPLAIN)

        assert "explanation" in answered.document["predictions"][0]
        assert answered.document["version"] == "v1"
        assert answered.experiment["refused"] == "invalid-query"
        assert harness.ask().document["version"] == "v2"

    def test_one_whose_file_cannot_be_read_lets_the_champion_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        package = compiled_iris_package("tree")
        broken = replace(package, artifacts=package.artifacts | {BACKGROUND_FILE: b"no arrays"})
        harness = TrialHarness(monkeypatch, challenger=broken)
        harness.put_on_trial()

        answered = harness.ask(query=EXPLAIN)

        assert (answered.document["version"], answered.experiment["refused"]) == ("v1", "reasons-unavailable")
        assert "explanation" in answered.document["predictions"][0]

    def test_one_that_fails_at_it_lets_the_champion_answer(self, harness: TrialHarness) -> None:
        harness.put_on_trial()
        harness.predictors[2].faults[:] = [NO_FAULT, "raises"]

        answered = harness.ask(query=EXPLAIN)

        assert (answered.document["version"], answered.experiment["failed"]) == ("v1", "raised")
        assert "explanation" in answered.document["predictions"][0]

    def test_in_the_shadow_it_scores_and_explains_nothing(self, harness: TrialHarness) -> None:
        harness.put_on_trial(mode="shadow")

        answered = harness.ask(query=EXPLAIN)

        assert "explanation" in answered.document["predictions"][0]
        assert answered.experiment["pair"]["rows"] == 1

    def test_once_promoted_it_explains_by_its_own_predictor(self, harness: TrialHarness) -> None:
        harness.put_on_trial()
        before = harness.ask(query=EXPLAIN).document
        harness.registries.pointer.holds = harness.second
        harness.set_challenger(None)

        after = harness.ask(query=EXPLAIN)

        assert after.document["predictions"] == before["predictions"]
        assert "x-skylift-variant" not in after.headers
