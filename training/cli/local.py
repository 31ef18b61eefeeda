"""The main job on one machine: an embedded AWS in this process, and the service as a process of its own."""

import json
import logging
import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import moto.s3.urls  # now, not within the first request: a busy machine takes seconds for it
import moto.ssm.urls  # noqa: F401
from moto.server import ThreadedMotoServer

from skylift.aws import aws_errors, s3_client, ssm_client
from skylift.errors import ConfigError, SkyliftError
from skylift.pointer import ActivePointer

BUCKET = "skylift-local"
STAGE = "local"
REFRESH_SECONDS = 0.3
SERVICE_LOG = Path("build/service.log")
ENVIRONMENT_FILE = Path("build/local.env")

_HOST = "127.0.0.1"
_START_SECONDS = 30
_STOP_SECONDS = 3
_OVERRIDING = (  # what would win over the embedded AWS's address and credentials
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SSM",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)


class ServiceFailed(SkyliftError):
    """The local service did not start."""

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
            probe.bind((_HOST, port))
        except OSError as error:
            other = port + 1 if 1024 <= port < 65535 else 8000
            hint = f"choose another: PORT={other} make up, or skylift up --port {other}"
            raise ConfigError(f"port {port} cannot be opened ({error.strerror})", hint) from error


@contextmanager
def embedded_aws(model: str) -> Iterator[dict[str, str]]:
    """S3 and SSM in this process, with a bucket and a pointer at `none`.

    Yields the environment that names them, which is set in this process as well.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(_HOST, port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "SKYLIFT_BUCKET": BUCKET,
        "SKYLIFT_STAGE": STAGE,
        "SKYLIFT_MODEL": model,
        "SKYLIFT_REFRESH_SECONDS": str(REFRESH_SECONDS),
        "no_proxy": ",".join(filter(None, (os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), _HOST))),
    }
    for name in _OVERRIDING:
        os.environ.pop(name, None)
    os.environ.update(environment)
    try:
        with aws_errors("setting up the embedded AWS"):
            s3 = s3_client()
            with suppress(s3.exceptions.BucketAlreadyOwnedByYou):  # by a first try that took too long to answer
                s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
            s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
            ActivePointer(STAGE, model, client=ssm_client()).create()
        yield environment
    finally:
        server.stop()


@contextmanager
def environment_file(environment: dict[str, str]) -> Iterator[Path]:
    """A file that another terminal can source to work on the embedded AWS; gone at the end."""
    ENVIRONMENT_FILE.parent.mkdir(exist_ok=True)
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
    content = "".join(lines)
    ENVIRONMENT_FILE.write_text(content, encoding="utf-8")
    try:
        yield ENVIRONMENT_FILE
    finally:
        if ENVIRONMENT_FILE.exists() and ENVIRONMENT_FILE.read_text(encoding="utf-8") == content:  # not another run's
            ENVIRONMENT_FILE.unlink(missing_ok=True)


class LocalService:
    """The service as a child process.

    Parameters
    ----------
    port
        Port to listen on, at 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://{_HOST}:{port}"
        SERVICE_LOG.parent.mkdir(exist_ok=True)
        with SERVICE_LOG.open("wb") as log:
            self._process = subprocess.Popen(service_command(port), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

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
                raise ServiceFailed(f"the service ended with code {self._process.returncode}", f"see {SERVICE_LOG}")
            try:
                if self.ask("/health")["ready"]:
                    return
            except urllib.error.URLError:
                time.sleep(0.05)
        raise ServiceFailed(f"the service was not ready within {_START_SECONDS} s", f"see {SERVICE_LOG}")

    def ask(self, path: str, body: object = None) -> Any:
        """GET a path, or POST JSON to it; the answer's JSON."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers)  # noqa: S310 (the url is our own)
        with urllib.request.urlopen(request, timeout=_START_SECONDS) as response:  # noqa: S310
            return json.load(response)

    def wait(self) -> int:
        """Wait for the process to end; its exit code."""
        return self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def service_command(port: int) -> list[str]:
    """The command that serves: training and service meet only in S3 and SSM."""
    return [sys.executable, "-m", "inference", "--port", str(port)]
