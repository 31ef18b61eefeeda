"""Golden requests while a canary runs.

CodeDeploy gives the new version a tenth of the requests for some minutes and watches alarms, to which missing data is
good news: without traffic a canary proves nothing. So the active version's golden requests go through the API, one a
second. Failed starts and 5xx answers raise the alarms; a wrong answer raises none, and stops the deployment.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import cycle
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from deploy.caller import deployed_api
from deploy.calls import DeployedApi
from deploy.code import DeployedCode
from deploy.stack import Stack, StackFailed
from skylift.aws import aws_errors, codedeploy_client
from skylift.contract import Instance
from skylift.errors import CodeRefused, ConfigError, GoldenMismatch, SkyliftError
from skylift.golden import check_predictions
from skylift.manifest import Prediction
from skylift.registry import Registry
from skylift.settings import RegistrySettings
from skylift.verification import Version
from training.cli.connection import stack_settings
from training.cli.console import out, warn

if TYPE_CHECKING:
    from mypy_boto3_codedeploy import CodeDeployClient

EARLIER = "earlier code"
_HEADER = "x-release"
_HINT = "see its logs; docs/runbooks/deploy-failed.md"
_PAUSE_SECONDS = 1.0
_PASSING = {429, 503}
_APPLICATION, _GROUP = "AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup"


def golden_requests(release: str, code: DeployedCode) -> AbstractContextManager[object]:
    """Send golden requests to the canary of a deployment, within the context, if the API can be called from here.

    Parameters
    ----------
    release
        Name of the deployment.
    code
        Alias that the deployment moves.
    """
    stack = code.stack
    try:
        api = deployed_api(stack)
        registry = Registry.open(RegistrySettings.model_validate(stack_settings(stack.name)))
    except ConfigError as error:
        warn(f"a canary gets no golden requests ({error.message})", error.hint)
        return nullcontext()
    return Bake(release, code, api, registry, stop=lambda: stop_deployment(stack, client=codedeploy_client()))


class Bake:
    """Sends golden requests, within its context, while the alias names two versions.

    Parameters
    ----------
    release
        Name of the deployment, which answers of the new version carry.
    code
        Alias of the function.
    api
        The deployed service.
    registry
        Registry with the active version.
    stop
        Function that stops the deployment.

    Attributes
    ----------
    answered
        Numbers of right answers by release.
    failure
        The first wrong answer of the new version.
    """

    def __init__(
        self, release: str, code: DeployedCode, api: DeployedApi, registry: Registry, *, stop: Callable[[], None]
    ) -> None:
        self._release = release
        self._code = code
        self._api = api
        self._registry = registry
        self._stop = stop
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="golden requests", daemon=True)
        self._requests: Iterator[tuple[Version, int, Instance, Prediction]] = iter(())
        self._began = False
        self._trouble = "it ended at once"
        self.answered: Counter[str] = Counter()
        self.failure: SkyliftError | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say who answered how often.

        Raises
        ------
        CodeRefused, GoldenMismatch
            The new version answered wrongly; also where the deployment succeeded meanwhile.
        """
        self._over.set()
        self._thread.join()
        if self.failure and (error is None or isinstance(error, StackFailed)):
            raise self.failure from error
        if self._began and error is None:
            self._report()

    def _report(self) -> None:
        counts = ", ".join(f"{number} by {release}" for release, number in self.answered.items())
        out.print(f"Golden requests answered during the canary: {counts or 'none'}", markup=False, soft_wrap=True)
        if not self.answered[self._release]:
            warn(f"no golden request reached the new version ({self._trouble})", "its alarms may have seen no traffic")

    def _run(self) -> None:
        while not self._over.wait(_PAUSE_SECONDS):
            try:
                if self._code.traffic().others:
                    self._began = True
                    self._ask()
            except (CodeRefused, GoldenMismatch) as error:
                self.failure = error
                self._stop_deployment()
                return
            except SkyliftError as error:  # AWS, or the API, may answer the next time
                self._trouble = error.message

    def _ask(self) -> None:
        version, number, instance, expected = self._next()
        answer = self._api.ask("/predict", {"instances": [instance]}, attempts=1)
        release = answer.headers.get(_HEADER, EARLIER)
        document: dict[str, Any] = answer.body if isinstance(answer.body, dict) else {}
        by = document.get("version")
        if answer.status == 200 and isinstance(by, str) and by != version.reference.name:
            self._requests = iter(())  # the pointer was moved, or is being followed
            self._trouble = f"/predict answers by {by}"
        elif answer.status in _PASSING or (answer.status != 200 and release != self._release):
            self._trouble = f"/predict answers {answer.status}"
        else:
            if release == self._release:
                _check(answer.status, document, version, number, expected)
            self.answered[release] += 1

    def _next(self) -> tuple[Version, int, Instance, Prediction]:
        request = next(self._requests, None)
        if request is None:
            version = self._registry.resolve()
            golden = version.manifest.golden
            pairs = enumerate(zip(golden.instances, golden.predictions, strict=True), start=1)
            self._requests = cycle((version, number, *pair) for number, pair in pairs)
            request = next(self._requests)
        return request

    def _stop_deployment(self) -> None:
        """Stop it; where that is refused, the failure is told at its end."""
        try:
            self._stop()
        except SkyliftError as error:
            warn(
                f"the canary answers wrongly and was not stopped ({error.message})",
                "stop it: docs/runbooks/deploy-failed.md",
            )


def stop_deployment(stack: Stack, *, client: "CodeDeployClient") -> None:
    """Stop the deployment of a stack's code that runs, and give all requests to the version before.

    Raises
    ------
    AwsUnavailable
        CodeDeploy failed, or refused.
    """
    resources = stack.resources()
    with aws_errors(f"stopping the deployment of {stack.name}"):
        for application, group in zip(resources.get(_APPLICATION, []), resources.get(_GROUP, []), strict=True):
            running = client.list_deployments(
                applicationName=application,
                deploymentGroupName=group,
                includeOnlyStatuses=["Created", "Queued", "InProgress", "Ready"],
            )
            for deployment in running["deployments"]:
                client.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)


def _check(status: int, document: dict[str, Any], version: Version, number: int, expected: Prediction) -> None:
    if status != 200 or "version" not in document:
        raise CodeRefused(f"the new version answers golden request {number} with {status}, not a prediction", _HINT)
    check_predictions(document, version.manifest, [expected], first=number)
