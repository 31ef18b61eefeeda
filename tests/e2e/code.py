"""Versions of the deployed code, and CodeDeploy, which moves traffic between them."""

import json
from collections.abc import Callable
from typing import Any

from tests.e2e.aws import LocalAws
from tests.support.waiting import wait_until

_SECONDS = 60
_LOG_LINES = 50


class Code:
    """The inference function's alias.

    Parameters
    ----------
    aws
        AWS of the stack.
    physical
        Function from the name of a resource in the template to its physical name.
    """

    def __init__(self, aws: LocalAws, physical: Callable[[str], str]) -> None:
        self._aws = aws
        self._lambda, self._logs = aws.client("lambda"), aws.client("logs")
        self.codedeploy = aws.client("codedeploy")
        self._physical = physical
        self._function = physical("InferenceFunction")
        self.group = {
            "applicationName": physical("ServerlessDeploymentApplication"),
            "deploymentGroupName": physical("InferenceFunctionDeploymentGroup"),
        }

    @property
    def live(self) -> str:
        """Version that the alias names."""
        return str(self._alias["FunctionVersion"])

    @property
    def weights(self) -> dict[str, float]:
        """Shares of further versions."""
        weights: dict[str, float] = self._alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        return weights

    def move(self, version: str, **weights: float) -> None:
        """Point the alias somewhere by hand."""
        routing = {"AdditionalVersionWeights": weights}
        self._lambda.update_alias(
            FunctionName=self._function, Name="live", FunctionVersion=version, RoutingConfig=routing
        )

    def start(self, current: str, target: str) -> str:
        """Have CodeDeploy deploy a version over another; the deployment's id. Errors before it do not stop it."""
        versions = {"CurrentVersion": current, "TargetVersion": target}
        properties = {"Name": self._function, "Alias": "live", **versions}
        content = {
            "version": 0.0,
            "Resources": [{"code": {"Type": "AWS::Lambda::Function", "Properties": properties}}],
            "Hooks": [{"BeforeAllowTraffic": self._physical("PreTrafficFunction")}],
        }
        revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(content)}}
        self._aws.forget_errors()
        return str(self.codedeploy.create_deployment(**self.group, revision=revision)["deploymentId"])

    def ended(self, deployment: str) -> dict[str, Any]:
        """What became of a deployment, when it has ended."""
        wait_until(
            lambda: self._info(deployment)["status"] in {"Succeeded", "Failed", "Stopped"},
            seconds=_SECONDS,
            what=f"{deployment} ends",
        )
        return self._info(deployment)

    def newest(self, *statuses: str) -> dict[str, Any] | None:
        """The newest deployment in one of some states."""
        found = self.codedeploy.list_deployments(**self.group, includeOnlyStatuses=[*statuses])["deployments"]
        return self._info(found[0]) if found else None

    def hook(self) -> dict[str, str]:
        """The word of the hook, and why, in a deployment of the version before, which is then undone."""
        before = self.live
        info = self.ended(self.start(before, str(int(before) - 1)))
        self.move(before)
        return {"status": info["status"], "found": self.found()}

    def found(self) -> str:
        """What the hook found last, as its log says."""
        events = self._logs.filter_log_events(logGroupName=self._physical("PreTrafficLogGroup"))["events"]
        lines = [json.loads(event["message"]) for event in events[-_LOG_LINES:] if '"found"' in event["message"]]
        return str(lines[-1]["found"])

    @property
    def _alias(self) -> dict[str, Any]:
        alias: dict[str, Any] = self._lambda.get_alias(FunctionName=self._function, Name="live")
        return alias

    def _info(self, deployment: str) -> dict[str, Any]:
        info: dict[str, Any] = self.codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
        return info
