"""The model host: it switches while requests run, and no fault takes the model in place away."""

import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inference import host as host_module
from inference.degradation import Degradation
from skylift.errors import AwsThrottled, AwsUnavailable, IntegrityError, InvalidReference, ModelNotReady
from skylift.image_cache import ImageCache, bake
from skylift.manifest import BASELINE_FILE, MODEL_FILE, reference_to
from skylift.observability import logger
from skylift.references import Reference
from skylift.verification import Version
from tests.support.fakes import CurrentStdout, HostHarness, wrong_golden
from tests.support.models import changed, compiled_iris_package, iris_package
from tests.support.pickles import exiting, trap
from tests.support.waiting import TIMES_OUT, wait_until
from training.release.packaging import Package

THROTTLED = AwsThrottled("reading the pointer failed (ThrottlingException)", "try again")
DOWN = AwsUnavailable("reading the pointer failed (ReadTimeoutError)", "try again")


class Waits:
    """Stands in for `asyncio.wait`: counts the calls, and gives up at once."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self, _: object, **__: float) -> None:
        self.count += 1


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests wait for a refresh until it is done, however slow the machine is."""
    monkeypatch.setattr(host_module, "REQUEST_WAIT_SECONDS", TIMES_OUT)
    monkeypatch.setattr(host_module, "FIRST_WAIT_SECONDS", TIMES_OUT)


@pytest.fixture
def harness() -> HostHarness:
    """A host that was not started; the pointer names nothing."""
    return HostHarness()


@pytest.fixture
def serving(harness: HostHarness) -> HostHarness:
    """A host with v1 in place."""
    harness.activate(iris_package())
    harness.host.wait_until_loaded()
    harness.host.drain_events()
    return harness


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits end as soon as they began."""
    monkeypatch.setattr(host_module, "REQUEST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(host_module, "FIRST_WAIT_SECONDS", 0.01)


def other_scikit_learn() -> Package:
    return changed(iris_package("tree"), environment={"scikit-learn": "0.1"})


class TestStart:
    def test_the_active_version_is_in_place_after_the_start(self, harness: HostHarness) -> None:
        reference = harness.activate(iris_package())

        harness.host.wait_until_loaded()

        assert harness.host.model is not None
        assert harness.host.model.reference == reference

    def test_a_request_after_the_start_does_not_read_the_pointer_again(self, harness: HostHarness) -> None:
        harness.activate(iris_package())
        harness.host.wait_until_loaded()

        harness.ask()

        assert harness.pointer.reads == 1

    def test_without_a_start_the_first_request_loads_the_model(self, harness: HostHarness) -> None:
        harness.activate(iris_package())

        assert harness.ask().reference.name == "v1"

    def test_a_start_that_finds_no_promoted_version_leaves_no_model_and_says_why(self, harness: HostHarness) -> None:
        harness.host.wait_until_loaded()

        with pytest.raises(ModelNotReady, match=r"no model is ready \(no-active-version\)"):
            harness.ask()

    def test_a_failed_start_is_made_good_by_a_request_a_second_later(self, harness: HostHarness) -> None:
        harness.pointer.holds = DOWN
        harness.host.wait_until_loaded()
        harness.activate(iris_package())

        harness.clock.advance(1)

        assert harness.ask().reference.name == "v1"

    @pytest.mark.usefixtures("impatient")
    def test_a_start_does_not_wait_for_a_registry_that_does_not_answer(self, harness: HostHarness) -> None:
        harness.activate(iris_package())
        harness.pointer.gate.clear()

        harness.host.wait_until_loaded()

        assert harness.host.model is None
        harness.pointer.gate.set()

    @pytest.mark.usefixtures("impatient")
    def test_a_request_before_the_first_model_is_told_that_it_is_loading(self, harness: HostHarness) -> None:
        harness.activate(iris_package())
        harness.pointer.gate.clear()
        harness.host.wait_until_loaded()

        with pytest.raises(ModelNotReady, match="it is still loading"):
            harness.ask()

        harness.pointer.gate.set()

    def test_a_request_waits_for_a_start_that_is_under_way(
        self, harness: HostHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        harness.activate(iris_package())
        harness.pointer.gate.clear()
        with monkeypatch.context() as patch:
            patch.setattr(host_module, "FIRST_WAIT_SECONDS", 0.01)
            harness.host.wait_until_loaded()
        with ThreadPoolExecutor(1) as thread:
            answer = thread.submit(harness.ask)
            harness.pointer.gate.set()

            assert answer.result(TIMES_OUT).reference.name == "v1"


class TestSwitch:
    def test_a_new_version_is_in_place_within_the_refresh_time(self, serving: HostHarness) -> None:
        serving.activate(iris_package("tree"))

        assert serving.pass_refresh().reference.name == "v2"

    def test_an_earlier_version_is_in_place_within_the_refresh_time(self, serving: HostHarness) -> None:
        first = serving.pointer.holds
        serving.activate(iris_package("tree"))
        serving.pass_refresh()

        serving.pointer.holds = first

        assert serving.pass_refresh().reference.name == "v1"

    def test_before_the_refresh_time_the_pointer_is_left_alone(self, serving: HostHarness) -> None:
        serving.activate(iris_package("tree"))

        serving.clock.advance(serving.refresh_seconds * 0.79)

        assert serving.ask().reference.name == "v1"
        assert serving.pointer.reads == 1

    def test_where_a_timer_reads_the_pointer_no_request_does(
        self, serving: HostHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(serving.host, "_keep_fresh", lambda: None)
        serving.host.refresh_by_timer()
        serving.activate(iris_package("tree"))

        assert serving.pass_refresh().reference.name == "v1"

        serving.host._refresh_when_due()
        assert serving.ask().reference.name == "v2"

    def test_a_refresh_time_of_zero_reads_the_pointer_in_every_request(self) -> None:
        harness = HostHarness(refresh_seconds=0)
        harness.activate(iris_package())
        harness.ask()
        harness.activate(iris_package("tree"))

        assert harness.ask().reference.name == "v2"

    def test_a_pointer_that_did_not_move_fetches_nothing(self, serving: HostHarness) -> None:
        serving.pass_refresh()

        assert serving.pointer.reads == 2
        assert serving.store.fetches == ["v1"]

    def test_a_switch_counts_a_load_and_how_long_it_took(self, serving: HostHarness) -> None:
        serving.activate(iris_package("tree"))

        serving.pass_refresh()

        assert [event.name for event in serving.host.drain_events()] == ["ModelLoads", "ModelLoadSeconds"]

    def test_events_are_given_once(self, serving: HostHarness) -> None:
        serving.activate(iris_package("tree"))
        serving.pass_refresh()
        serving.host.drain_events()

        assert serving.host.drain_events() == []

    def test_many_requests_at_once_share_one_refresh(self, serving: HostHarness) -> None:
        serving.activate(iris_package("tree"))
        serving.clock.advance(serving.refresh_seconds)
        serving.pointer.gate.clear()

        async def many() -> set[str]:
            waiting = [asyncio.create_task(serving.host.current()) for _ in range(20)]
            await asyncio.sleep(0)
            serving.pointer.gate.set()
            return {model.reference.name for model in await asyncio.gather(*waiting)}

        names = asyncio.run(many())

        assert serving.pointer.reads == 2
        assert serving.store.fetches == ["v1", "v2"]
        assert names <= {"v1", "v2"}

    def test_threads_at_once_share_one_refresh(self, serving: HostHarness) -> None:
        serving.clock.advance(serving.refresh_seconds)
        start = threading.Barrier(8)

        def ask(_: int) -> str:
            start.wait(TIMES_OUT)
            return serving.ask().reference.name

        with ThreadPoolExecutor(8) as threads:
            names = list(threads.map(ask, range(8)))

        assert names == ["v1"] * 8
        assert serving.pointer.reads == 2

    @pytest.mark.usefixtures("impatient")
    def test_a_request_is_answered_by_the_model_in_place_while_a_refresh_hangs(self, serving: HostHarness) -> None:
        serving.activate(iris_package("tree"))
        serving.pointer.gate.clear()

        assert serving.pass_refresh().reference.name == "v1"

        serving.pointer.gate.set()

    @pytest.mark.usefixtures("impatient")
    def test_a_hanging_refresh_is_not_started_twice(self, serving: HostHarness) -> None:
        serving.pointer.gate.clear()
        serving.pass_refresh()

        serving.pass_refresh()

        wait_until(lambda: serving.pointer.reads > 1, what="the refresh began")
        assert serving.pointer.reads == 2
        serving.pointer.gate.set()


class TestSlowRegistry:
    """Requests that ask while a refresh hangs: `impatient` makes each wait end at once."""

    @pytest.fixture
    def waits(self, monkeypatch: pytest.MonkeyPatch) -> Waits:
        """Counts the requests that wait; none waits for real."""
        waits = Waits()
        monkeypatch.setattr("inference.host.asyncio.wait", waits)
        return waits

    @pytest.fixture
    def hanging(self, serving: HostHarness) -> Iterator[HostHarness]:
        """A host with v1 in place, and a pointer that no longer answers."""
        serving.pointer.gate.clear()
        yield serving
        serving.pointer.gate.set()

    @pytest.mark.parametrize("refresh_seconds", [1.0, 5.0, 15.0])
    def test_one_request_waits_in_each_interval_however_long_the_registry_hangs(
        self, waits: Waits, refresh_seconds: float
    ) -> None:
        harness = HostHarness(refresh_seconds=refresh_seconds)
        harness.activate(iris_package())
        harness.host.wait_until_loaded()
        harness.pointer.gate.clear()
        intervals = 20

        for _ in range(intervals * 20):
            harness.clock.advance(refresh_seconds / 20)
            assert harness.ask().reference.name == "v1"

        assert intervals <= waits.count <= intervals / 0.8 + 1  # the jitter shortens intervals by up to a fifth
        harness.pointer.gate.set()

    def test_after_a_slow_switch_no_request_waits_before_the_next_interval(
        self, serving: HostHarness, waits: Waits
    ) -> None:
        serving.activate(iris_package("tree"))
        serving.store.gate.clear()
        serving.pass_refresh()
        serving.pass_refresh()
        assert waits.count == 2
        serving.store.gate.set()
        serving.finish_refresh()

        assert [serving.ask().reference.name for _ in range(3)] == ["v2"] * 3
        assert waits.count == 2

    @pytest.mark.usefixtures("waits")
    def test_a_pointer_that_was_not_read_for_a_few_intervals_is_a_problem_with_a_code(
        self, hanging: HostHarness
    ) -> None:
        read_at = datetime.now(UTC)
        hanging.pass_refresh()
        assert hanging.host.problem is None

        for _ in range(3):
            hanging.pass_refresh()

        assert hanging.host.problem is not None
        assert hanging.host.problem.code == "pointer-stale"
        assert hanging.host.problem.message == "the pointer was not read for more than 45 s"
        assert hanging.host.problem.since <= read_at

    @pytest.mark.usefixtures("waits")
    def test_a_switch_that_takes_a_few_intervals_is_a_problem_that_names_the_version(
        self, serving: HostHarness
    ) -> None:
        reference = serving.activate(iris_package("tree"))
        serving.store.gate.clear()
        serving.pass_refresh()
        serving.store.asked.wait(TIMES_OUT)
        for _ in range(4):
            serving.pass_refresh()

        problem = serving.host.problem

        serving.store.gate.set()
        assert problem is not None
        assert (problem.code, problem.reference) == ("switch-slow", reference)
        assert problem.message == "loading v2 takes more than 45 s"

    @pytest.mark.usefixtures("waits")
    def test_a_late_refresh_is_counted_once_per_interval_so_that_its_alarm_fires(self, hanging: HostHarness) -> None:
        for _ in range(4):
            hanging.pass_refresh()
        hanging.host.drain_events()

        for _ in range(5):
            hanging.pass_refresh()
            hanging.ask()

        assert hanging.count("RefreshFailures") == 5

    @pytest.mark.usefixtures("waits")
    def test_a_registry_that_answers_again_ends_the_problem(self, hanging: HostHarness) -> None:
        for _ in range(5):
            hanging.pass_refresh()

        hanging.pointer.gate.set()
        hanging.finish_refresh()

        assert hanging.host.problem is None

    def test_a_service_that_nobody_asked_for_long_is_not_degraded(self, serving: HostHarness) -> None:
        serving.clock.advance(3600)

        assert serving.host.problem is None

        serving.ask()

        assert serving.host.problem is None

    def test_a_host_without_a_model_says_what_its_start_waits_for(self, harness: HostHarness, waits: Waits) -> None:
        harness.activate(iris_package())
        harness.pointer.gate.clear()
        harness.host.start_loading()
        harness.clock.advance(46)

        with pytest.raises(ModelNotReady, match=r"\(pointer-stale\)"):
            harness.ask()

        harness.pointer.gate.set()


class TestNoModel:
    """Requests before the first model: one in an interval waits, the others are refused at once."""

    @pytest.fixture
    def waits(self, monkeypatch: pytest.MonkeyPatch) -> Waits:
        waits = Waits()
        monkeypatch.setattr("inference.host.asyncio.wait", waits)
        return waits

    def refuse(self, harness: HostHarness, times: int) -> None:
        for _ in range(times):
            with pytest.raises(ModelNotReady):
                harness.ask()

    def test_one_request_waits_in_each_interval_while_the_start_hangs(self, harness: HostHarness, waits: Waits) -> None:
        harness.pointer.gate.clear()

        self.refuse(harness, 10)
        assert waits.count == 1

        harness.clock.advance(harness.refresh_seconds)
        self.refuse(harness, 10)
        assert waits.count == 2
        harness.pointer.gate.set()

    def test_after_a_try_that_failed_slowly_no_request_waits_before_the_next_interval(
        self, harness: HostHarness, waits: Waits
    ) -> None:
        harness.pointer.holds = DOWN
        harness.pointer.gate.clear()
        self.refuse(harness, 1)
        harness.clock.advance(7)
        harness.pointer.gate.set()
        harness.finish_refresh()

        harness.clock.advance(2)
        self.refuse(harness, 10)

        assert waits.count == 1
        assert harness.pointer.reads == 1

    @pytest.mark.usefixtures("impatient")
    def test_a_start_that_waited_in_vain_lets_the_first_request_wait_again_and_no_other(
        self, harness: HostHarness, waits: Waits
    ) -> None:
        harness.pointer.gate.clear()
        harness.host.wait_until_loaded()

        self.refuse(harness, 10)

        assert waits.count == 1
        harness.pointer.gate.set()

    def test_a_version_that_is_promoted_later_is_in_place_a_second_later(self, harness: HostHarness) -> None:
        harness.host.wait_until_loaded()
        harness.activate(iris_package())

        harness.clock.advance(1)

        assert harness.ask().reference.name == "v1"


class TestThrottling:
    """SSM takes no more readings: nothing is wrong before the pointer is too old."""

    @pytest.fixture
    def throttled(self, serving: HostHarness) -> HostHarness:
        """A host with v1 in place that was throttled once."""
        serving.pointer.holds = THROTTLED
        serving.pass_refresh()
        return serving

    def test_it_is_not_a_failure_while_the_pointer_is_young(self, throttled: HostHarness) -> None:
        assert throttled.host.problem is None
        assert throttled.host.drain_events() == []

    def test_a_problem_of_another_kind_stays_one(self, serving: HostHarness) -> None:
        serving.activate(other_scikit_learn())
        serving.pass_refresh()
        problem = serving.host.problem
        serving.pointer.holds = THROTTLED

        serving.pass_refresh()

        assert problem is not None
        assert serving.host.problem is problem

    def test_a_pointer_that_is_too_old_is_a_problem_with_a_metric_of_its_own(self, throttled: HostHarness) -> None:
        throttled.clock.advance(300)
        throttled.ask()

        assert throttled.host.problem is not None
        assert (throttled.host.problem.code, throttled.host.problem.message) == ("pointer-stale", THROTTLED.message)
        assert [event.name for event in throttled.host.drain_events()] == ["PointerStale"]

    def test_other_failures_count_beside_a_pointer_that_is_too_old(self, serving: HostHarness) -> None:
        serving.pointer.holds = DOWN
        serving.clock.advance(301)
        serving.ask()

        assert [event.name for event in serving.host.drain_events()] == ["RefreshFailures", "PointerStale"]

    def test_a_reading_ends_it_and_the_next_one_comes_later(self, throttled: HostHarness) -> None:
        throttled.activate(iris_package("tree"))
        assert throttled.pass_refresh().reference.name == "v2"
        reads = throttled.pointer.reads

        throttled.clock.advance(15)
        throttled.ask()
        assert throttled.pointer.reads == reads

        throttled.clock.advance(15)
        throttled.ask()
        assert throttled.pointer.reads == reads + 1

    def test_without_a_model_it_is_why_requests_are_refused(self, harness: HostHarness) -> None:
        harness.pointer.holds = THROTTLED

        with pytest.raises(ModelNotReady, match=r"\(pointer-unread\)") as refused:
            harness.ask()
        assert "ThrottlingException" not in str(refused.value)  # a caller sees it

        assert harness.count("RefreshFailures") == 1


class Panic(BaseException):
    """What compiled code raises when it panics: no `Exception`."""


FAULTS_OF_A_VERSION: dict[str, Callable[[], Package]] = {
    "golden requests scored otherwise": lambda: changed(iris_package("tree"), golden=wrong_golden()),
    "another scikit-learn": other_scikit_learn,
    "an estimator that cannot be unpickled": lambda: Package(
        iris_package("tree").describe, iris_package("tree").artifacts | {MODEL_FILE: b"no pickle"}
    ),
    "an estimator that ends the interpreter": lambda: Package(
        iris_package("tree").describe, iris_package("tree").artifacts | {MODEL_FILE: exiting()}
    ),
}


class TestFaults:
    @pytest.mark.parametrize("fault", FAULTS_OF_A_VERSION)
    def test_a_bad_version_leaves_the_model_in_place_and_is_the_degradation_counted_once(
        self, serving: HostHarness, fault: str
    ) -> None:
        reference = serving.activate(FAULTS_OF_A_VERSION[fault]())

        assert serving.pass_refresh().reference.name == "v1"

        assert serving.host.degradation is not None
        assert serving.host.degradation.reference == reference
        assert [event.name for event in serving.host.drain_events()] == ["ModelLoadFailures"]

    def test_where_joblib_is_not_allowed_a_version_without_a_compiled_form_is_never_opened(
        self, tmp_path: Path
    ) -> None:
        strict = HostHarness(allow_joblib=False)
        strict.activate(compiled_iris_package())
        strict.host.wait_until_loaded()
        sprung = tmp_path / "sprung"
        package = iris_package("tree")
        reference = strict.activate(Package(package.describe, package.artifacts | {MODEL_FILE: trap(sprung)}))

        assert strict.pass_refresh().reference.name == "v1"

        assert strict.host.degradation is not None
        assert (strict.host.degradation.code, strict.host.degradation.reference) == ("joblib-not-allowed", reference)
        assert strict.count("ModelLoadFailures") == 1
        assert not sprung.exists()

    def test_where_joblib_is_not_allowed_it_does_not_become_the_first_model(self) -> None:
        strict = HostHarness(allow_joblib=False)
        strict.activate(iris_package())

        with pytest.raises(ModelNotReady, match=r"no model is ready \(joblib-not-allowed\)"):
            strict.ask()

    def test_where_joblib_is_not_allowed_a_baked_version_without_a_compiled_form_does_not_help(
        self, tmp_path: Path
    ) -> None:
        package = iris_package()
        manifest = package.describe(1)
        body = manifest.to_bytes()
        bake(Version(reference_to(1, body), manifest, body), package.artifacts.__getitem__, tmp_path)
        strict = HostHarness(allow_joblib=False, image=ImageCache(tmp_path, "iris"))
        strict.pointer.holds = DOWN

        with pytest.raises(ModelNotReady):
            strict.ask()

        assert strict.host.degradation is not None
        assert "v1 has no compiled form" in strict.host.degradation.message

    def test_the_problem_of_another_scikit_learn_names_both(self, serving: HostHarness) -> None:
        serving.activate(other_scikit_learn())

        serving.pass_refresh()

        assert serving.host.degradation is not None
        assert serving.host.degradation.message.startswith("v2 was trained by scikit-learn 0.1, and ")

    @pytest.mark.parametrize(
        "failure",
        [DOWN, InvalidReference("'junk' is not a reference"), ZeroDivisionError(), SystemExit(0), Panic()],
        ids=lambda failure: type(failure).__name__,
    )
    def test_a_pointer_that_cannot_be_read_leaves_the_model_in_place(
        self, serving: HostHarness, failure: BaseException
    ) -> None:
        serving.pointer.holds = failure

        assert serving.pass_refresh().reference.name == "v1"
        assert serving.count("RefreshFailures") == 1

    @pytest.mark.parametrize(
        "failure",
        [DOWN, IntegrityError("the manifest of v2 is another"), KeyError("length"), SystemExit(0), Panic()],
        ids=lambda failure: type(failure).__name__,
    )
    def test_a_store_that_cannot_be_read_leaves_the_model_in_place(
        self, serving: HostHarness, failure: BaseException
    ) -> None:
        serving.activate(iris_package("tree"))
        serving.store.failure = failure

        assert serving.pass_refresh().reference.name == "v1"
        assert serving.count("ModelLoadFailures") == 1

    def test_a_pointer_set_back_to_nothing_leaves_the_model_in_place(self, serving: HostHarness) -> None:
        serving.pointer.holds = None

        assert serving.pass_refresh().reference.name == "v1"
        assert serving.host.degradation is not None

    @pytest.mark.parametrize(
        ("pointer", "code"),
        [(None, "no-active-version"), (DOWN, "aws-unavailable"), (ZeroDivisionError("secret"), "internal")],
        ids=["nothing", "down", "unexpected"],
    )
    def test_a_degradation_has_the_code_of_its_error(
        self, serving: HostHarness, pointer: Exception | None, code: str
    ) -> None:
        serving.pointer.holds = pointer

        serving.pass_refresh()

        assert serving.host.degradation is not None
        assert serving.host.degradation.code == code

    def test_an_unexpected_error_is_named_by_its_type_alone(self, serving: HostHarness) -> None:
        serving.pointer.holds = ZeroDivisionError("secret")

        serving.pass_refresh()

        assert serving.host.degradation is not None
        assert serving.host.degradation.message == "the refresh failed unexpectedly (ZeroDivisionError)"

    def test_an_unexpected_error_is_kept_for_the_log_once(self, serving: HostHarness) -> None:
        failure = ZeroDivisionError("secret")
        serving.pointer.holds = failure
        serving.pass_refresh()

        assert serving.host.take_unexpected_error() is failure
        assert serving.host.take_unexpected_error() is None

    def test_recovery_needs_no_restart(self, serving: HostHarness) -> None:
        reference = serving.activate(iris_package("tree"))
        serving.pointer.holds = DOWN
        serving.pass_refresh()

        serving.pointer.holds = reference

        assert serving.pass_refresh().reference == reference
        assert serving.host.degradation is None

    def test_a_version_that_was_repaired_is_loaded_without_restart(self, serving: HostHarness) -> None:
        serving.activate(iris_package("tree"))
        serving.store.failure = DOWN
        serving.pass_refresh()

        serving.store.failure = None

        assert serving.pass_refresh().reference.name == "v2"
        assert serving.host.degradation is None

    def test_going_back_from_a_bad_version_ends_the_problem(self, serving: HostHarness) -> None:
        good = serving.pointer.holds
        serving.activate(other_scikit_learn())
        serving.pass_refresh()

        serving.pointer.holds = good
        serving.pass_refresh()

        assert serving.host.degradation is None


class TestProblem:
    def test_a_problem_that_lasts_keeps_its_beginning(self, serving: HostHarness) -> None:
        serving.pointer.holds = DOWN
        serving.pass_refresh()
        first = serving.host.degradation

        serving.pass_refresh()

        assert first is not None
        assert serving.host.degradation is first

    def test_another_problem_begins_again(self, serving: HostHarness) -> None:
        serving.pointer.holds = DOWN
        serving.pass_refresh()
        serving.host.degradation = Degradation(DOWN.code, DOWN.message, datetime(2020, 1, 1, tzinfo=UTC))

        serving.pointer.holds = AwsUnavailable("reading the pointer failed (ThrottlingException)")
        serving.pass_refresh()

        assert serving.host.degradation.message == "reading the pointer failed (ThrottlingException)"
        assert serving.host.degradation.since.year > 2020

    def test_the_age_of_the_pointer_grows_from_its_last_reading(self, serving: HostHarness) -> None:
        serving.clock.advance(10)

        assert serving.host.pointer_age == 10

    def test_a_pointer_that_was_never_read_has_no_age(self, harness: HostHarness) -> None:
        harness.pointer.holds = DOWN
        harness.host.wait_until_loaded()

        assert harness.host.pointer_age is None


class TestBackoff:
    @pytest.fixture
    def broken(self, serving: HostHarness) -> Reference:
        """v2, which is active and cannot be loaded."""
        return serving.activate(other_scikit_learn())

    def test_a_bad_version_is_fetched_at_growing_intervals(self, serving: HostHarness, broken: Reference) -> None:
        tries = []
        for refresh in range(1, 32):
            fetched = len(serving.store.fetches)
            serving.pass_refresh()
            if len(serving.store.fetches) > fetched:
                tries.append(refresh)

        gaps = [later - earlier for earlier, later in itertools.pairwise(tries)]
        assert tries[0] == 1
        assert gaps == sorted(gaps)
        assert gaps[-1] > gaps[0]

    def test_a_bad_version_is_tried_again_after_sixteen_refresh_times_at_the_latest(
        self, serving: HostHarness, broken: Reference
    ) -> None:
        for _ in range(100):
            serving.pass_refresh()
        serving.store.fetches.clear()

        for _ in range(16):
            serving.pass_refresh()

        assert serving.store.fetches

    @pytest.mark.parametrize("failure", [SystemExit(0), Panic(), KeyError("length")], ids=lambda it: type(it).__name__)
    def test_a_version_whose_loading_ends_by_surprise_is_left_alone_as_well(
        self, serving: HostHarness, failure: BaseException
    ) -> None:
        serving.activate(iris_package("tree"))
        serving.store.failure = failure

        for _ in range(31):
            serving.pass_refresh()

        assert serving.store.fetches.count("v2") < 8
        assert serving.host.degradation is not None
        assert serving.host.degradation.message == f"loading v2 failed unexpectedly ({type(failure).__name__})"
        assert serving.host.take_unexpected_error() is failure

    def test_while_a_bad_version_is_left_alone_the_problem_stays(self, serving: HostHarness, broken: Reference) -> None:
        for _ in range(4):
            serving.pass_refresh()
        serving.store.fetches.clear()
        problem = serving.host.degradation

        serving.pass_refresh()

        assert serving.store.fetches == []
        assert serving.host.degradation is problem

    def test_another_version_is_not_held_up_by_a_bad_one(self, serving: HostHarness, broken: Reference) -> None:
        for _ in range(3):
            serving.pass_refresh()

        serving.activate(iris_package("tree"))

        assert serving.pass_refresh().reference.name == "v3"


class TestProfiles:
    def test_a_version_that_knows_its_bins_makes_profiles(self, serving: HostHarness) -> None:
        assert serving.ask().profiler is not None

    @pytest.mark.parametrize("data", [b"{", b'{"predictions": 1}'], ids=["no JSON", "another document"])
    def test_a_training_distribution_that_cannot_be_read_costs_the_profiles_alone(
        self, serving: HostHarness, data: bytes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(logger.registered_handler, "stream", CurrentStdout())
        package = iris_package("tree")
        serving.activate(Package(package.describe, package.artifacts | {BASELINE_FILE: data}))

        model = serving.pass_refresh()
        serving.pass_refresh()

        assert (model.reference.name, model.profiler, serving.host.problem) == ("v2", None, None)
        assert serving.count("BaselineFailures") == 1
        (line,) = map(json.loads, capsys.readouterr().out.splitlines())
        assert (line["level"], line["message"], line["version"]) == ("WARNING", "no profiles", "v2")
