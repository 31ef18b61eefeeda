"""A local AWS that enforces IAM, and the stack deployed to it as people and programs meet it."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tests.e2e.sam import BIN, REGION, Built, environment, run, sam
from tests.support.commands import failure_lines
from tests.support.docker import docker
from tests.support.paths import ROOT
from tests.support.ports import free_port

STACK = "skylift-e2e"
REPOSITORY = "skylift"
ACCOUNT = "000000000000"
ROOT_KEYS = Credentials("test", "test")

_DEV = {"Stage": "dev", "DeploymentPreference": "AllAtOnce", "SnapStart": "false", "LogRetentionDays": "7"}
_MINISTACK = ROOT / "build" / "ministack" / "bin" / "python"
SWITCH_SECONDS = 20
"""How long the service may take to notice what changed, a start of containers included."""

_START_SECONDS = 60
_STOP_SECONDS = 30
_DEPLOY_SECONDS = 240
_SKYLIFT_SECONDS = 120
_TRIES = Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 1})


class LocalAws:
    """An AWS on this machine that enforces IAM and runs functions in containers.

    Parameters
    ----------
    folder
        Folder for its log and state.
    bridge
        The address at which containers reach it.
    """

    def __init__(self, folder: Path, bridge: str) -> None:
        self._bridge = bridge
        self._log = folder / "aws.log"
        self._state = folder / "aws"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://localhost:{self._port}"

    def __enter__(self) -> Self:
        shutil.rmtree(self._state, ignore_errors=True)
        settings = {
            "GATEWAY_PORT": str(self._port),
            "BIND_HOST": "127.0.0.1",
            "BRIDGE_HOST": self._bridge,
            "MINISTACK_HOST": "host.docker.internal",  # where a custom resource's function puts its answer
            "MINISTACK_REGION": REGION,
            "AUTH": "true",
            "LAMBDA_EXECUTOR": "docker",
            "LAMBDA_STRICT": "1",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "STATE_DIR": str(self._state / "state"),
            "S3_DATA_DIR": str(self._state / "s3"),
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [_MINISTACK, Path(__file__).parent / "offline" / "local_aws.py"],
                env=environment(**settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise AssertionError(f"the local AWS did not start:\n{self.log()}")
            time.sleep(0.2)
        self.client("ecr").create_repository(repositoryName=REPOSITORY, imageTagMutability="IMMUTABLE")
        return self

    def __exit__(self, *_: object) -> None:
        """End it; it removes the containers of functions."""
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        pushed = docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"{self.registry}*").split()
        if pushed:
            docker("rmi", *pushed)
        shutil.rmtree(self._state, ignore_errors=True)

    @property
    def registry(self) -> str:
        """Where images are pushed to."""
        return f"localhost:{self._port}/{REPOSITORY}"

    def client(self, service: str, keys: Credentials = ROOT_KEYS, *, url: str | None = None) -> Any:
        """A client of a service, by default the account's root at the address of this machine."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=url or self.url,
            region_name=REGION,
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.token,
            config=_TRIES,
        )

    def user(self, name: str, *statements: Mapping[str, Any]) -> Credentials:
        """Make a user who may do this and nothing else."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def log(self) -> str:
        """What it wrote last."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-6000:]

    def _answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5):
            return True
        return False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered."""

    status: int
    version: str | None
    body: Any


class Stack:
    """The real template, deployed.

    Parameters
    ----------
    aws
        AWS to deploy to.
    built
        Built template and its artifacts.
    parameters
        Parameters in addition to those of a stack for dev.
    """

    def __init__(self, aws: LocalAws, built: Built, **parameters: str) -> None:
        self.aws = aws
        self._built = built
        self._parameters = _DEV | parameters

    def deploy(self, **parameters: str) -> None:
        """Run `sam deploy` with parameters changed from now on, and the rest as `samconfig.toml` has it for dev."""
        self._parameters |= parameters
        overrides = [f"{name}={value}" for name, value in self._parameters.items()]
        sam(
            *(
                "deploy",
                "--config-file",
                ROOT / "samconfig.toml",
                "--config-env",
                "dev",
                "--template",
                self._built.template,
                "--stack-name",
                STACK,
            ),
            *("--image-repository", self.aws.registry, "--no-progressbar", "--parameter-overrides", *overrides),
            seconds=_DEPLOY_SECONDS,
            AWS_ENDPOINT_URL=self.aws.url,
        )
        self.__dict__.pop("outputs", None)

    def delete(self) -> None:
        """Run `sam delete`."""
        sam("delete", "--stack-name", STACK, "--no-prompts", seconds=_DEPLOY_SECONDS, AWS_ENDPOINT_URL=self.aws.url)

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        described = self.aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

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
            seconds=_SKYLIFT_SECONDS,
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

    def ask(self, path: str, body: object = None, *, keys: Credentials | None = None) -> Answer:
        """Call the API through API Gateway, signed where keys are given."""
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.aws.url}/_aws/execute-api/{self.outputs['ApiId']}/$default{path}"
        request = AWSRequest("GET" if body is None else "POST", url, {"content-type": "application/json"}, data)
        if keys:
            SigV4Auth(keys, "execute-api", REGION).add_auth(request)
        sent = urllib.request.Request(url, data, dict(request.headers))
        try:
            with urllib.request.urlopen(sent, timeout=60) as response:
                return Answer(response.status, response.headers.get("x-model-version"), json.load(response))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers.get("x-model-version"), json.loads(error.read() or b"null"))

    def predict(self, *instances: Mapping[str, float]) -> Answer:
        """Ask for predictions, as the caller who may."""
        return self.ask("/predict", {"instances": list(instances)}, keys=self.caller)

    def hook(self) -> dict[str, str]:
        """What the pre-traffic hook tells CodeDeploy."""
        event = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "1"}
        told: dict[str, str] = self.invoke("PreTrafficFunction", event)
        return told

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Invoke a function of the template by itself; what it returned."""
        response = self.aws.client("lambda").invoke(FunctionName=self.physical(function), Payload=json.dumps(event))
        payload = response["Payload"].read()
        assert "FunctionError" not in response, payload
        return json.loads(payload)

    @property
    def pointer(self) -> str:
        """What the pointer holds."""
        name = self.outputs["ActiveParameterName"]
        return str(self.aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])

    @contextmanager
    def without(self, role: str, action: str) -> Iterator[None]:
        """Take one permission from a role of the template, and give it back."""
        before = self.policy(role)
        statements = [
            each | {"Action": [one for one in each["Action"] if one != action]} for each in before["Statement"]
        ]
        less = before | {"Statement": [each for each in statements if each["Action"]]}
        assert less != before, f"{role} has no {action}"
        self._set_policy(role, less)
        try:
            yield
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
