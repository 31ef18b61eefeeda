"""The service as it is put together: started, frozen in a snapshot, and restored from it, as Lambda does it."""

import asyncio
import random
import runpy
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import snapshot_restore_py
from awslambdaric import lambda_runtime_hooks_runner as lambda_hooks  # type: ignore[import-untyped]

from inference import host as host_module
from inference.app import App
from inference.compose import Service, compose
from inference.settings import InferenceSettings
from skylift.errors import AwsThrottled, AwsUnavailable
from skylift.registry import Registry
from tests.support.asgi_client import HttpClient
from tests.support.commands import done
from tests.support.events import body_of, http_api_event, invoke
from tests.support.fakes import HostHarness
from tests.support.models import IRIS_SETOSA, compiled_iris_package, iris_package
from tests.support.ports import free_port
from tests.support.stored import placed, promoted
from tests.support.waiting import TIMES_OUT

SETTINGS = InferenceSettings(bucket="models", stage="test", model="iris")


class Client:
    """An AWS client that notes at which reading of the pointer its connections were closed."""

    def __init__(self, harness: HostHarness) -> None:
        self._harness = harness
        self.closed_after_reads: list[int] = []

    def close(self) -> None:
        self.closed_after_reads.append(self._harness.pointer.reads)


@pytest.fixture
def harness() -> HostHarness:
    """A host that was not started; v1 is active."""
    made = HostHarness()
    made.activate(iris_package())
    return made


@pytest.fixture
def clients(harness: HostHarness) -> tuple[Client, Client]:
    return Client(harness), Client(harness)


@pytest.fixture
def frozen(harness: HostHarness, clients: tuple[Client, Client]) -> Service:
    """A service of which a snapshot was taken."""
    service = Service(App(SETTINGS, harness.host), harness.host, clients)
    service.before_snapshot()
    return service


@pytest.fixture
def restored_random_state() -> Iterator[None]:
    state = random.getstate()
    yield
    random.setstate(state)


@pytest.fixture
def released(registry: Registry) -> Callable[[str], None]:
    """Publishes iris, made by a candidate, and promotes it."""

    def release(candidate: str) -> None:
        promoted(compiled_iris_package(candidate))

    return release


def version_of(service: Service) -> str | None:
    model = service.host.model
    return model.reference.name if model else None


class TestStart:
    def test_the_active_version_is_in_place_before_the_first_request(self, released: Callable[[str], None]) -> None:
        released("logistic")

        assert version_of(compose()) == "v1"

    def test_without_a_version_it_starts_nevertheless_and_says_what_is_missing(self, registry: Registry) -> None:
        answer = HttpClient(compose().app).predict(IRIS_SETOSA)

        assert answer.status_code == 503
        assert "(no-active-version)" in answer.json()["detail"]

    def test_a_stray_folder_in_the_image_does_not_keep_it_from_starting(
        self, released: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        released("logistic")
        (tmp_path / "iris" / "v1-latest").mkdir(parents=True)
        monkeypatch.setenv("SKYLIFT_IMAGE_CACHE", str(tmp_path))

        assert version_of(compose()) == "v1"


class TestBeforeSnapshot:
    def test_the_model_is_in_place(self, frozen: Service) -> None:
        assert version_of(frozen) == "v1"

    def test_no_connection_is_open(self, frozen: Service, clients: tuple[Client, Client]) -> None:
        assert [client.closed_after_reads for client in clients] == [[1], [1]]

    def test_a_failure_does_not_keep_the_version_from_being_published(
        self, harness: HostHarness, clients: tuple[Client, Client]
    ) -> None:
        harness.pointer.holds = None
        service = Service(App(SETTINGS, harness.host), harness.host, clients)

        service.before_snapshot()

        assert version_of(service) is None
        assert all(client.closed_after_reads for client in clients)

    def test_it_waits_for_a_load_to_its_end_so_that_none_goes_on_in_the_snapshot(
        self, harness: HostHarness, clients: tuple[Client, Client], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(host_module, "FIRST_WAIT_SECONDS", 0.01)
        harness.store.gate.clear()
        service = Service(App(SETTINGS, harness.host), harness.host, clients)
        harness.host.wait_until_loaded()
        assert version_of(service) is None
        thread = threading.Thread(target=service.before_snapshot)
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()

        harness.store.gate.set()
        thread.join(TIMES_OUT)

        assert version_of(service) == "v1"
        assert [client.closed_after_reads for client in clients] == [[1], [1]]

    def test_everything_that_a_request_may_import_is_imported(
        self, harness: HostHarness, clients: tuple[Client, Client], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        service = Service(App(SETTINGS, harness.host), harness.host, clients)
        service.before_snapshot()
        monkeypatch.setitem(sys.modules, "inference.routes", None)

        assert HttpClient(service.app).get("/health").status_code == 200


class TestAfterRestore:
    def test_the_pointer_is_read_again_however_little_time_passed(self, frozen: Service, harness: HostHarness) -> None:
        harness.activate(iris_package("tree"))

        frozen.after_restore()

        assert version_of(frozen) == "v2"

    def test_connections_are_dropped_before_the_pointer_is_read(
        self, frozen: Service, harness: HostHarness, clients: tuple[Client, Client]
    ) -> None:
        frozen.after_restore()

        assert [client.closed_after_reads for client in clients] == [[1, 1], [1, 1]]
        assert harness.pointer.reads == 2

    def test_a_pointer_that_did_not_move_leaves_the_model_in_place(self, frozen: Service, harness: HostHarness) -> None:
        model = harness.host.model

        frozen.after_restore()

        assert harness.host.model is model
        assert harness.store.fetches == ["v1"]

    def test_a_pointer_that_cannot_be_read_leaves_the_model_in_place(
        self, frozen: Service, harness: HostHarness
    ) -> None:
        harness.pointer.holds = ZeroDivisionError()

        frozen.after_restore()

        assert version_of(frozen) == "v1"
        assert harness.host.degradation is not None

    @pytest.mark.parametrize(
        ("failure", "counted"),
        [
            (AwsThrottled("reading the pointer failed (ThrottlingException)"), ["PointerStale"]),
            (AwsUnavailable("reading the pointer failed (timeout)"), ["RefreshFailures", "PointerStale"]),
            (RuntimeError("refreshed credentials are still expired"), ["RefreshFailures", "PointerStale"]),
        ],
        ids=["throttled", "down", "without credentials"],
    )
    def test_while_the_pointer_cannot_be_read_answers_say_that_their_version_is_that_of_the_snapshot(
        self, frozen: Service, harness: HostHarness, failure: Exception, counted: list[str]
    ) -> None:
        harness.host.drain_events()
        harness.pointer.holds = failure

        frozen.after_restore()

        assert harness.host.pointer_age is None
        assert [event.name for event in harness.host.drain_events()] == counted
        answer = HttpClient(frozen.app).predict(IRIS_SETOSA)
        assert (answer.status_code, answer.headers["x-model-problem"]) == (200, "pointer-unread")

    def test_while_the_pointer_is_being_read_answers_say_so_too(
        self, frozen: Service, harness: HostHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(host_module, "FIRST_WAIT_SECONDS", 0.01)
        harness.pointer.gate.clear()

        frozen.after_restore()

        answer = HttpClient(frozen.app).predict(IRIS_SETOSA)
        assert (answer.status_code, answer.headers["x-model-problem"]) == (200, "pointer-unread")
        harness.pointer.gate.set()
        harness.finish_refresh()
        assert harness.host.problem is None

    @pytest.mark.parametrize("skew", [-86_400.0, 0.0, 86_400.0])
    def test_a_version_that_could_not_be_loaded_when_the_snapshot_was_taken_is_tried_again_at_once(
        self, frozen: Service, harness: HostHarness, skew: float
    ) -> None:
        harness.activate(iris_package("tree"))
        harness.store.failure = AwsUnavailable("reading model.joblib of iris v2 failed (SlowDown)")
        harness.pass_refresh()
        assert version_of(frozen) == "v1"
        harness.store.failure = None
        harness.clock.advance(skew)

        frozen.after_restore()

        assert version_of(frozen) == "v2"

    def test_its_uptime_begins(self, frozen: Service) -> None:
        frozen.host.started -= 86_400

        frozen.after_restore()

        assert HttpClient(frozen.app).health()["uptime_seconds"] < 86_400

    def test_a_throttled_restore_reads_again_within_two_seconds(self, frozen: Service, harness: HostHarness) -> None:
        harness.pointer.holds = AwsThrottled("reading the pointer failed (ThrottlingException)")
        frozen.after_restore()
        harness.activate(iris_package("tree"))

        harness.clock.advance(2)

        answer = HttpClient(frozen.app).predict(IRIS_SETOSA)
        assert answer.headers["x-model-version"] == "v2"
        assert "x-model-problem" not in answer.headers

    @pytest.mark.parametrize("skew", [-86_400.0, 86_400.0])
    def test_a_clock_that_jumped_in_the_snapshot_keeps_no_restored_environment_from_reading(
        self, frozen: Service, harness: HostHarness, skew: float
    ) -> None:
        harness.activate(iris_package("tree"))
        harness.clock.advance(skew)

        frozen.after_restore()
        assert version_of(frozen) == "v2"

        harness.activate(iris_package())
        assert harness.pass_refresh().reference.name == "v3"

    @pytest.mark.usefixtures("restored_random_state")
    def test_environments_restored_from_one_snapshot_do_not_share_their_jitter(self, frozen: Service) -> None:
        snapshot = random.getstate()

        def restore() -> list[float]:
            random.setstate(snapshot)
            frozen.after_restore()
            return [random.random() for _ in range(4)]

        assert restore() != restore()

    @pytest.mark.usefixtures("restored_random_state")
    def test_a_composed_service_finds_what_was_promoted_meanwhile(self, released: Callable[[str], None]) -> None:
        released("logistic")
        service = compose()
        service.before_snapshot()
        released("tree")

        service.after_restore()

        assert version_of(service) == "v2"
        assert service.host.degradation is None


class TestHooks:
    @pytest.fixture(autouse=True)
    def _no_hooks_of_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(snapshot_restore_py, "_before_snapshot_registry", [])
        monkeypatch.setattr(snapshot_restore_py, "_after_restore_registry", [])

    @pytest.fixture
    def entry(self, released: Callable[[str], None]) -> Iterator[dict[str, Any]]:
        """What the Lambda entry defines, started as the runtime does it, with v1 active."""
        released("logistic")
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        yield runpy.run_module("inference.handler")
        asyncio.set_event_loop(None)
        loop.close()

    def test_the_entry_registers_both_with_lambda(self, entry: dict[str, Any]) -> None:
        service = entry["service"]

        assert snapshot_restore_py.get_before_snapshot() == [(service.before_snapshot, (), {})]
        assert snapshot_restore_py.get_after_restore() == [(service.after_restore, (), {})]

    @pytest.mark.usefixtures("restored_random_state")
    def test_lambda_drives_them_and_the_first_request_is_answered_by_what_is_active_then(
        self, entry: dict[str, Any], released: Callable[[str], None]
    ) -> None:
        lambda_hooks.run_before_snapshot()
        released("tree")
        lambda_hooks.run_after_restore()

        answer = invoke(entry["handler"], http_api_event("POST", "/predict", '{"features": [5.1, 3.5, 1.4, 0.2]}'))

        assert body_of(answer)["version"] == "v2"


class TestImage:
    @pytest.fixture
    def compose_without_aws(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], HttpClient]:
        """Starts a service with an image cache, in a world where nothing listens at the address of AWS."""

        def start() -> HttpClient:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
            monkeypatch.setenv("SKYLIFT_IMAGE_CACHE", str(tmp_path))
            return HttpClient(compose().app)

        return start

    def test_what_the_command_line_baked_is_served_without_any_aws(
        self, registry: Registry, tmp_path: Path, compose_without_aws: Callable[[], HttpClient]
    ) -> None:
        placed(compiled_iris_package())
        done("bake", "v1", tmp_path)

        client = compose_without_aws()

        answer = client.predict(IRIS_SETOSA)
        assert answer.json()["predictions"][0]["label"] == "setosa"
        assert answer.headers["x-model-version"] == "v1"
        assert client.health()["status"] == "degraded"

    def test_an_empty_image_cache_is_not_a_model(self, compose_without_aws: Callable[[], HttpClient]) -> None:
        client = compose_without_aws()

        assert client.predict(IRIS_SETOSA).status_code == 503
        assert client.health()["ready"] is False
