"""Versions of the deployed code, and CodeDeploy, which moves traffic between them."""

import json
from collections.abc import Callable
from typing import Any

from tests.e2e.aws import LocalAws
from tests.support.waiting import wait_until


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
        return self.shares[0]

    @property
    def shares(self) -> tuple[str, dict[str, float]]:
        """Version that the alias names, and the shares of further versions."""
        alias = self._lambda.get_alias(FunctionName=self._function, Name="live")
        weights: dict[str, float] = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        return str(alias["FunctionVersion"]), weights

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
            what=f"{deployment} ends",
        )
        return self._info(deployment)

    def newest(self, *statuses: str) -> dict[str, Any] | None:
        """The newest deployment in one of some states."""
        found = self.codedeploy.list_deployments(**self.group, includeOnlyStatuses=[*statuses])["deployments"]
        return self._info(found[0]) if found else None

    def hook(self) -> dict[str, str]:
        """The word of the hook, and why, in a deployment of the version before, which is then undone."""
        before, known = self.live, len(self._findings())
        info = self.ended(self.start(before, str(int(before) - 1)))
        self.move(before)
        return {"status": info["status"], "found": self.found(known)}

    def found(self, known: int = 0) -> str:
        """What the hook found after so many findings, as its log says once the hook has ended."""
        wait_until(lambda: len(self._findings()) > known, what="the lines of the hook are in its log group")
        return self._findings()[-1]

    def _findings(self) -> list[str]:
        pages = self._logs.get_paginator("filter_log_events")
        told = pages.paginate(logGroupName=self._physical("PreTrafficLogGroup"), filterPattern="found")
        lines = [event["message"] for page in told for event in page["events"]]
        return [str(json.loads(line)["found"]) for line in lines if '"found"' in line]

    def _info(self, deployment: str) -> dict[str, Any]:
        info: dict[str, Any] = self.codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
        return info
