"""While a canary runs, golden requests go through the API, and a wrong answer of the new version stops it."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from deploy import bake as bake_module
from deploy.bake import EARLIER, Bake, stop_deployment
from deploy.calls import CallFailed, DeployedApi, HttpAnswer
from deploy.code import DeployedCode
from deploy.stack import Stack, StackFailed
from skylift.errors import AwsUnavailable, CodeRefused, GoldenMismatch
from skylift.registry import Registry
from tests.support.cloudformation import CloudFormation
from tests.support.function_versions import FUNCTION, FunctionVersions
from tests.support.models import iris_package
from tests.support.stored import placed, promoted
from tests.support.waiting import wait_until

NEW = "new-2.1"
VERSION = f"arn:aws:lambda:eu-central-1:123456789012:function:{FUNCTION}:1"
RESOURCES = {
    "InferenceFunctionVersion": ("AWS::Lambda::Version", VERSION),
    "ServerlessDeploymentApplication": ("AWS::CodeDeploy::Application", "application"),
    "InferenceFunctionDeploymentGroup": ("AWS::CodeDeploy::DeploymentGroup", "group"),
}

type Answer = Callable[[int, dict[str, Any]], HttpAnswer]


class CodeDeploy:
    """Knows one deployment that runs.

    Attributes
    ----------
    stopped
        Deployments that were stopped, and whether they roll back.
    """

    def __init__(self) -> None:
        self.stopped: list[tuple[str, bool]] = []
        self.refuses = False

    def list_deployments(self, **asked: Any) -> dict[str, Any]:
        if self.refuses:
            raise AwsUnavailable("AccessDenied")
        assert (asked["applicationName"], asked["deploymentGroupName"]) == ("application", "group")
        assert "InProgress" in asked["includeOnlyStatuses"]
        return {"deployments": ["d-1"]}

    def stop_deployment(self, *, deploymentId: str, autoRollbackEnabled: bool) -> None:  # noqa: N803 (boto3's)
        self.stopped.append((deploymentId, autoRollbackEnabled))


class Api:
    """The deployed service: counts requests, and answers as a test says."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[Any] = []
        self._answer = answer

    def ask(self, path: str, body: Any, *, attempts: int) -> HttpAnswer:
        assert (path, attempts) == ("/predict", 1)
        self.asked.append(body)
        return self._answer(len(self.asked), body)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bake_module, "_PAUSE_SECONDS", 0.001)


@pytest.fixture
def lambdas() -> FunctionVersions:
    """A canary runs."""
    return FunctionVersions({1: "", 2: ""}, live=1, weights={"2": 0.1})


@pytest.fixture
def codedeploy() -> CodeDeploy:
    return CodeDeploy()


@pytest.fixture
def active(registry: Registry) -> Registry:
    promoted(iris_package())
    return registry


def honest(registry: Registry, *, by: Callable[[int], str | None] = lambda number: NEW) -> Answer:
    """Answers as training did, by the release that a function of the request's number names."""
    version = registry.resolve()
    golden = version.manifest.golden
    pairs = [(dict(instance), answer) for instance, answer in zip(golden.instances, golden.predictions, strict=True)]

    def answer(number: int, body: dict[str, Any]) -> HttpAnswer:
        (asked,) = body["instances"]
        (expected,) = (found for instance, found in pairs[:] if instance == dict(asked))
        release = by(number)
        document = {
            "model": "iris",
            "version": version.reference.name,
            "predictions": [expected.model_dump(mode="json", exclude_none=True)],
        }
        return HttpAnswer(200, {"x-release": release} if release else {}, document)

    return answer


class Canary:
    """A deployment with everything around it."""

    def __init__(self, lambdas: FunctionVersions, codedeploy: CodeDeploy, registry: Registry, answer: Answer) -> None:
        client = CloudFormation(outputs={"InferenceFunctionName": FUNCTION}, resources=RESOURCES)
        stack = Stack("skylift-dev", client=cast("Any", client))
        code = DeployedCode(stack, client=cast("Any", lambdas))
        self.api = Api(answer)
        self.bake = Bake(
            NEW,
            code,
            cast("DeployedApi", self.api),
            registry,
            stop=lambda: stop_deployment(stack, client=cast("Any", codedeploy)),
        )

    def run(self, until: Callable[[], bool], ends: BaseException | None = None) -> None:
        """Bake until a condition holds, and end as a deployment may."""
        with self.bake:
            wait_until(until, what="the canary is over")
            if ends:
                raise ends


class TestRightAnswers:
    def test_each_golden_request_is_asked_in_turn_and_answers_are_counted_by_release(
        self,
        lambdas: FunctionVersions,
        codedeploy: CodeDeploy,
        active: Registry,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        golden = active.resolve().manifest.golden.instances
        canary = Canary(lambdas, codedeploy, active, honest(active, by=lambda number: None if number % 2 else NEW))

        canary.run(lambda: len(canary.api.asked) > len(golden))

        assert [body["instances"][0] for body in canary.api.asked[: len(golden) + 1]] == [*golden, golden[0]]
        assert set(canary.bake.answered) == {EARLIER, NEW}
        assert codedeploy.stopped == []
        assert f"by {NEW}" in capsys.readouterr().out

    def test_without_two_versions_nothing_is_asked(
        self, codedeploy: CodeDeploy, active: Registry, capsys: pytest.CaptureFixture[str]
    ) -> None:
        class Watched(FunctionVersions):
            polls = 0

            def get_alias(self, **asked: Any) -> dict[str, Any]:
                self.polls += 1
                return super().get_alias(**asked)

        lambdas = Watched({1: "", 2: ""}, live=1)
        canary = Canary(lambdas, codedeploy, active, honest(active))

        canary.run(lambda: lambdas.polls > 2)

        assert canary.api.asked == []
        assert capsys.readouterr().out == ""

    def test_a_promotion_meanwhile_is_followed(
        self, lambdas: FunctionVersions, codedeploy: CodeDeploy, active: Registry
    ) -> None:
        first = honest(active)
        second = placed(iris_package("tree"))
        later: list[Answer] = []

        def answer(number: int, body: dict[str, Any]) -> HttpAnswer:
            if number == 2:
                active.promote(second)
                later.append(honest(active))
            return later[0](number, body) if later else first(number, body)

        canary = Canary(lambdas, codedeploy, active, answer)

        canary.run(lambda: canary.bake.answered[NEW] > 3)

        assert canary.bake.failure is None


class TestWrongAnswers:
    @pytest.fixture(params=["another label", "500", "no predictions", "no version", "no JSON"])
    def wrong(self, request: pytest.FixtureRequest, active: Registry) -> Answer:
        right = honest(active)

        def answer(number: int, body: dict[str, Any]) -> HttpAnswer:
            found = right(number, body)
            if number < 3:
                return found
            if request.param == "500":
                return HttpAnswer(500, found.headers, {"title": "Internal error"})
            if request.param == "no JSON":
                return HttpAnswer(200, found.headers, None)
            if request.param == "no version":
                del found.body["version"]
                return found
            if request.param == "no predictions":
                return HttpAnswer(200, found.headers, {"model": "iris", "version": "v1"})
            found.body["predictions"][0]["label"] = "tulip"
            return found

        return answer

    def test_of_the_new_version_stop_the_deployment_and_are_what_is_told(
        self, lambdas: FunctionVersions, codedeploy: CodeDeploy, active: Registry, wrong: Answer
    ) -> None:
        canary = Canary(lambdas, codedeploy, active, wrong)
        rolled_back = StackFailed("stack skylift-dev ended in UPDATE_ROLLBACK_COMPLETE")

        with pytest.raises((GoldenMismatch, CodeRefused)) as caught:
            canary.run(lambda: bool(codedeploy.stopped), rolled_back)

        assert codedeploy.stopped == [("d-1", True)]
        assert caught.value.__cause__ is rolled_back
        assert len(canary.api.asked) == 3

    def test_fail_the_deployment_also_where_it_could_not_be_stopped(
        self,
        lambdas: FunctionVersions,
        codedeploy: CodeDeploy,
        active: Registry,
        wrong: Answer,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        codedeploy.refuses = True
        canary = Canary(lambdas, codedeploy, active, wrong)

        with pytest.raises((GoldenMismatch, CodeRefused)):
            canary.run(lambda: canary.bake.failure is not None)

        assert "was not stopped (AccessDenied)" in capsys.readouterr().err

    def test_of_the_code_before_do_not_count_against_the_new(
        self, lambdas: FunctionVersions, codedeploy: CodeDeploy, active: Registry
    ) -> None:
        canary = Canary(lambdas, codedeploy, active, lambda *_: HttpAnswer(500, {"x-release": "old-1.1"}, {}))

        canary.run(lambda: len(canary.api.asked) > 3)

        assert (canary.bake.failure, codedeploy.stopped) == (None, [])

    def test_an_interrupt_stays_an_interrupt(
        self, lambdas: FunctionVersions, codedeploy: CodeDeploy, active: Registry, wrong: Answer
    ) -> None:
        canary = Canary(lambdas, codedeploy, active, wrong)

        with pytest.raises(KeyboardInterrupt):
            canary.run(lambda: bool(codedeploy.stopped), KeyboardInterrupt())


class TestNoAnswers:
    def unseen(self, canary: Canary, capsys: pytest.CaptureFixture[str]) -> str:
        """What is said of a canary that nobody reached."""
        canary.run(lambda: len(canary.api.asked) > 2)
        return capsys.readouterr().err

    @pytest.mark.parametrize("status", [403, 429, 503])
    def test_a_canary_that_was_not_reached_is_told(
        self,
        lambdas: FunctionVersions,
        codedeploy: CodeDeploy,
        active: Registry,
        capsys: pytest.CaptureFixture[str],
        status: int,
    ) -> None:
        headers = {"x-release": NEW} if status == 503 else {}
        canary = Canary(lambdas, codedeploy, active, lambda *_: HttpAnswer(status, headers, None))

        assert f"no golden request reached the new version (/predict answers {status})" in self.unseen(canary, capsys)

    def test_so_is_one_whose_api_does_not_answer(
        self, lambdas: FunctionVersions, codedeploy: CodeDeploy, active: Registry, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def silent(*_: object) -> HttpAnswer:
            raise CallFailed("the API does not answer")

        assert "(the API does not answer)" in self.unseen(Canary(lambdas, codedeploy, active, silent), capsys)

    def test_so_is_one_without_an_active_model(
        self, lambdas: FunctionVersions, codedeploy: CodeDeploy, registry: Registry, capsys: pytest.CaptureFixture[str]
    ) -> None:
        canary = Canary(lambdas, codedeploy, registry, lambda *_: HttpAnswer(503, {}, None))

        canary.run(lambda: "active" in canary.bake._trouble)

        assert "(no version is active)" in capsys.readouterr().err
