"""Deployments of Lambda aliases as CodeDeploy runs them: a state machine over a Lambda and alarms that it is given.

A deployment compares its AppSpec with the alias, calls the hook and waits for its word, shifts weights on its
schedule, and watches the alarms of its group all the time. What goes wrong ends it, and another deployment gives the
alias back where the group says so. Sources: CodeDeploy's user guide (deployment configurations, the AppSpec of Lambda,
redeploy and roll back), and for words the errors that people report.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

type Clients = Callable[[str, str], Any]

HOOK_MINUTES = 60
_SCHEDULE = re.compile(r"CodeDeployDefault\.Lambda(?:AllAtOnce|(Canary|Linear)(\d+)Percent(?:Every)?(\d+)Minutes?)")
_WRONG_APPSPEC = (
    "The deployment failed because the AppSpec file that specifies the AWS Lambda deployment configuration is missing "
    "or has an invalid configuration. {}"
)
_FIRING = (
    "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the affected "
    "deployments have been stopped. Activated alarms: {}"
)
_ROLLBACK = "codeDeployRollback"
ENDED = ("Succeeded", "Failed", "Stopped")


class Refused(Exception):
    """A request that CodeDeploy refuses, with AWS's code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Ended(Exception):
    """A deployment goes no further."""

    def __init__(self, status: str, code: str, message: str, *, rolls_back: bool) -> None:
        super().__init__(message)
        self.status, self.code, self.rolls_back = status, code, rolls_back


@dataclass
class Group:
    """A deployment group.

    Parameters
    ----------
    application, name
        Names.
    role
        ARN of the role by which it acts.
    config
        Name of its deployment configuration.
    alarms
        Names of the alarms that stop a deployment; none where they are switched off.
    rolls_back_on
        Events that give the alias back, for example `DEPLOYMENT_FAILURE`.
    """

    application: str
    name: str
    role: str
    config: str
    alarms: list[str] = field(default_factory=list)
    rolls_back_on: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class AppSpec:
    """What is deployed.

    Parameters
    ----------
    function, alias
        Names.
    current, target
        Versions that the alias names before and after.
    hook
        Function that is called before traffic; empty for none.
    """

    function: str
    alias: str
    current: str
    target: str
    hook: str = ""

    @classmethod
    def read(cls, content: str) -> "AppSpec":
        """The form that CreateDeployment takes, in JSON."""
        document = json.loads(content)
        (resource,) = (each for named in document["Resources"] for each in named.values())
        properties = resource["Properties"]
        hooks = {name: function for each in document.get("Hooks", []) for name, function in each.items()}
        return cls(
            properties["Name"],
            properties["Alias"],
            str(properties["CurrentVersion"]),
            str(properties["TargetVersion"]),
            hooks.get("BeforeAllowTraffic", ""),
        )


@dataclass
class Deployment:
    """A deployment, and what became of it.

    Attributes
    ----------
    word
        What the hook told: `Succeeded` or `Failed`.
    stop
        Whether somebody who stopped it wants the alias back; None where nobody did.
    shifted
        Whether the target has had traffic.
    """

    id: str
    group: Group
    spec: AppSpec
    creator: str
    steps: Iterator[None] = field(default_factory=lambda: iter(()))
    status: str = "Created"
    error: Mapping[str, str] = field(default_factory=dict)
    rollback: Mapping[str, str] = field(default_factory=dict)
    word: str = ""
    stop: bool | None = None
    shifted: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing happens any more."""
        return self.status in ENDED

    @property
    def hook_id(self) -> str:
        """By what the hook tells how it went."""
        return f"{self.id}-BeforeAllowTraffic"


class Deployments:
    """The deployments of an account.

    Parameters
    ----------
    clients
        Function from a role's ARN and a service's name to a client of boto3's shape.
    clock
        Function that returns the time, in seconds.
    minute
        Duration of a minute of the schedules, in seconds.
    """

    def __init__(self, clients: Clients, *, clock: Callable[[], float], minute: float = 60.0) -> None:
        self._clients, self._clock, self._minute = clients, clock, minute
        self.all: dict[str, Deployment] = {}

    def create(self, group: Group, spec: AppSpec, *, creator: str = "user") -> Deployment:
        """Create a deployment, which `advance` carries on.

        Raises
        ------
        Refused
            Another one of its group runs.
        """
        if running := [each.id for each in self.all.values() if each.group is group and not each.ended]:
            raise Refused("DeploymentLimitExceededException", f"{group.name} has the active deployment {running[0]}")
        made = Deployment(f"d-{len(self.all) + 1:09d}", group, spec, creator)
        made.steps = self._steps(made)
        self.all[made.id] = made
        return made

    def advance(self, deployment: Deployment) -> None:
        """Carry a deployment on to where it waits for time, its hook or an alarm."""
        try:
            self._watch(deployment)
            next(deployment.steps)
        except StopIteration:
            deployment.status = "Succeeded"
        except _Ended as end:
            self._end(deployment, end)
        except ClientError as error:
            denied = "AccessDenied" in error.response["Error"]["Code"]
            code = "IAM_ROLE_PERMISSIONS" if denied else "INTERNAL_ERROR"
            self._end(deployment, self._failed(deployment, code, str(error)))

    def _steps(self, deployment: Deployment) -> Iterator[None]:
        """What a deployment does; it waits at each yield."""
        deployment.status = "InProgress"
        self._compare(deployment)
        yield
        if deployment.spec.hook:
            yield from self._ask_hook(deployment)
        for percent, minutes in shares(deployment.group.config):
            self._shift(deployment, percent)
            until = self._clock() + minutes * self._minute
            while self._clock() < until:
                yield

    def _compare(self, deployment: Deployment) -> None:
        spec = deployment.spec
        alias = self._lambda(deployment).get_alias(FunctionName=spec.function, Name=spec.alias)
        if spec.current == spec.target:
            wrong = "The target version must not be the current version."
        elif alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"):
            wrong = "The Lambda function alias has more than one version."
        elif alias["FunctionVersion"] != spec.current:
            wrong = "The Lambda function alias version does not match the current version in AppSpec file."
        else:
            return
        raise self._failed(deployment, "INVALID_LAMBDA_CONFIGURATION", _WRONG_APPSPEC.format(wrong))

    def _ask_hook(self, deployment: Deployment) -> Iterator[None]:
        hook = deployment.spec.hook
        event = {"DeploymentId": deployment.id, "LifecycleEventHookExecutionId": deployment.hook_id}
        self._lambda(deployment).invoke(FunctionName=hook, InvocationType="Event", Payload=json.dumps(event))
        until = self._clock() + HOOK_MINUTES * self._minute
        while not deployment.word and self._clock() < until:
            yield
        if deployment.word != "Succeeded":
            word = deployment.word or "nothing in time"
            raise self._failed(deployment, "HOOK_EXECUTION_FAILURE", f"The hook {hook} said {word}.")

    def _shift(self, deployment: Deployment, percent: int) -> None:
        spec = deployment.spec
        if percent == 100:
            self._move(deployment, spec.target, {})
        else:
            self._move(deployment, spec.current, {spec.target: percent / 100})
        deployment.shifted = True

    def _watch(self, deployment: Deployment) -> None:
        if deployment.stop is not None:
            raise _Ended("Stopped", "MANUAL_STOP", "A user stopped the deployment.", rolls_back=deployment.stop)
        names = deployment.group.alarms
        if not names or deployment.creator == _ROLLBACK:
            return
        described = self._clients(deployment.group.role, "cloudwatch").describe_alarms(AlarmNames=names)
        if firing := [each["AlarmName"] for each in described["MetricAlarms"] if each["StateValue"] == "ALARM"]:
            rolls_back = "DEPLOYMENT_STOP_ON_ALARM" in deployment.group.rolls_back_on
            raise _Ended("Stopped", "ALARM_ACTIVE", _FIRING.format(", ".join(firing)), rolls_back=rolls_back)

    def _end(self, deployment: Deployment, end: _Ended) -> None:
        deployment.status, deployment.error = end.status, {"code": end.code, "message": str(end)}
        if not (deployment.shifted and end.rolls_back):
            return
        back = self.create(deployment.group, deployment.spec, creator=_ROLLBACK)
        back.steps = self._give_back(back)
        back.rollback = {"rollbackTriggeringDeploymentId": deployment.id}
        deployment.rollback = {"rollbackDeploymentId": back.id}
        self.advance(back)

    def _give_back(self, back: Deployment) -> Iterator[None]:
        self._move(back, back.spec.current, {})
        yield from ()

    def _move(self, deployment: Deployment, version: str, weights: Mapping[str, float]) -> None:
        self._lambda(deployment).update_alias(
            FunctionName=deployment.spec.function,
            Name=deployment.spec.alias,
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights},
        )

    def _lambda(self, deployment: Deployment) -> Any:
        return self._clients(deployment.group.role, "lambda")

    @staticmethod
    def _failed(deployment: Deployment, code: str, message: str) -> _Ended:
        return _Ended("Failed", code, message, rolls_back="DEPLOYMENT_FAILURE" in deployment.group.rolls_back_on)


def shares(config: str) -> Iterator[tuple[int, int]]:
    """Percentages of a deployment configuration, each with the minutes until the next.

    Raises
    ------
    Refused
        There is no such configuration.
    """
    if not (found := _SCHEDULE.fullmatch(config)):
        raise Refused("DeploymentConfigDoesNotExistException", f"No deployment configuration {config}")
    kind, percent, minutes = found.groups()
    steps = {None: [], "Canary": [int(percent or 0)], "Linear": [*range(int(percent or 1), 100, int(percent or 1))]}
    yield from ((step, int(minutes)) for step in steps[kind])
    yield 100, 0
