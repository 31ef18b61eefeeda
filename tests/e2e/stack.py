"""The stack, deployed to a local AWS as people and programs meet it."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.e2e.aws import ACCOUNT, LocalAws
from tests.e2e.code import Code
from tests.e2e.sam import BIN, REGION, run, sam
from tests.support.commands import failure_lines
from tests.support.waiting import TIMES_OUT

STACK = "skylift-dev"

_DEPLOY_SECONDS = 3 * TIMES_OUT  # it waits for canaries


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered.

    Parameters
    ----------
    headers
        Headers by their names in lower case.
    """

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def version(self) -> str | None:
        """Version of the model that answered."""
        return self.headers.get("x-model-version")

    @property
    def retry_after(self) -> str | None:
        """Seconds to wait."""
        return self.headers.get("retry-after")


class Stack:
    """The real template, deployed as the workflow deploys it: a release, through the roles of bootstrap.yaml.

    Parameters
    ----------
    aws
        AWS to deploy to.
    release
        Folder of the release.
    bootstrap
        Outputs of bootstrap.yaml.
    parameters
        Parameters over those of `samconfig.toml` for dev.
    """

    def __init__(self, aws: LocalAws, release: Path, bootstrap: Mapping[str, str], **parameters: str) -> None:
        self.aws = aws
        self._release = release
        self._bootstrap = bootstrap
        self._parameters = {"PermissionsBoundaryArn": bootstrap["PermissionsBoundaryArn"], **parameters}

    def up(self, *flags: str, **parameters: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m deploy up` with parameters changed from now on, whatever it comes to.

        Errors before it do not stop it.
        """
        self._parameters |= parameters
        given = [word for name, value in self._parameters.items() for word in ("--set", f"{name}={value}")]
        self.aws.forget_errors()
        _, _, repository = self._bootstrap["ImageRepositoryUri"].partition("/")
        done = self.deploy_command(
            *("up", "--stage", "dev", "--release", str(self._release), "--model", "keep", "--yes", *flags, *given),
            IMAGE_REPOSITORY=f"{self.aws.registry}/{repository}",
            ARTIFACT_BUCKET=self._bootstrap["ArtifactBucketName"],
            CLOUDFORMATION_ROLE_ARN=self._bootstrap["CloudFormationRoleArn"],
            DOCKER_CONFIG=str(self._release.parent / "docker"),
        )
        self.__dict__.pop("outputs", None)
        return done

    def deploy(self, *flags: str, **parameters: str) -> None:
        """Deploy, which must succeed."""
        done = self.up(*flags, **parameters)
        assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-6000:]}\n{self.aws.log()}"

    def deploy_command(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m deploy`, whatever it comes to."""
        command = [sys.executable, "-m", "deploy", *arguments]
        return run(command, seconds=_DEPLOY_SECONDS, AWS_ENDPOINT_URL=self.aws.url, **variables)

    def delete(self) -> None:
        """Run `sam delete`."""
        sam("delete", "--stack-name", STACK, "--no-prompts", seconds=_DEPLOY_SECONDS, AWS_ENDPOINT_URL=self.aws.url)

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return self.aws.outputs_of(STACK)

    @cached_property
    def code(self) -> Code:
        """Its versions of the code, and what moves traffic between them."""
        return Code(self.aws, self.physical)

    @property
    def image(self) -> str:
        """The image that the deployed function runs, as it was pushed."""
        name = self.outputs["InferenceFunctionName"]
        return str(self.aws.client("lambda").get_function(FunctionName=name)["Code"]["ImageUri"])

    @cached_property
    def operator(self) -> Credentials:
        """Somebody who may take on the two roles, and nothing else."""
        roles = [self.outputs["PublishRoleArn"], self.outputs["PromoteRoleArn"]]
        return self.aws.user("operator", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": roles})

    @cached_property
    def caller(self) -> Credentials:
        """A program that may call the API, and nothing else."""
        api = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{self.outputs['ApiId']}/$default/*"
        return self.aws.user("caller", {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": api})

    def assume(self, role: str) -> Credentials:
        """Credentials of a role of the outputs, as the operator gets them."""
        arn = self.outputs[f"{role}RoleArn"]
        made = self.aws.client("sts", self.operator).assume_role(RoleArn=arn, RoleSessionName="e2e")["Credentials"]
        return Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def skylift(self, role: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the command line on the stack under a role, whatever it comes to."""
        keys = self.assume(role)
        return run(
            [BIN / "skylift", *arguments, "--stack", STACK],
            seconds=TIMES_OUT,
            AWS_ENDPOINT_URL=self.aws.url,
            AWS_ACCESS_KEY_ID=keys.access_key,
            AWS_SECRET_ACCESS_KEY=keys.secret_key,
            AWS_SESSION_TOKEN=keys.token or "",
        )

    def done(self, role: str, *arguments: str | Path) -> str:
        """What a command prints that must succeed."""
        result = self.skylift(role, *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def refused(self, role: str, *arguments: str | Path) -> str:
        """The `error:` and `hint:` lines of a command that must fail."""
        result = self.skylift(role, *arguments)
        assert result.returncode == 1, result.stdout + result.stderr
        return failure_lines(result.stderr)

    def ask(
        self,
        path: str,
        body: object = None,
        *,
        keys: Credentials | None = None,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call the API through API Gateway, signed where keys are given."""
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.aws.url}/_aws/execute-api/{self.outputs['ApiId']}/$default{path}"
        method = method or ("GET" if body is None else "POST")
        request = AWSRequest(method, url, {"content-type": "application/json", **(headers or {})}, data)
        if keys:
            SigV4Auth(keys, "execute-api", REGION).add_auth(request)
        sent = urllib.request.Request(url, data, dict(request.headers), method=method)
        try:
            with urllib.request.urlopen(sent, timeout=TIMES_OUT) as response:
                status, given, read = response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            with error:
                status, given, read = error.code, error.headers, error.read()
        return Answer(status, json.loads(read or b"null"), {name.lower(): value for name, value in given.items()})

    def predict(self, *instances: Mapping[str, float]) -> Answer:
        """Ask for predictions, as the caller who may."""
        return self.ask("/predict", {"instances": list(instances)}, keys=self.caller)

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Invoke a function of the template by itself; what it returned."""
        failed, payload = self._invoke(function, event)
        assert not failed, payload
        return json.loads(payload)

    def failure(self, function: str, event: Mapping[str, Any]) -> str:
        """What a function of the template, invoked by itself, fails with."""
        failed, payload = self._invoke(function, event)
        assert failed, payload
        return payload

    def _invoke(self, function: str, event: Mapping[str, Any]) -> tuple[bool, str]:
        response = self.aws.client("lambda").invoke(FunctionName=self.physical(function), Payload=json.dumps(event))
        return "FunctionError" in response, response["Payload"].read().decode()

    def set_variables(self, function: str, **variables: str) -> None:
        """Change variables of a function of the template, also of its alias `live`, until the next deployment."""
        known = self._configuration(function)["Environment"]["Variables"]
        self._configure(function, Environment={"Variables": known | variables})

    @contextmanager
    def time_limit(self, function: str, seconds: int) -> Iterator[None]:
        """Have Lambda cut a function of the template off sooner, and give it its time back."""
        before = self._configuration(function)["Timeout"]
        self._configure(function, Timeout=seconds)
        try:
            yield
        finally:
            self._configure(function, Timeout=before)

    def _configuration(self, function: str) -> Any:
        return self.aws.client("lambda").get_function_configuration(FunctionName=self.physical(function))

    def _configure(self, function: str, **changes: Any) -> None:
        client, where = self.aws.client("lambda"), {"FunctionName": self.physical(function)}
        client.update_function_configuration(**where, **changes)
        if client.list_aliases(**where)["Aliases"]:
            version = client.publish_version(**where)["Version"]
            client.update_alias(**where, Name="live", FunctionVersion=version)

    def call_soon(self, schedule: str, **target: str) -> None:
        """Have a schedule call its function in a moment, with changes of its target."""
        schedules, name = self.aws.client("scheduler"), f"{STACK}-{schedule}"
        soon = datetime.now(UTC) + timedelta(seconds=1)
        schedules.update_schedule(
            Name=name,
            ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=schedules.get_schedule(Name=name)["Target"] | target,
        )

    def objects(self, bucket: str) -> set[str]:
        """Keys of the files of all versions in a bucket."""
        listed = self.aws.client("s3").list_objects_v2(Bucket=bucket, Prefix="models/")
        return {item["Key"] for item in listed.get("Contents", [])}

    @property
    def pointer(self) -> str:
        """What the pointer holds."""
        name = self.outputs["ActiveParameterName"]
        return str(self.aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])

    @contextmanager
    def without(self, role: str, *actions: str) -> Iterator[Callable[..., None]]:
        """Take permissions from a role of the template, and give them back.

        What this yields, called with other actions, takes those in place of the first.
        """
        before = self.policy(role)

        def take(*actions: str) -> None:
            self._set_policy(role, _less(before, actions))

        take(*actions)
        try:
            yield take
        finally:
            self._set_policy(role, before)

    def policy(self, role: str) -> dict[str, Any]:
        """The policy of a role of the template, each statement with a list of actions."""
        where = {"RoleName": self.physical(role), "PolicyName": self._policy_name(role)}
        document: dict[str, Any] = self.aws.client("iam").get_role_policy(**where)["PolicyDocument"]
        statements = [
            each | {"Action": [each["Action"]] if isinstance(each["Action"], str) else each["Action"]}
            for each in document["Statement"]
        ]
        return document | {"Statement": statements}

    def _set_policy(self, role: str, document: Mapping[str, Any]) -> None:
        where = {"RoleName": self.physical(role), "PolicyName": self._policy_name(role)}
        self.aws.client("iam").put_role_policy(**where, PolicyDocument=json.dumps(document))

    def _policy_name(self, role: str) -> str:
        [name] = self.aws.client("iam").list_role_policies(RoleName=self.physical(role))["PolicyNames"]
        return str(name)

    def physical(self, logical: str) -> str:
        """The name of a resource of the template."""
        described = self.aws.client("cloudformation").describe_stack_resource(
            StackName=STACK, LogicalResourceId=logical
        )
        return str(described["StackResourceDetail"]["PhysicalResourceId"])


def _less(policy: Mapping[str, Any], actions: tuple[str, ...]) -> dict[str, Any]:
    """A policy without actions, each of which it has."""
    assert set(actions) <= {action for each in policy["Statement"] for action in each["Action"]}, actions
    statements = [
        each | {"Action": [one for one in each["Action"] if one not in actions]} for each in policy["Statement"]
    ]
    nothing = {"Effect": "Deny", "Action": [*actions], "Resource": "*"}  # a policy has a statement at least
    return {**policy, "Statement": [each for each in statements if each["Action"]] or [nothing]}
