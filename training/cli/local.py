"""The service as a process of its own on this machine, and the port it needs."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

from skylift.errors import ConfigError, SkyliftError

HOST = "127.0.0.1"

_START_SECONDS = 30
_STOP_SECONDS = 3


class ServiceFailed(SkyliftError):
    """The local service did not start, or does not answer."""

    code = "service-failed"


def check_port(port: int) -> None:
    """Refuse a port that something listens on.

    Raises
    ------
    ConfigError
        It is in use, or may not be opened.
    """
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            other = port + 1 if 1024 <= port < 65535 else 8000
            hint = f"choose another: PORT={other} make up, or skylift up --port {other}"
            raise ConfigError(f"port {port} cannot be opened ({error.strerror})", hint) from error


class LocalService:
    """The service as a child process.

    Parameters
    ----------
    port
        Port to listen on.
    log
        Path of the file for its output.
    host
        Address to listen at: of the loopback, or `0.0.0.0`, which has it too.
    """

    def __init__(self, port: int, log: Path, host: str = HOST) -> None:
        self.url = f"http://{HOST}:{port}"
        self._log = log
        command = [*service_command(port), "--host", host, "--until-stdin-ends"]  # which it does when this process dies
        with log.open("wb") as file:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=file)

    def wait_until_ready(self) -> None:
        """Wait for `/health` to say that a model is in place.

        Raises
        ------
        ServiceFailed
            The process ended, or was not ready in time.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServiceFailed(f"the service ended with code {self._process.returncode}", f"see {self._log}")
            try:
                if self.ask("/health")["ready"]:
                    return
            except ServiceFailed:
                time.sleep(0.05)
        raise ServiceFailed(f"the service was not ready within {_START_SECONDS} s", f"see {self._log}")

    def ask(self, path: str, body: object = None) -> Any:
        """GET a path, or POST JSON to it; the answer's JSON.

        Raises
        ------
        ServiceFailed
            It does not listen, answers with an error or too slowly, or ends amid its answer.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers)  # noqa: S310 (the url is our own)
        try:
            with urllib.request.urlopen(request, timeout=_START_SECONDS) as response:  # noqa: S310
                return json.load(response)
        except (OSError, http.client.HTTPException) as error:
            raise ServiceFailed(f"the service does not answer {path} ({error})", f"see {self._log}") from error

    def wait(self) -> int:
        """Wait for the process to end; its exit code."""
        return self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()  # before its input ends: it may finish what it answers
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            if self._process.stdin is not None:
                self._process.stdin.close()


def service_command(port: int) -> list[str]:
    """The command that serves: training and service meet only in S3 and SSM."""
    return [sys.executable, "-m", "inference", "--port", str(port)]
