"""Docker as the end-to-end tests use it: its command line, and a function's container as strict as Lambda."""

import json
import secrets
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self

from tests.support.waiting import TIMES_OUT

# Nothing but /tmp can be written, no capability is left, and there is no /dev/shm: so Lambda runs a function.
_AS_LAMBDA = (
    "--read-only",
    *("--tmpfs", "/tmp:rw,size=512m,mode=1777"),
    *("--user", "993:990"),
    *("--memory", "512m", "--memory-swap", "512m"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--ipc", "none"),
)
OWNER = f"skylift-tests-{secrets.token_hex(8)}"
"""What tells the containers of this process from others: in a label, or in the value of a variable."""

LABELLED = ("--label", f"owner={OWNER}")
"""Options of `docker run` that say so."""

_POLL_SECONDS = 0.05


class DockerFailed(AssertionError):
    """A command of Docker failed; with what it wrote."""


def docker(*arguments: str, seconds: float = TIMES_OUT) -> str:
    """Run a command of Docker; what it printed.

    Raises
    ------
    DockerFailed
        It failed, or took longer.
    """
    done = _ran(arguments, seconds)
    if done.returncode:
        raise DockerFailed(f"docker {' '.join(arguments)}:\n{done.stderr[-4000:]}")
    return done.stdout.strip()


def inspected(*containers: str) -> list[dict[str, Any]]:
    """What the engine tells of containers; those that are gone by now are left out.

    Raises
    ------
    DockerFailed
        It tells nothing, or takes longer.
    """
    if not containers:
        return []
    done = _ran(("container", "inspect", *containers), TIMES_OUT)
    if done.returncode and not all("No such container" in line for line in done.stderr.splitlines()):
        raise DockerFailed(f"docker container inspect:\n{done.stderr[-4000:]}")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def _ran(arguments: Sequence[str], seconds: float) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise DockerFailed(f"docker {arguments[0]} took longer than {seconds} s") from error


def bridge_address() -> str:
    """The address of this machine at which containers reach it."""
    network = json.loads(docker("network", "inspect", "bridge"))[0]["IPAM"]["Config"][0]
    return str(network.get("Gateway") or ip_network(network["Subnet"])[1])  # some engines name only the subnet


def own_containers() -> list[str]:
    """Ids of the containers that this process had started, running or not: others may use the same engine."""
    known = inspected(*docker("container", "ls", "--all", "--quiet").split())
    return [str(each["Id"]) for each in known if OWNER in json.dumps([each["Config"]["Labels"], each["Config"]["Env"]])]


class FunctionContainer:
    """A function's image as Lambda would run it, under the runtime interface emulator.

    Parameters
    ----------
    image
        The image.
    environment
        Variables of the function.
    command
        The handler; the image's own where it is None.
    files
        Files to add, by their place in the container.
    """

    def __init__(
        self,
        image: str,
        environment: Mapping[str, str],
        *,
        command: str | None = None,
        files: Mapping[str, Path] | None = None,
    ) -> None:
        variables = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        added = [word for place, path in (files or {}).items() for word in ("--volume", f"{path}:{place}:ro")]
        self._id = docker(
            *("run", "--detach", "--publish", "127.0.0.1::8080", *LABELLED, *_AS_LAMBDA, *variables, *added, image),
            *([command] if command else []),
        )
        self._url = ""

    def __enter__(self) -> Self:
        address = docker("port", self._id, "8080/tcp").splitlines()[0]
        self._url = f"http://{address}/2015-03-31/functions/function/invocations"
        return self

    def __exit__(self, *_: object) -> None:
        docker("rm", "--force", "--volumes", self._id)

    def invoke(self, event: object) -> Any:
        """Hand over an event; what the handler returned.

        Raises
        ------
        DockerFailed
            The function raised, or does not answer.
        """
        request = urllib.request.Request(self._url, json.dumps(event).encode())
        deadline = time.monotonic() + TIMES_OUT
        while True:
            try:
                with urllib.request.urlopen(request, timeout=TIMES_OUT) as response:
                    payload = json.loads(response.read())
                break
            except OSError as error:  # the emulator does not listen yet
                if time.monotonic() > deadline:
                    raise DockerFailed(f"{error!r}\n{self.log()}") from error
                time.sleep(_POLL_SECONDS)
        if isinstance(payload, dict) and "errorType" in payload:  # with status 200
            raise DockerFailed(f"{payload}\n{self.log()}")
        return payload

    @property
    def memory_limit(self) -> int:
        """Bytes of memory that the engine gives it."""
        return int(docker("inspect", "--format", "{{.HostConfig.Memory}}", self._id))

    def log(self) -> str:
        """What the function and the emulator wrote."""
        done = subprocess.run(
            ["docker", "logs", self._id], check=False, capture_output=True, text=True, timeout=TIMES_OUT
        )
        return done.stdout + done.stderr

    def run(self, *command: str) -> str:
        """Run a command within it, as the function's user; what it printed."""
        return docker("exec", self._id, *command)
