"""Faults of S3, of SSM and of what is stored: the model in place keeps answering, and nothing needs a restart."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from inference import host as host_module
from skylift.manifest import MANIFEST_FILE, MODEL_FILE
from skylift.references import Reference
from tests.conftest import BUCKET
from tests.support import faults
from tests.support.fakes import wrong_golden
from tests.support.models import IRIS_SETOSA, changed, iris_package
from tests.support.waiting import TIMES_OUT
from tests.support.whole_service import Service
from training.release.packaging import Package

type Heal = Callable[[], object]
type Break = Callable[[Service, Reference], Heal]

OTHER_DIGEST = "0" * 64


@dataclass(frozen=True)
class Case:
    """A fault of the version that becomes active.

    Parameters
    ----------
    breaks
        Function that injects the fault and returns the one that repairs it.
    says
        Words of `/health`.
    counted
        The metric that counts it.
    package
        What is published.
    """

    breaks: Break
    says: str
    counted: str
    package: Callable[[], Package] = lambda: iris_package("tree")


def ssm(action: faults.Action) -> Break:
    return lambda service, _: faults.before(service.ssm, "GetParameters", action).heal


def s3(action: faults.Action) -> Break:
    return lambda service, _: faults.before(service.s3, "GetObject", action).heal


def s3_answer(action: faults.Action) -> Break:
    return lambda service, _: faults.after(service.s3, "GetObject", action).heal


def stored(name: str, change: Callable[[bytes], bytes] | None) -> Break:
    """Change or delete a file of the version; repair it by restoring the bytes."""

    def breaks(service: Service, reference: Reference) -> Heal:
        right = service.read_object(reference.number, name)
        if change is None:
            service.delete_object(reference.number, name)
        else:
            service.write_object(reference.number, name, change(right))
        return lambda: service.write_object(reference.number, name, right)

    return breaks


def pointed(value: Callable[[Reference], str]) -> Break:
    """Write something else into the pointer; repair it by naming the version."""

    def breaks(service: Service, reference: Reference) -> Heal:
        service.set_pointer(value(reference))
        return lambda: service.set_pointer(str(reference))

    return breaks


def superseded(service: Service, _: Reference) -> Heal:
    """The version itself is bad; repair it by releasing another one."""
    return lambda: service.release(iris_package("tree"))


def flipped(data: bytes) -> bytes:
    """The same length, one byte another."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


CASES = {
    "SSM down": Case(ssm(faults.fails_with(faults.refused())), "EndpointConnectionError", "RefreshFailures"),
    "SSM slow": Case(ssm(faults.fails_with(faults.timeout())), "ReadTimeoutError", "RefreshFailures"),
    "SSM refused": Case(
        ssm(faults.fails_with(faults.denied("AccessDeniedException"))), "AccessDeniedException", "RefreshFailures"
    ),
    "S3 down": Case(s3(faults.fails_with(faults.refused())), "EndpointConnectionError", "ModelLoadFailures"),
    "S3 slow": Case(s3(faults.fails_with(faults.timeout())), "ReadTimeoutError", "ModelLoadFailures"),
    "S3 throttled": Case(s3(faults.fails_with(faults.throttled("SlowDown"))), "SlowDown", "ModelLoadFailures"),
    "S3 refused": Case(s3(faults.fails_with(faults.denied())), "AccessDenied", "ModelLoadFailures"),
    "S3 breaks off": Case(s3_answer(faults.truncates(10)), "", "ModelLoadFailures"),
    "S3 stalls": Case(s3_answer(faults.hangs), "", "ModelLoadFailures"),
    "manifest truncated": Case(stored(MANIFEST_FILE, lambda data: data[:100]), "the digest", "ModelLoadFailures"),
    "manifest altered": Case(stored(MANIFEST_FILE, flipped), "the digest", "ModelLoadFailures"),
    "manifest missing": Case(stored(MANIFEST_FILE, None), "has no version", "ModelLoadFailures"),
    "artifact truncated": Case(stored(MODEL_FILE, lambda data: data[:100]), MODEL_FILE, "ModelLoadFailures"),
    "artifact altered": Case(stored(MODEL_FILE, flipped), MODEL_FILE, "ModelLoadFailures"),
    "artifact longer": Case(stored(MODEL_FILE, lambda data: data + b"\0"), MODEL_FILE, "ModelLoadFailures"),
    "artifact missing": Case(stored(MODEL_FILE, None), f"{MODEL_FILE} of v", "ModelLoadFailures"),
    "pointer to no version": Case(pointed(lambda _: f"v99@sha256:{OTHER_DIGEST}"), "v99", "ModelLoadFailures"),
    "pointer to another digest": Case(
        pointed(lambda right: f"{right.name}@sha256:{OTHER_DIGEST}"), "the digest", "ModelLoadFailures"
    ),
    "pointer garbage": Case(pointed(lambda _: "latest, please"), "is not a reference", "RefreshFailures"),
    "pointer to a bare name": Case(pointed(lambda right: right.name), "is not a reference", "RefreshFailures"),
    "another scikit-learn": Case(
        superseded,
        "was trained by scikit-learn 0.1",
        "ModelLoadFailures",
        lambda: changed(iris_package("tree"), environment={"scikit-learn": "0.1"}),
    ),
    "golden requests scored otherwise": Case(
        superseded, "golden request", "ModelLoadFailures", lambda: changed(iris_package("tree"), golden=wrong_golden())
    ),
}

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def metrics(capsys: pytest.CaptureFixture[str], name: str) -> float:
    """Sum of a metric over the lines written since the last call."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return sum(sum(line.get(name, [])) for line in lines if "_aws" in line)


def words(service: Service) -> str:
    """What is wrong, as the log says it."""
    problem = service.host.problem
    return problem.message if problem else ""


@every_case
def test_while_serving_the_model_in_place_answers_until_the_fault_is_gone(
    serving: Service, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = serving.publish(case.package())
    serving.set_pointer(str(reference))
    heal = case.breaks(serving, reference)
    serving.pass_refresh()
    capsys.readouterr()

    assert serving.version() == "v1"

    assert metrics(capsys, case.counted) == 1
    response = serving.client.get("/health")
    document = response.json()
    assert (response.status_code, document["status"], document["ready"]) == (200, "degraded", True)
    assert case.says in words(serving)
    assert document["problem"].keys() == {"code", "since", "reference"}
    for inside in (BUCKET, "Traceback", "secret-role", words(serving)):
        assert inside not in response.text

    heal()
    serving.pass_refresh()

    assert serving.client.health()["status"] == "ok"
    assert serving.version() == serving.host.model.reference.name != "v1"  # type: ignore[union-attr]


@every_case
def test_at_start_requests_are_asked_to_come_back_until_the_fault_is_gone(
    service: Service, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = service.publish(case.package())
    service.set_pointer(str(reference))
    heal = case.breaks(service, reference)
    service.host.wait_until_loaded()

    refused = service.client.predict(IRIS_SETOSA)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert refused.json()["type"] == "urn:skylift:problem:no-model"
    assert metrics(capsys, case.counted) == 1
    response = service.client.get("/health")
    document = response.json()
    assert (response.status_code, document["status"], document["ready"]) == (503, "unavailable", False)
    assert case.says in words(service)
    for inside in (BUCKET, words(service)):
        assert inside not in response.text + refused.text

    heal()
    service.pass_refresh()

    assert service.version() is not None
    assert service.client.health()["status"] == "ok"


class TestPointerSetBack:
    def test_while_serving_the_model_in_place_answers(self, serving: Service) -> None:
        serving.set_pointer("none")
        serving.pass_refresh()

        assert serving.version() == "v1"
        assert serving.client.health()["status"] == "degraded"

    def test_at_start_there_is_no_model(self, service: Service) -> None:
        service.set_pointer("none")
        service.host.wait_until_loaded()

        assert service.version() is None
        assert service.client.health()["problem"]["code"] == "no-active-version"

    def test_naming_a_version_again_ends_it(self, serving: Service) -> None:
        reference = serving.registry.active()
        serving.set_pointer("none")
        serving.pass_refresh()
        serving.version()

        serving.set_pointer(str(reference))
        serving.pass_refresh()

        assert serving.client.health()["status"] == "ok"


class TestBlocked:
    """AWS does not answer at all: no request waits for it longer than its cap."""

    @pytest.fixture
    def gate(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
        """Calls of AWS wait for it; requests do not wait for them for long."""
        monkeypatch.setattr(host_module, "REQUEST_WAIT_SECONDS", 0.01)
        monkeypatch.setattr(host_module, "FIRST_WAIT_SECONDS", 0.01)
        gate = threading.Event()
        yield gate
        gate.set()
        service.host._threads.shutdown(wait=True)

    @pytest.mark.parametrize("operation", ["GetParameters", "GetObject"])
    def test_while_serving_the_model_in_place_answers(
        self, serving: Service, gate: threading.Event, operation: str
    ) -> None:
        client = serving.ssm if operation == "GetParameters" else serving.s3
        faults.before(client, operation, lambda _: gate.wait(TIMES_OUT))
        serving.release(iris_package("tree"))
        serving.pass_refresh()

        versions = [serving.version() for _ in range(3)]

        gate.set()
        assert versions == ["v1", "v1", "v1"]

    @pytest.mark.parametrize("operation", ["GetParameters", "GetObject"])
    def test_at_start_requests_are_told_that_it_is_loading(
        self, service: Service, gate: threading.Event, operation: str
    ) -> None:
        client = service.ssm if operation == "GetParameters" else service.s3
        faults.before(client, operation, lambda _: gate.wait(TIMES_OUT))
        service.release(iris_package())
        service.host.wait_until_loaded()

        response = service.client.predict(IRIS_SETOSA)

        gate.set()
        assert response.status_code == 503
        assert "it is still loading" in response.json()["detail"]

    @pytest.mark.parametrize("operation", ["GetParameters", "GetObject"])
    def test_when_aws_answers_again_the_new_version_is_there(
        self, serving: Service, gate: threading.Event, operation: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = serving.ssm if operation == "GetParameters" else serving.s3
        faults.before(client, operation, lambda _: gate.wait(TIMES_OUT))
        serving.release(iris_package("tree"))
        serving.pass_refresh()
        serving.version()

        gate.set()
        monkeypatch.setattr(host_module, "REQUEST_WAIT_SECONDS", TIMES_OUT)
        serving.pass_refresh()

        assert serving.version() == "v2"
