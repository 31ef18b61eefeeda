"""The challenger beside the champion: loaded after it, checked like it, and never in its way."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from inference import challengers as challengers_module
from inference import loading, memory
from skylift.encoding import RowEncoder
from skylift.errors import AwsUnavailable, IntegrityError, InvalidChallenger
from skylift.manifest import Manifest
from skylift.references import Reference
from skylift.scoring import Predictor
from tests.support.fakes import HostHarness, wrong_golden
from tests.support.models import changed, compiled_iris_package, iris_package
from tests.support.trials import TrialHarness, trial_of
from tests.support.waiting import TIMES_OUT, wait_until


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> TrialHarness:
    return TrialHarness(monkeypatch)


@pytest.fixture
def slow(harness: TrialHarness, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What versions wait for while they are loaded; no refresh waits for them."""
    gate = threading.Event()
    load = harness._load

    def waiting(manifest: Manifest, read: Any, encoder: RowEncoder) -> Predictor:
        assert gate.wait(TIMES_OUT), "nobody opened the gate"
        return load(manifest, read, encoder)

    monkeypatch.setattr(loading, "load_predictor", waiting)
    monkeypatch.setattr(challengers_module, "LOAD_WAIT_SECONDS", 0.0)
    yield gate
    gate.set()


def problem(harness: TrialHarness) -> str | None:
    found = harness.host.challengers.problem
    return found.code if found else None


class TestLoading:
    def test_a_challenger_is_on_trial_after_the_refresh(self, harness: TrialHarness) -> None:
        harness.put_on_trial()

        assert harness.host.trial is not None
        assert harness.host.trial.model.reference == harness.second
        assert problem(harness) is None

    def test_an_environment_that_starts_in_an_experiment_loads_both(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(challengers_module, "LOAD_WAIT_SECONDS", TIMES_OUT)
        started = HostHarness()
        started.activate(compiled_iris_package())
        started.pointer.challenger = trial_of(started.store.add(compiled_iris_package("tree")))

        started.host.wait_until_loaded()

        assert started.host.trial is not None
        assert started.pointer.reads == 1

    def test_another_share_mode_or_key_counts_without_loading_again(self, harness: TrialHarness) -> None:
        harness.put_on_trial(percent=5)

        for fields in ({"percent": 50}, {"mode": "shadow"}, {"key": "caller"}):
            harness.put_on_trial(**fields)
            assert harness.host.trial is not None
            assert harness.host.trial.challenger == trial_of(harness.second, **fields)

        assert harness.registries.store.fetches == ["v1", "v2"]

    def test_another_version_takes_its_place(self, harness: TrialHarness) -> None:
        harness.put_on_trial()
        third = harness.registries.store.add(iris_package("tree"))

        harness.set_challenger(trial_of(third))

        assert harness.host.trial is not None
        assert harness.host.trial.model.reference == third

    def test_the_end_of_the_experiment_is_the_end_of_the_trial(self, harness: TrialHarness) -> None:
        harness.put_on_trial()
        thread = harness.host.challengers._loading
        assert thread is not None

        harness.set_challenger(None)

        assert harness.host.trial is None
        assert harness.host.challengers.wanted is None
        wait_until(lambda: not thread.thread._thread.is_alive(), what="its thread ended")

    def test_a_slow_one_is_on_trial_when_it_is_loaded(self, harness: TrialHarness, slow: threading.Event) -> None:
        harness.put_on_trial()
        assert harness.host.trial is None
        assert problem(harness) is None

        slow.set()
        wait_until(lambda: 2 in harness.predictors, what="it is loaded")
        challengers_module.LOAD_WAIT_SECONDS = TIMES_OUT
        harness.refresh()

        assert harness.host.trial is not None
        assert harness.registries.store.fetches == ["v1", "v2"]

    def test_one_that_never_ends_loading_is_given_up(
        self, harness: TrialHarness, slow: threading.Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(challengers_module, "LOAD_SECONDS", 0.0)
        harness.put_on_trial()
        harness.refresh()

        assert problem(harness) == "challenger-slow"
        assert harness.host.degradation is None
        assert harness.ask().headers["x-model-version"] == "v1"
        assert {event.name for event in harness.host.drain_events()} == {"ChallengerLoadFailures", "ChallengerDropped"}


def _absent(harness: TrialHarness) -> Reference:
    return Reference(9, "9" * 64)


def _stored(package: Any) -> Any:
    return lambda harness: harness.registries.store.add(package())


class TestRefusal:
    @pytest.mark.parametrize(
        ("reference", "code"),
        [
            (_absent, "version-not-found"),
            (_stored(lambda: changed(compiled_iris_package(), golden=wrong_golden())), "golden-mismatch"),
            (
                _stored(lambda: changed(iris_package("tree"), environment={"scikit-learn": "0.1"})),
                "incompatible-environment",
            ),
        ],
        ids=["absent", "other answers", "other scikit-learn"],
    )
    def test_one_that_cannot_serve_is_not_on_trial_and_nothing_is_degraded(
        self, harness: TrialHarness, reference: Any, code: str
    ) -> None:
        before = harness.ask()

        harness.set_challenger(trial_of(reference(harness)))

        assert harness.host.trial is None
        assert problem(harness) == code
        assert harness.host.problem is None
        assert harness.registries.count("ChallengerLoadFailures") == 1
        after = harness.ask()
        assert (after.body, after.headers) == (before.body, before.headers)

    def test_a_parameter_that_cannot_be_read_is_counted_and_named(self, harness: TrialHarness) -> None:
        harness.put_on_trial()
        harness.registries.pointer.challenger = InvalidChallenger("broken")
        harness.refresh()

        assert harness.host.trial is None
        assert problem(harness) == "invalid-challenger"
        assert harness.registries.count("ChallengerLoadFailures") == 1

    def test_one_of_another_task_is_refused(self, harness: TrialHarness) -> None:
        contract = compiled_iris_package().describe(1).contract
        target = contract.target.model_copy(update={"classes": ()})
        regression = contract.model_copy(update={"task": "regression", "target": target})
        third = harness.registries.store.add(changed(compiled_iris_package(), contract=regression))

        harness.set_challenger(trial_of(third))

        assert problem(harness) == "unservable-model"

    def test_one_that_does_not_fit_is_refused_before_its_model_is_read(
        self, harness: TrialHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(memory, "resident_bytes", lambda: 500 * 2**20)
        harness.host.challengers._memory = 501 * 2**20

        harness.put_on_trial()

        assert problem(harness) == "does-not-fit"
        assert 2 not in harness.predictors

    @pytest.mark.parametrize("failure", [ZeroDivisionError, SystemExit, BaseException])
    def test_whatever_loading_raises_stays_beside_the_champion(
        self, harness: TrialHarness, failure: type[BaseException], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def load(*_: object) -> Predictor:
            raise failure("secret")

        monkeypatch.setattr(loading, "load_predictor", load)

        harness.put_on_trial()

        assert problem(harness) == "internal"
        assert harness.host.problem is None

    def test_it_is_tried_again_at_growing_intervals(self, harness: TrialHarness) -> None:
        harness.registries.store.failure = AwsUnavailable("S3 is down")
        harness.put_on_trial()
        for _ in range(15):
            harness.registries.clock.advance(15)
            harness.host.start_loading()
            harness.registries.finish_refresh()

        assert harness.registries.store.fetches.count("v2") == 5

        harness.registries.store.failure = None
        harness.refresh()
        assert harness.host.trial is not None
        assert problem(harness) is None


class TestChampion:
    def test_a_challenger_that_is_promoted_is_not_loaded_again(self, harness: TrialHarness) -> None:
        harness.put_on_trial()
        harness.registries.pointer.holds = harness.second

        harness.refresh()

        assert harness.host.model is not None
        assert harness.host.model.reference == harness.second
        assert harness.host.trial is None
        assert harness.registries.store.fetches == ["v1", "v2"]
        assert "x-skylift-variant" not in harness.ask().headers

    def test_the_promoted_version_scores_without_a_thread_between(self, harness: TrialHarness) -> None:
        harness.put_on_trial()
        harness.registries.pointer.holds = harness.second
        harness.refresh()

        assert harness.host.model is not None
        assert harness.host.model.predictor is harness.predictors[2]

    def test_a_switch_to_another_version_has_the_memory_of_the_challenger(
        self, harness: TrialHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        harness.put_on_trial()
        on_trial: list[bool] = []
        load = harness._load

        def watched(manifest: Manifest, read: Any, encoder: RowEncoder) -> Predictor:
            on_trial.append(harness.host.challengers._loading is not None and manifest.version == 3)
            return load(manifest, read, encoder)

        monkeypatch.setattr(loading, "load_predictor", watched)
        harness.registries.activate(iris_package("tree"))
        harness.refresh()

        assert on_trial == [False, False]  # v3, then the challenger again
        assert harness.host.trial is not None
        assert harness.host.trial.champion is harness.host.model

    def test_there_is_a_trial_only_beside_the_active_version(self, harness: TrialHarness) -> None:
        harness.put_on_trial()
        harness.registries.pointer.holds = Reference(9, "9" * 64)

        harness.refresh()

        assert harness.host.trial is None
        assert harness.ask().headers["x-model-version"] == "v1"

    def test_a_restored_snapshot_has_no_trial_until_its_parameters_are_read(self, harness: TrialHarness) -> None:
        harness.put_on_trial()

        harness.host.begin_again()
        assert harness.host.trial is None

        harness.refresh()
        assert harness.host.trial is not None
        assert harness.registries.store.fetches == ["v1", "v2"]

    def test_parameters_that_are_too_old_end_the_trial_until_they_are_read(self, harness: TrialHarness) -> None:
        harness.put_on_trial()
        active = harness.registries.pointer.holds
        harness.registries.pointer.holds = AwsUnavailable("SSM is down")
        harness.registries.clock.advance(10_000)
        harness.host.start_loading()
        harness.registries.finish_refresh()
        assert harness.host.trial is None

        harness.registries.pointer.holds = active
        harness.refresh()
        assert harness.host.trial is not None

    def test_a_pointer_to_nothing_ends_it_as_well(self, harness: TrialHarness) -> None:
        harness.put_on_trial()
        harness.registries.pointer.holds = None

        harness.refresh()

        assert harness.host.trial is None

    def test_an_altered_challenger_is_refused(self, harness: TrialHarness, monkeypatch: pytest.MonkeyPatch) -> None:
        harness.registries.store.failure = IntegrityError("altered")

        harness.put_on_trial()

        assert problem(harness) == "integrity-error"
