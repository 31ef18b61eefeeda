"""The local CodeDeploy does to an alias what AWS's does, and answers as its API does."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.codedeploy import CodeDeploy
from tests.support.deployments import HOOK_MINUTES, AppSpec, Deployment, Deployments, Group, Refused, shares
from tests.support.function_versions import FUNCTION, FunctionVersions

CANARY = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
LINEAR = "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"
AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
EVENTS = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]
NAMES = {"applicationName": "app", "deploymentGroupName": "group"}


class Account:
    """A function with versions 1 and 2, its alias on 1, an alarm, and CodeDeploy on a clock of its own."""

    def __init__(self, config: str = CANARY, *, events: list[str] = EVENTS) -> None:
        self.versions = FunctionVersions({1: "", 2: ""}, live=1)
        self.alarm, self.now, self.told, self.lacks = "OK", 0.0, list[dict[str, str]](), ""
        self.deployments = Deployments(lambda role, _: Client(self, role), clock=lambda: self.now)
        self.api = CodeDeploy(self.deployments)
        self.group = Group("app", "group", "role", config, ["errors"], events)
        self.api.groups["app", "group"] = self.group

    def deploy(self, current: int = 1, target: int = 2, *, hook: str = "") -> Deployment:
        return self.deployments.create(self.group, AppSpec(FUNCTION, "live", str(current), str(target), hook))

    def run(self, deployment: Deployment, minutes: float = HOOK_MINUTES + 20) -> Deployment:
        """Let time pass, ten seconds a step, until it ends."""
        until = self.now + minutes * 60
        while not deployment.ended and self.now < until:
            self.deployments.advance(deployment)
            self.now += 10
        return deployment

    @property
    def traffic(self) -> tuple[int | None, dict[str, float]]:
        return self.versions.live, self.versions.weights

    def info(self, deployment: Deployment) -> Any:
        return self.api.answer("GetDeployment", {"deploymentId": deployment.id})["deploymentInfo"]


class Client:
    """Lambda and CloudWatch as boto3's clients, for the group's role."""

    def __init__(self, account: Account, role: str) -> None:
        assert role == "role"
        self._account = account

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation == self._account.lacks:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": operation}}, operation)
        return getattr(self._account.versions, operation)  # type: ignore[no-any-return]

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: str) -> None:  # noqa: N803
        assert (FunctionName, InvocationType) == ("hook", "Event")
        self._account.told.append(json.loads(Payload))

    def describe_alarms(self, *, AlarmNames: list[str]) -> Any:  # noqa: N803
        return {"MetricAlarms": [{"AlarmName": name, "StateValue": self._account.alarm} for name in AlarmNames]}


def tell(account: Account, word: str) -> None:
    """Answer as the hook that was called last."""
    event = account.told[-1]
    request = {
        "deploymentId": event["DeploymentId"],
        "lifecycleEventHookExecutionId": event["LifecycleEventHookExecutionId"],
        "status": word,
    }
    account.api.answer("PutLifecycleEventHookExecutionStatus", request)


def test_a_canary_gives_a_tenth_for_five_minutes_then_all() -> None:
    account = Account()
    deployment = account.run(account.deploy(), minutes=4)
    assert (deployment.status, account.traffic) == ("InProgress", (1, {"2": 0.1}))
    account.run(deployment)
    assert (deployment.status, account.traffic) == ("Succeeded", (2, {}))


@pytest.mark.parametrize(
    ("config", "steps"),
    [
        (AT_ONCE, [(100, 0)]),
        (CANARY, [(10, 5), (100, 0)]),
        (LINEAR, [*((percent, 1) for percent in range(10, 100, 10)), (100, 0)]),
    ],
)
def test_a_configuration_says_how_traffic_shifts(config: str, steps: list[tuple[int, int]]) -> None:
    assert list(shares(config)) == steps


def test_an_unknown_configuration_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        list(shares("CodeDeployDefault.OneAtATime"))
    assert refusal.value.code == "DeploymentConfigDoesNotExistException"


@pytest.mark.parametrize(
    ("live", "weights", "target", "says"),
    [
        (2, {}, 2, "alias version does not match the current version in AppSpec file"),
        (1, {"2": 0.5}, 2, "more than one version"),
        (1, {}, 1, "target version must not be the current version"),
    ],
)
def test_an_appspec_that_does_not_fit_the_alias_ends_it_before_anything_moves(
    live: int, weights: dict[str, float], target: int, says: str
) -> None:
    account = Account()
    account.versions.live, account.versions.weights = live, weights
    deployment = account.run(account.deploy(target=target, hook="hook"))
    error = account.info(deployment)["errorInformation"]
    assert (deployment.status, error["code"]) == ("Failed", "INVALID_LAMBDA_CONFIGURATION")
    assert says in error["message"]
    assert (account.traffic, account.versions.moves, account.told) == ((live, weights), 0, [])


def test_traffic_waits_for_the_word_of_the_hook() -> None:
    account = Account()
    deployment = account.run(account.deploy(hook="hook"), minutes=10)
    assert (len(account.told), account.traffic) == (1, (1, {}))
    tell(account, "Succeeded")
    assert account.run(deployment).status == "Succeeded"


@pytest.mark.parametrize("word", ["Failed", None])
def test_a_hook_that_fails_or_says_nothing_for_an_hour_ends_it_before_traffic(word: str | None) -> None:
    account = Account()
    deployment = account.run(account.deploy(hook="hook"), minutes=1)
    if word:
        tell(account, word)
    account.run(deployment)
    assert (deployment.status, deployment.error["code"]) == ("Failed", "HOOK_EXECUTION_FAILURE")
    assert account.versions.moves == 0
    assert (account.now > HOOK_MINUTES * 60) is (word is None)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"deploymentId": "d-0"}, "DeploymentDoesNotExistException"),
        ({"lifecycleEventHookExecutionId": "1"}, "InvalidLifecycleEventHookExecutionIdException"),
        ({"status": "Skipped"}, "InvalidLifecycleEventHookExecutionStatusException"),
    ],
)
def test_a_hook_that_tells_something_else_is_refused(change: dict[str, str], code: str) -> None:
    account = Account()
    deployment = account.run(account.deploy(hook="hook"), minutes=1)
    request = {"deploymentId": deployment.id, "lifecycleEventHookExecutionId": deployment.hook_id, "status": "Failed"}
    with pytest.raises(Refused) as refusal:
        account.api.answer("PutLifecycleEventHookExecutionStatus", request | change)
    assert refusal.value.code == code
    tell(account, "Succeeded")
    with pytest.raises(Refused, match="has ended"):
        tell(account, "Failed")


def test_an_alarm_during_the_canary_stops_it_and_another_deployment_gives_the_alias_back() -> None:
    account = Account()
    deployment = account.run(account.deploy(), minutes=2)
    account.alarm = "ALARM"
    account.run(deployment)
    info = account.info(deployment)
    assert (info["status"], info["errorInformation"]["code"]) == ("Stopped", "ALARM_ACTIVE")
    assert "errors" in info["errorInformation"]["message"]
    assert account.traffic == (1, {})
    back = account.api.answer("GetDeployment", {"deploymentId": info["rollbackInfo"]["rollbackDeploymentId"]})
    assert (back["deploymentInfo"]["status"], back["deploymentInfo"]["creator"]) == ("Succeeded", "codeDeployRollback")
    assert back["deploymentInfo"]["rollbackInfo"] == {"rollbackTriggeringDeploymentId": deployment.id}


def test_an_alarm_that_fires_already_stops_it_before_traffic_unless_the_group_watches_none() -> None:
    account = Account(AT_ONCE)
    account.alarm = "ALARM"
    assert account.run(account.deploy(hook="hook")).status == "Stopped"
    assert (account.versions.moves, account.told) == (0, [])
    names = {"applicationName": "app", "currentDeploymentGroupName": "group"}
    account.api.answer("UpdateDeploymentGroup", names | {"alarmConfiguration": {"enabled": False}})
    assert account.run(account.deploy()).status == "Succeeded"
    watches = {"enabled": True, "alarms": [{"name": "errors"}]}
    account.api.answer("UpdateDeploymentGroup", names | {"alarmConfiguration": watches})
    assert account.run(account.deploy(2, 1)).status == "Stopped"


@pytest.mark.parametrize(
    ("request_", "events", "traffic"),
    [
        ({}, EVENTS, (1, {})),
        ({"autoRollbackEnabled": True}, [], (1, {})),
        ({"autoRollbackEnabled": False}, EVENTS, (1, {"2": 0.1})),
        ({}, [], (1, {"2": 0.1})),
    ],
)
def test_who_stops_it_says_whether_the_alias_goes_back(
    request_: dict[str, bool], events: list[str], traffic: tuple[int, dict[str, float]]
) -> None:
    account = Account(events=events)
    deployment = account.run(account.deploy(), minutes=2)
    assert account.api.answer("StopDeployment", {"deploymentId": deployment.id} | request_)["status"] == "Pending"
    account.run(deployment)
    assert (deployment.status, deployment.error["code"], account.traffic) == ("Stopped", "MANUAL_STOP", traffic)
    with pytest.raises(Refused) as refusal:
        account.api.answer("StopDeployment", {"deploymentId": deployment.id})
    assert refusal.value.code == "DeploymentAlreadyCompletedException"


@pytest.mark.parametrize("lacks", ["get_alias", "update_alias"])
def test_a_role_without_a_permission_fails_it(lacks: str) -> None:
    account = Account()
    account.lacks = lacks
    deployment = account.run(account.deploy())
    assert (deployment.status, deployment.error["code"]) == ("Failed", "IAM_ROLE_PERMISSIONS")
    assert account.traffic == (1, {})


def test_a_rollback_without_its_permission_fails_too() -> None:
    account = Account()
    deployment = account.run(account.deploy(), minutes=2)
    account.lacks, account.alarm = "update_alias", "ALARM"
    account.run(deployment)
    back = account.api.answer("GetDeployment", {"deploymentId": deployment.rollback["rollbackDeploymentId"]})
    assert back["deploymentInfo"]["status"] == "Failed"
    assert account.traffic == (1, {"2": 0.1})


def test_a_group_runs_one_deployment_at_a_time_and_lists_the_newest_first() -> None:
    account = Account(AT_ONCE)
    first = account.deploy()
    with pytest.raises(Refused) as refusal:
        account.deploy()
    assert refusal.value.code == "DeploymentLimitExceededException"
    account.run(first)
    second = account.run(account.deploy(1, 2))
    assert (first.status, second.status) == ("Succeeded", "Failed")
    assert account.api.answer("ListDeployments", NAMES)["deployments"] == [second.id, first.id]
    failed = account.api.answer("ListDeployments", NAMES | {"includeOnlyStatuses": ["Failed", "Stopped"]})
    assert failed["deployments"] == [second.id]


def test_a_deployment_is_created_from_an_appspec() -> None:
    account = Account(AT_ONCE)
    properties = {"Name": FUNCTION, "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}
    resources = [{"code": {"Type": "AWS::Lambda::Function", "Properties": properties}}]
    content = {"version": 0.0, "Resources": resources, "Hooks": [{"BeforeAllowTraffic": "hook"}]}
    revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(content)}}
    made = account.api.answer("CreateDeployment", NAMES | {"revision": revision})
    assert account.deployments.all[made["deploymentId"]].spec == AppSpec(FUNCTION, "live", "1", "2", "hook")


@pytest.mark.parametrize("operation", ["CreateDeployment", "ListDeployments", "UpdateDeploymentGroup"])
def test_a_group_that_does_not_exist_is_refused(operation: str) -> None:
    revision = {"appSpecContent": {"content": json.dumps({"Resources": [{"code": {"Properties": {
        "Name": FUNCTION, "Alias": "live", "CurrentVersion": 1, "TargetVersion": 2}}}]})}}  # fmt: skip
    with pytest.raises(Refused) as refusal:
        Account().api.answer(operation, {"applicationName": "other", "revision": revision})
    assert refusal.value.code == "DeploymentGroupDoesNotExistException"
    with pytest.raises(Refused, match="not simulated"):
        Account().api.answer("DeleteApplication", {})
