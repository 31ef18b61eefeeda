"""The real Lambda runtime on this machine: `awslambdaric` under AWS's runtime interface emulator, without a container.

The emulator comes with aws-sam-cli. As in the image, the working directory is the task root and Python finds the
function there and its dependencies in one folder more; as in Lambda, nothing of the caller's environment is passed on.

    with LambdaRuntime(lay_out(folder), "inference.handler.handler", environment) as runtime:
        invocation = runtime.invoke(event)
        invocation.payload, invocation.lines, invocation.seconds, runtime.init_seconds

The function is initialised by the first invocation, as the emulator does it.
"""

import compileall
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, Self

from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.waiting import TIMES_OUT

PACKAGES = (ROOT / "functions" / "inference", ROOT / "layers" / "skylift")

_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_HOST = "127.0.0.1"
_START_ATTEMPTS = 3
_TERMINATE_SECONDS = 3.0  # then it is killed
_POLL_SECONDS = 0.005

_INIT_REPORT = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)")
_EMULATOR_LINE = re.compile(r"(START|END|REPORT) RequestId: (\S+)")


class RuntimeFailed(AssertionError):
    """The emulator did not start or answer, or the function raised; with what both wrote."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What came of one event.

    Parameters
    ----------
    payload
        What the handler returned.
    request_id
        Lambda's own id of the invocation.
    lines
        What the function wrote meanwhile to stdout and stderr, which the emulator joins; with the first invocation,
        what it wrote while it was initialised as well.
    seconds
        Time between sending the event and receiving the payload, in seconds.
    """

    payload: Any
    request_id: str
    lines: tuple[str, ...]
    seconds: float


def lay_out(folder: Path) -> Path:
    """Fill a folder as the container image fills its task root: the packages of the function, compiled.

    Returns
    -------
    The folder.
    """
    for package in PACKAGES:
        shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(folder, quiet=1)
    return folder


def function_environment(task_root: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """All variables of a function: Lambda's and its own."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(task_root),
        "PYTHONPATH": os.pathsep.join([str(task_root), *_site_packages()]),
        "AWS_LAMBDA_LOG_FORMAT": "JSON",  # as LoggingConfig in the template
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        **environment,
    }


class LambdaRuntime:
    """One execution environment of a function.

    Parameters
    ----------
    task_root
        Folder of the function's code.
    handler
        Dotted name of the handler.
    environment
        Variables of the function.
    timeout_seconds
        The function's timeout.
    """

    def __init__(
        self, task_root: Path, handler: str, environment: Mapping[str, str], *, timeout_seconds: int = 300
    ) -> None:
        self._task_root = task_root
        self._command = [sys.executable, "-S", "-m", "awslambdaric", handler]  # -S: no .pth file, so no checkout
        timeout = {"AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_seconds)}
        self._environment = function_environment(task_root, timeout | dict(environment))
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: TemporaryDirectory[str] | None = None
        self._url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def init_seconds(self) -> float | None:
        """How long the init phase took, by the emulator's report; None before the first invocation."""
        match = _INIT_REPORT.search(self._log("emulator"))
        return float(match[1]) / 1000 if match else None

    def start(self) -> None:
        """Start the emulator and wait until it answers.

        Raises
        ------
        RuntimeFailed
            It does not.
        """
        assert self._process is None, "it runs already"
        self._folder = TemporaryDirectory(prefix="lambda-runtime-")
        emulator = emulator_program(Path(self._folder.name))
        for _ in range(_START_ATTEMPTS):  # somebody else may take a port before the emulator does
            self._launch(emulator)
            if self._listens():
                return
            self._end_processes()
        log = self._log("emulator")
        self.stop()
        raise RuntimeFailed(f"the emulator does not answer:\n{log}")

    def invoke(self, event: object) -> Invocation:
        """Hand over one event and wait for the answer; one at a time, because more at once crash the emulator.

        Raises
        ------
        RuntimeFailed
            The function raised, timed out or ended.
        """
        with self._lock:
            before = len(self._log("function"))
            request = urllib.request.Request(self._url, json.dumps(event).encode())
            started = time.perf_counter()
            try:
                with urllib.request.urlopen(request, timeout=TIMES_OUT) as response:
                    body = response.read()
            except OSError as error:
                raise RuntimeFailed(f"{error!r}\n{self._logs()}") from error
            seconds = time.perf_counter() - started
            # The emulator answers failures with 200, and a timeout with plain text.
            with suppress(ValueError):
                payload = json.loads(body)
                if not (isinstance(payload, dict) and "errorType" in payload):
                    request_id, lines = self._written_since(before)
                    return Invocation(payload, request_id, lines, seconds)
            raise RuntimeFailed(f"{body.decode(errors='replace')}\n{self._logs()}")

    def processes(self) -> dict[int, str]:
        """Command lines of the processes that live, by process id: the emulator and all it started."""
        return {} if self._process is None else _session(self._process.pid)

    def stop(self) -> None:
        """End every process and remove the logs."""
        if self._process is not None:
            self._end_processes()
        if self._folder is not None:
            self._folder.cleanup()
        self._process = self._folder = None

    def _launch(self, emulator: Path) -> None:
        assert self._folder is not None
        port, api_port = free_port(), free_port()
        self._url = f"http://{_HOST}:{port}/2015-03-31/functions/function/invocations"
        addresses = {
            "--runtime-interface-emulator-address": f"{_HOST}:{port}",
            "--runtime-api-address": f"{_HOST}:{api_port}",
        }
        arguments = [word for pair in addresses.items() for word in pair]
        with (
            Path(self._folder.name, "function").open("wb") as out,
            Path(self._folder.name, "emulator").open("wb") as err,
        ):
            self._process = subprocess.Popen(
                [str(emulator), *arguments, *self._command],
                cwd=self._task_root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,  # the emulator gives the function a process group of its own, not a session
            )

    def _listens(self) -> bool:
        process = self._process
        assert process is not None
        address = (_HOST, int(self._url.split(":")[2].partition("/")[0]))

        def connects() -> bool:
            with suppress(OSError), socket.create_connection(address, timeout=TIMES_OUT):
                return True
            return process.poll() is not None

        return _wait_for(connects, TIMES_OUT) and process.poll() is None

    def _written_since(self, start: int) -> tuple[str, tuple[str, ...]]:
        """Lambda's request id and the function's lines, once the emulator has closed the invocation."""
        _wait_for(lambda: "\nREPORT RequestId: " in self._log("function")[start:], TIMES_OUT)
        lines = self._log("function")[start:].splitlines()
        ids = [match[2] for line in lines if (match := _EMULATOR_LINE.match(line))]
        if not ids:
            raise RuntimeFailed(f"the emulator did not report the invocation:\n{self._logs()}")
        return ids[0], tuple(line for line in lines if line and not _EMULATOR_LINE.match(line))

    def _end_processes(self) -> None:
        process = self._process
        assert process is not None
        for sent, seconds in ((signal.SIGTERM, _TERMINATE_SECONDS), (signal.SIGKILL, TIMES_OUT)):
            for pid in _session(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, sent)

            def ended() -> bool:
                return process.poll() is not None and not _session(process.pid)

            if _wait_for(ended, seconds):
                return
        raise RuntimeFailed(f"these processes cannot be ended: {_session(process.pid)}")

    def _logs(self) -> str:
        return f"{self._log('function')}\n{self._log('emulator')}"

    def _log(self, name: str) -> str:
        if self._folder is None:
            return ""
        return Path(self._folder.name, name).read_text(encoding="utf-8", errors="replace")


def emulator_program(folder: Path) -> Path:
    """The emulator of aws-sam-cli for this machine; a copy in the folder where that one may not be executed."""
    spec = find_spec("samcli")
    assert spec is not None, "aws-sam-cli is not installed"
    assert spec.submodule_search_locations is not None
    name = f"aws-lambda-rie-{_ARCHITECTURES[platform.machine().lower()]}"
    shipped = Path(spec.submodule_search_locations[0], "local", "rapid", name)
    if os.access(shipped, os.X_OK):
        return shipped
    copy = Path(shutil.copy(shipped, folder))
    copy.chmod(0o755)
    return copy


def _site_packages() -> list[str]:
    return list(dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")))


def _session(leader: int) -> dict[int, str]:
    """Command lines of the living processes of a session, by process id; zombies do not count."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        with suppress(OSError):  # it ended meanwhile
            # pid (name, which may hold anything) state ppid pgrp session ...
            state, _, _, session = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[:4]
            if int(session) == leader and state not in {"Z", "X"}:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = command.decode(errors="replace").strip()
    return found


def _wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not (done := condition()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return done
