"""The pre-traffic hook against the real service behind Lambda's API, and against services that are not fit."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mangum import Mangum

from inference import host as host_module
from inference import model as model_module
from pre_traffic import check as check_module
from pre_traffic import handler as handler_module
from pre_traffic.check import ATTEMPTS
from pre_traffic.handler import handler
from skylift.errors import AwsUnavailable
from tests.support.lambda_api import THROTTLED, Fault, LambdaApi
from tests.support.models import changed, iris_package, uncompiled
from tests.support.paths import ROOT
from tests.support.tables import learned
from tests.support.trials import trial_of
from tests.support.waiting import TIMES_OUT
from tests.support.whole_service import Service
from training.release.packaging import pack

NEW_VERSION = "arn:aws:lambda:eu-central-1:123456789012:function:inference:8"
EVENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "hook-1"}

type Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def service(registry: Any, s3: Any, ssm: Any) -> Service:
    """The new version's environment; no model is active yet."""
    return Service(registry, s3, ssm)


@pytest.fixture
def api(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaApi]:
    """Lambda, whose function is the real service, and CodeDeploy."""
    monkeypatch.setattr(check_module, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(handler_module, "ANSWER_SECONDS", TIMES_OUT)
    monkeypatch.setattr(host_module, "FIRST_WAIT_SECONDS", TIMES_OUT)
    context = type("Context", (), {"aws_request_id": "1"})()

    def function(event: dict[str, Any]) -> Any:  # Mangum must be created in a running event loop
        types = ["application/json", "application/problem+json"]
        return Mangum(service.app, lifespan="off", text_mime_types=types)(event, context)

    with LambdaApi(function) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", api.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_CODEDEPLOY", api.url)
        monkeypatch.setenv("SKYLIFT_NEW_VERSION", NEW_VERSION)
        yield api


@pytest.fixture
def active(service: Service) -> Service:
    """Iris v1 is active."""
    service.set_pointer(str(service.publish(iris_package())))
    return service


def alter(api: LambdaApi, path: str, change: Change) -> None:
    """Let the function change its answers to a path."""
    honest = api.function

    def function(event: dict[str, Any]) -> Any:
        answer = honest(event)
        if event["rawPath"] == path:
            document = json.loads(answer["body"])
            change(document)
            answer["body"] = json.dumps(document)
        return answer

    api.function = function


def shift(by: float) -> Change:
    """Move the first probability of the last prediction."""

    def change(document: dict[str, Any]) -> None:
        probabilities = document["predictions"][-1]["probabilities"]
        probabilities[next(iter(probabilities))] += by

    return change


class TestFitCode:
    def test_a_version_that_answers_as_training_did_may_take_traffic(self, active: Service, api: LambdaApi) -> None:
        found = handler(EVENT)

        assert found["status"] == "Succeeded"
        assert "golden requests of v1" in found["found"]
        assert api.told == [{"deploymentId": "d-1", "lifecycleEventHookExecutionId": "hook-1", "status": "Succeeded"}]

    def test_a_version_on_trial_does_not_answer_for_the_active_one(self, active: Service, api: LambdaApi) -> None:
        active.challenge(trial_of(active.publish(iris_package("tree"))))

        assert handler(EVENT)["status"] == "Succeeded"

    def test_the_new_version_is_called_past_the_alias_as_the_api_would(self, active: Service, api: LambdaApi) -> None:
        handler(EVENT)

        assert set(api.invoked) == {NEW_VERSION}
        assert [event["rawPath"] for event in api.events] == ["/health", "/model-info", "/predict"]
        assert all((event["version"], event["routeKey"]) == ("2.0", "$default") for event in api.events)
        assert all(event["requestContext"]["requestId"].startswith("pre-traffic-") for event in api.events)

    def test_every_golden_request_is_asked_in_bodies_the_service_takes(
        self, active: Service, api: LambdaApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The service takes fewer than `MaxInstances` where the answer of so many would not fit."""
        monkeypatch.setattr(model_module, "most_instances", lambda _: 2)

        assert handler(EVENT)["status"] == "Succeeded"

        bodies = [json.loads(event["body"])["instances"] for event in api.events if "body" in event]
        golden = active.registry.version("v1").manifest.golden
        assert [len(body) for body in bodies] == [2] * (len(golden.instances) // 2) + [1] * (len(golden.instances) % 2)
        assert [instance for body in bodies for instance in body] == list(golden.instances)

    @pytest.mark.parametrize("target", ["rent", "area"])
    def test_any_table_is_compared(self, target: str, service: Service, api: LambdaApi, tmp_path: Path) -> None:
        text = "size,area,kind,rent\n" + "".join(
            f"{20 + row},{row * 1.5},{('a', 'b')[row % 2]},{('low', 'high')[row // 20]}\n" for row in range(40)
        )
        name = "RandomForestClassifier" if target == "rent" else "RandomForestRegressor"
        forest = {"name": "forest", "estimator": f"sklearn.ensemble.{name}", "params": {"n_estimators": 3}}
        trusted = {"trusted": ["size", "area", "kind", "rent"]}
        package = pack(uncompiled(learned(tmp_path, text, forest, target=target, validate=trusted)))
        service.set_pointer(str(service.publish(changed(package, model="iris"))))

        assert handler(EVENT) == {
            "status": "Succeeded",
            "found": f"{len(package.describe(1).golden.instances)} golden requests of v1 are answered as in training",
        }

    def test_before_the_first_promotion_a_service_without_a_model_may_take_traffic(self, api: LambdaApi) -> None:
        assert handler(EVENT)["status"] == "Succeeded"
        assert [event["rawPath"] for event in api.events] == ["/health"]

    def test_a_pointer_made_by_the_stack_names_no_version(self, service: Service, api: LambdaApi) -> None:
        service.set_pointer("none")

        assert handler(EVENT)["status"] == "Succeeded"

    def test_rounding_is_not_a_difference(self, active: Service, api: LambdaApi) -> None:
        alter(api, "/predict", shift(1e-15))

        assert handler(EVENT)["status"] == "Succeeded"

    def test_a_throttled_call_is_tried_again(self, active: Service, api: LambdaApi) -> None:
        api.invoke_faults = [THROTTLED]

        assert handler(EVENT)["status"] == "Succeeded"

    def test_a_promotion_meanwhile_is_followed(self, active: Service, api: LambdaApi) -> None:
        second = active.publish(iris_package("tree"))
        honest = api.function

        def function(event: dict[str, Any]) -> Any:
            if len(api.events) == 1:  # the hook has read the pointer, the service has not
                active.set_pointer(str(second))
            return honest(event)

        api.function = function

        assert "of v2 are" in handler(EVENT)["found"]


class TestUnfitCode:
    @pytest.fixture(autouse=True)
    def _active(self, active: Service) -> None:
        """Iris v1 is active."""

    @staticmethod
    def refused(api: LambdaApi) -> str:
        """Why the hook refuses the new version; CodeDeploy was told once."""
        found = handler(EVENT)
        assert found["status"] == "Failed"
        assert [told["status"] for told in api.told] == ["Failed"]
        return found["found"]

    @pytest.mark.parametrize("by", [3e-4, -0.5])
    def test_a_differing_probability_stops_it(self, api: LambdaApi, by: float) -> None:
        alter(api, "/predict", shift(by))

        assert "not" in self.refused(api)
        assert len(api.events) == 3

    def test_a_differing_label_stops_it(self, api: LambdaApi) -> None:
        def change(document: dict[str, Any]) -> None:
            document["predictions"][0]["label"] = "tulip"

        alter(api, "/predict", change)

        assert "golden request 1 is answered tulip" in self.refused(api)

    @pytest.mark.parametrize(
        "change",
        [
            lambda document: document["predictions"].pop(),
            lambda document: document.update(predictions="all of them"),
            lambda document: document.update(predictions=[{"label": []}]),
            lambda document: document.pop("predictions"),
            lambda document: document.update(model="wine"),
        ],
        ids=["too few", "no list", "no label", "none", "another model"],
    )
    def test_an_answer_of_another_form_stops_it(self, api: LambdaApi, change: Change) -> None:
        alter(api, "/predict", change)

        self.refused(api)

    @pytest.mark.parametrize(
        ("path", "change"),
        [
            ("/health", lambda document: document.update(status="degraded")),
            ("/health", lambda document: document["model"].update(reference="v1@sha256:" + "0" * 64)),
            ("/health", lambda document: document.update(model=None)),
            ("/model-info", lambda document: document.update(version="v7")),
            ("/predict", lambda document: document.update(version="v7")),
        ],
        ids=["degraded", "another reference", "no model", "described by another version", "another version"],
    )
    def test_another_version_stops_it_after_some_rounds(self, api: LambdaApi, path: str, change: Change) -> None:
        alter(api, path, change)

        self.refused(api)

        assert [event["rawPath"] for event in api.events].count("/health") == ATTEMPTS

    def test_the_code_of_what_is_wrong_is_in_the_reason(self, api: LambdaApi) -> None:
        alter(api, "/health", lambda document: document.update(status="degraded", problem={"code": "pointer-unread"}))

        assert self.refused(api).endswith("(pointer-unread): see the new version's logs")

    @pytest.mark.parametrize("most", [None, 0, "all"])
    def test_a_service_that_takes_no_number_of_instances_stops_it(self, api: LambdaApi, most: object) -> None:
        alter(api, "/model-info", lambda document: document.update(max_instances=most))

        assert f"with max_instances {most!r}" in self.refused(api)

    def test_a_refused_golden_request_stops_it(self, api: LambdaApi) -> None:
        honest = api.function
        api.function = lambda event: (
            {"statusCode": 422, "body": '{"title": "Fields break the contract"}'}
            if event["rawPath"] == "/predict"
            else honest(event)
        )

        assert "422 (Fields break the contract)" in self.refused(api)

    @pytest.mark.parametrize("answer", [None, "ok", {}, {"statusCode": 200}, {"statusCode": 200, "body": "<html>"}])
    def test_what_is_not_an_answer_stops_it(self, api: LambdaApi, answer: Any) -> None:
        api.function = lambda _: answer

        assert "not an HTTP response" in self.refused(api)

    def test_a_function_that_fails_stops_it_and_its_words_stay_with_it(self, api: LambdaApi) -> None:
        api.function = lambda _: 1 / 0

        found = self.refused(api)
        assert "ZeroDivisionError" in found
        assert "secret" not in found

    def test_throttling_without_end_stops_it_after_three_tries(
        self, api: LambdaApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
        api.invoke_faults = [THROTTLED] * 9

        assert "TooManyRequestsException" in self.refused(api)
        assert (len(api.invoke_faults), api.events) == (6, [])

    def test_a_function_that_does_not_answer_stops_it(self, api: LambdaApi, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(handler_module, "ANSWER_SECONDS", 0.1)
        api.invoke_faults = [Fault(hangs=True)] * 3

        assert "ReadTimeoutError" in self.refused(api)
        assert api.invoke_faults == []

    def test_a_refusal_of_lambda_stops_it(self, api: LambdaApi) -> None:
        api.invoke_faults = [Fault(403, "AccessDeniedException")]

        assert "check the role's policy" in self.refused(api)


class TestUnreadableRegistry:
    @pytest.mark.parametrize("value", ["latest", "v9@sha256:" + "0" * 64])
    def test_a_pointer_to_nothing_stops_it(self, active: Service, api: LambdaApi, value: str) -> None:
        active.set_pointer(value)

        assert handler(EVENT)["status"] == "Failed"
        assert api.events == []

    def test_an_altered_manifest_stops_it(self, active: Service, api: LambdaApi) -> None:
        active.write_object(1, "manifest.json", active.read_object(1, "manifest.json") + b"\n")

        assert "does not have the digest" in handler(EVENT)["found"]
        assert api.told[0]["status"] == "Failed"

    def test_an_ssm_that_does_not_answer_stops_it(
        self, active: Service, api: LambdaApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9")

        assert "reading the pointer" in handler(EVENT)["found"]
        assert api.told[0]["status"] == "Failed"

    def test_a_model_while_none_is_active_stops_it(self, active: Service, api: LambdaApi) -> None:
        active.host.wait_until_loaded()
        active.set_pointer("none")

        assert "while no version is active" in handler(EVENT)["found"]


class TestCodeDeploy:
    def test_an_unexpected_error_is_reported(self, api: LambdaApi, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SKYLIFT_NEW_VERSION")

        with pytest.raises(ValueError, match="new_version"):
            handler(EVENT)

        assert [told["status"] for told in api.told] == ["Failed"]

    def test_it_is_told_again_where_it_throttles(self, api: LambdaApi) -> None:
        api.codedeploy_faults = [Fault(400, "ThrottlingException")]

        assert handler(EVENT)["status"] == "Succeeded"
        assert len(api.told) == 1

    def test_a_deployment_that_ended_meanwhile_needs_no_word(
        self, api: LambdaApi, capsys: pytest.CaptureFixture[str]
    ) -> None:
        api.codedeploy_faults = [Fault(400, "LifecycleEventAlreadyCompletedException")]

        assert handler(EVENT)["status"] == "Succeeded"

        assert api.told == []
        assert "the deployment has ended" in capsys.readouterr().out

    def test_the_hook_fails_where_it_cannot_be_told(self, api: LambdaApi) -> None:
        api.codedeploy_faults = [Fault(400, "InvalidLifecycleEventHookExecutionIdException")] * 2

        with pytest.raises(AwsUnavailable, match="telling CodeDeploy"):
            handler(EVENT)

        assert api.told == []


@pytest.mark.parametrize(
    ("target", "module"),
    [
        ("build-PreTrafficFunction", "pre_traffic"),
        ("build-ActivePointerFunction", "active_pointer"),
        ("build-VersionCheckFunction", "version_check"),
    ],
)
def test_what_sam_packs_starts_with_the_layer_alone_and_without_numpy(target: str, module: str, tmp_path: Path) -> None:
    subprocess.run(
        ["make", "-s", "-C", str(ROOT / "functions" / module), target, f"ARTIFACTS_DIR={tmp_path}"], check=True
    )
    code = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        f"import {module}.handler as found\n"
        f"assert found.__file__.startswith(sys.argv[1]), found.__file__\n"
        "print([name for name in ('numpy', 'sklearn', 'onnxruntime', 'fastapi', 'pandas') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(ROOT / "layers")]
    assert subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path).stdout == "[]\n"
