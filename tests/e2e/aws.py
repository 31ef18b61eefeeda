"""A local AWS that enforces IAM."""

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import boto3
from botocore.config import Config
from botocore.credentials import Credentials

from tests.e2e.sam import REGION, environment
from tests.support.docker import OWNER, docker, inspected
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.waiting import TIMES_OUT

ACCOUNT = "000000000000"
ROOT_KEYS = Credentials("test", "test")

_MINISTACK = ROOT / "build" / "ministack" / "bin" / "python"
_STOP_SECONDS = 30
_TRIES = Config(connect_timeout=5, read_timeout=TIMES_OUT, retries={"total_max_attempts": 1})
_WAIT = {"Delay": 1, "MaxAttempts": int(TIMES_OUT)}


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a function.

    Parameters
    ----------
    document
        What the engine tells of it.
    """

    document: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.document["Id"])

    @property
    def environment(self) -> dict[str, str]:
        """Its variables."""
        return dict(each.split("=", 1) for each in self.document["Config"]["Env"])

    @property
    def function(self) -> str:
        """Name of the function."""
        return self.environment["AWS_LAMBDA_FUNCTION_NAME"]


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
        self._port, self._durable_port = free_port(), free_port()
        self._processes: list[subprocess.Popen[bytes]] = []
        self.url = f"http://localhost:{self._port}"

    def __enter__(self) -> Self:
        shutil.rmtree(self._state, ignore_errors=True)
        settings = {
            "GATEWAY_PORT": str(self._port),
            "BIND_HOST": "127.0.0.1",
            "BRIDGE_HOST": self._bridge,
            "MINISTACK_HOST": "host.docker.internal",  # where a custom resource's function puts its answer
            "MINISTACK_HOSTNAME": OWNER,  # in the labels of its containers, and nowhere else
            "MINISTACK_REGION": REGION,
            "AUTH": "true",
            "LAMBDA_EXECUTOR": "docker",
            "LAMBDA_STRICT": "1",
            "DURABLE_SERVICE": f"http://127.0.0.1:{self._durable_port}",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "STATE_DIR": str(self._state / "state"),
            "S3_DATA_DIR": str(self._state / "s3"),
        }
        local_aws: list[str | Path] = [_MINISTACK, "-m", "tests.e2e.offline.local_aws"]
        durable: list[str | Path] = [sys.executable, "-m", "tests.e2e.offline.durable_service"]
        durable += [str(self._durable_port), self.url, self._state / "executions.db"]
        self._state.mkdir(parents=True)
        with self._log.open("wb") as log:
            for program in (local_aws, durable):
                started = subprocess.Popen(
                    program, cwd=ROOT, env=environment(**settings), stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
                self._processes.append(started)
        deadline = time.monotonic() + TIMES_OUT
        while not self._answer():
            if any(each.poll() is not None for each in self._processes) or time.monotonic() > deadline:
                self.__exit__()
                raise AssertionError(f"the local AWS did not start:\n{self.log()}")
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        """End it; it removes the containers of functions."""
        for process in reversed(self._processes):  # the runner first, which would try again what is ended
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        # Some were started as it ended, say by a schedule.
        if left := docker("ps", "--all", "--quiet", "--filter", self._of_functions).split():
            docker("rm", "--force", "--volumes", *left)
        pushed = docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"{self.registry}/*").split()
        if pushed:
            docker("rmi", *pushed)
        shutil.rmtree(self._state, ignore_errors=True)

    @property
    def registry(self) -> str:
        """Where images are pushed to."""
        return f"localhost:{self._port}"

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

    def make_stack(self, name: str, template: str, **parameters: str) -> dict[str, str]:
        """Make a stack, without `sam`; its outputs.

        Raises
        ------
        WaiterError
            CloudFormation did not make it.
        """
        client = self.client("cloudformation")
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        client.create_stack(StackName=name, TemplateBody=template, Parameters=given, Capabilities=["CAPABILITY_IAM"])
        client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=_WAIT)
        return self.outputs_of(name)

    def outputs_of(self, stack: str) -> dict[str, str]:
        """Outputs of a stack."""
        (described,) = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

    def user(self, name: str, *statements: Mapping[str, Any]) -> Credentials:
        """Make a user who may do this and nothing else."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    @contextmanager
    def fault(
        self, operation: str, kind: Literal["refused", "lost", "held"] = "refused"
    ) -> Iterator[Callable[[], int]]:
        """Throttle an operation, or hold it; the number of requests that have met this. See `local_aws/faults.py`."""
        self._faults("PUT", operation=operation, kind=kind)
        try:
            yield lambda: self._faults("GET")[operation]
        finally:
            self._faults("DELETE", operation=operation)

    def _faults(self, method: str, **body: str) -> dict[str, int]:
        request = urllib.request.Request(f"{self.url}/_faults", json.dumps(body).encode(), method=method)
        with urllib.request.urlopen(request, timeout=TIMES_OUT) as response:
            met: dict[str, int] = json.load(response)
        return met

    def forget_errors(self) -> None:
        """Have no alarm fire, now or later, because of what was measured so far. See `local_aws/metrics.py`."""
        request = urllib.request.Request(f"{self.url}/_measured", method="DELETE")
        with urllib.request.urlopen(request, timeout=TIMES_OUT):
            pass

    def containers(self) -> list[Container]:
        """Running containers of functions."""
        running = docker("ps", "--quiet", "--filter", self._of_functions).split()
        return [Container(document) for document in inspected(*running)]

    def kill(self, function: str) -> None:
        """Kill the containers of a function, by its name."""
        running = self.containers()
        found = [each.id for each in running if each.function == function]
        assert found, f"no container runs {function}: {[each.function for each in running]}"
        docker("kill", *found)

    @property
    def _of_functions(self) -> str:
        """What filters the containers of its functions."""
        return f"label=ministack.instance={OWNER}:{self._port}"

    def log(self) -> str:
        """What it wrote last."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-6000:]

    def _answer(self) -> bool:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5),
            urllib.request.urlopen(f"http://127.0.0.1:{self._durable_port}/health", timeout=5),
        ):
            return True
        return False
