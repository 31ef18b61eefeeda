"""The API of CodeDeploy over the deployments of Lambda aliases, as far as hooks, operators and CloudFormation ask."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.deployments import AppSpec, Deployment, Deployments, Group, Refused

SERVICE = "CodeDeploy_20141006"

type Document = dict[str, Any]
type Request = Mapping[str, Any]


class CodeDeploy:
    """Answers requests.

    Parameters
    ----------
    deployments
        The deployments.

    Attributes
    ----------
    groups
        Deployment groups by application and name.
    """

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments
        self.groups: dict[tuple[str, str], Group] = {}
        self._operations: dict[str, Callable[[Request], Document]] = {
            "CreateDeployment": self._create_deployment,
            "GetDeployment": lambda request: {"deploymentInfo": _info(self._deployment(request))},
            "ListDeployments": self._list_deployments,
            "PutLifecycleEventHookExecutionStatus": self._put_hook_status,
            "StopDeployment": self._stop_deployment,
            "UpdateDeploymentGroup": self._update_group,
        }

    def answer(self, operation: str, request: Request) -> Document:
        """Answer a request.

        Raises
        ------
        Refused
            AWS would refuse it, or it is not simulated.
        """
        if operation not in self._operations:
            raise Refused("InvalidAction", f"{operation} is not simulated")
        return self._operations[operation](request)

    def group_of(self, request: Request) -> Group:
        """The deployment group that a request is about.

        Raises
        ------
        Refused
            No such group exists.
        """
        if "deploymentId" in request:
            return self._deployment(request).group
        name = request.get("deploymentGroupName") or request.get("currentDeploymentGroupName") or ""
        if (found := self.groups.get((request.get("applicationName", ""), name))) is None:
            raise Refused("DeploymentGroupDoesNotExistException", f"No deployment group {name}")
        return found

    def _deployment(self, request: Request) -> Deployment:
        if (found := self._deployments.all.get(request["deploymentId"])) is None:
            raise Refused("DeploymentDoesNotExistException", f"No deployment {request['deploymentId']}")
        return found

    def _create_deployment(self, request: Request) -> Document:
        spec = AppSpec.read(request["revision"]["appSpecContent"]["content"])
        return {"deploymentId": self._deployments.create(self.group_of(request), spec).id}

    def _list_deployments(self, request: Request) -> Document:
        group, statuses = self.group_of(request), request.get("includeOnlyStatuses")
        newest_first = reversed(self._deployments.all.values())
        chosen = [each for each in newest_first if each.group is group and (not statuses or each.status in statuses)]
        return {"deployments": [each.id for each in chosen]}

    def _put_hook_status(self, request: Request) -> Document:
        found = self._deployment(request)
        if request["lifecycleEventHookExecutionId"] != found.hook_id:
            raise Refused("InvalidLifecycleEventHookExecutionIdException", "The deployment has no hook of this id")
        if request["status"] not in {"Succeeded", "Failed"}:
            raise Refused("InvalidLifecycleEventHookExecutionStatusException", "A hook says Succeeded or Failed")
        if found.word or found.ended:
            raise Refused("LifecycleEventAlreadyCompletedException", "The hook has ended")
        found.word = request["status"]
        return {"lifecycleEventHookExecutionId": found.hook_id}

    def _stop_deployment(self, request: Request) -> Document:
        found = self._deployment(request)
        if found.ended:
            raise Refused("DeploymentAlreadyCompletedException", f"{found.id} is {found.status}")
        found.stop = request.get("autoRollbackEnabled", "DEPLOYMENT_STOP_ON_REQUEST" in found.group.rolls_back_on)
        return {"status": "Pending", "statusMessage": "The deployment is being stopped"}

    def _update_group(self, request: Request) -> Document:
        group, alarms = self.group_of(request), request.get("alarmConfiguration")
        if alarms:
            group.alarms = [each["name"] for each in alarms.get("alarms", [])] if alarms.get("enabled") else []
        return {"hooksNotCleanedUp": []}


def _info(deployment: Deployment) -> Document:
    group = deployment.group
    known: Document = {
        "applicationName": group.application,
        "deploymentGroupName": group.name,
        "deploymentConfigName": group.config,
        "deploymentId": deployment.id,
        "status": deployment.status,
        "creator": deployment.creator,
        "computePlatform": "Lambda",
    }
    more = {"errorInformation": deployment.error, "rollbackInfo": deployment.rollback}
    return known | {name: dict(value) for name, value in more.items() if value}
