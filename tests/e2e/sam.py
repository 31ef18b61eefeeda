"""The SAM command line as the end-to-end tests use it."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from tests.support.docker import OWNER
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.waiting import TIMES_OUT

BIN = Path(sys.executable).parent
FUNCTION = "InferenceFunction"
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
REGION = "eu-central-1"

_STOP_SECONDS = 15
_INHERITED = ("HOME", "LANG", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")


class CommandFailed(AssertionError):
    """A command failed or took too long; with what it wrote last."""


def environment(**more: str) -> dict[str, str]:
    """What commands find in their environment: nothing of the caller's AWS, and no way to a real one."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in _INHERITED or name.startswith("DOCKER_") or name.lower().endswith("_proxy")
    }
    return inherited | {
        "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "SAM_CLI_TELEMETRY": "0",
        **more,
    }


def run(command: Sequence[str | Path], *, seconds: float, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout, whatever it comes to.

    Raises
    ------
    CommandFailed
        It took longer.
    """
    try:
        return subprocess.run(
            command, check=False, cwd=ROOT, env=environment(**more), capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{command[0]} {command[1]} took longer than {seconds} s") from error


def sam(*arguments: str | Path, seconds: float, **more: str) -> str:
    """Run a SAM command that must succeed; what it printed.

    Raises
    ------
    CommandFailed
        It failed, or took longer.
    """
    done = run([BIN / "sam", *arguments], seconds=seconds, **more)
    if done.returncode:
        raise CommandFailed(f"sam {arguments[0]}:\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}")
    return done.stdout


class Built:
    """What `sam build` made.

    Parameters
    ----------
    template
        The built template.
    """

    def __init__(self, template: Path) -> None:
        self.template = template

    @property
    def image(self) -> str:
        """The inference function's image."""
        document = yaml.safe_load(self.template.read_text(encoding="utf-8"))
        return str(document["Resources"][FUNCTION]["Properties"]["ImageUri"])

    def reaching(self, variables: Mapping[str, str], function: str = FUNCTION) -> Path:
        """The built template with variables of a function replaced or added.

        `sam local` passes on only variables that the template declares, and AWS_ENDPOINT_URL is none of them.
        """
        document = yaml.safe_load(self.template.read_text(encoding="utf-8"))
        properties = document["Resources"][function]["Properties"]
        properties["Environment"]["Variables"] |= {**variables, "OWNER": OWNER}
        path = self.template.with_name(f"local-{function}.yaml")
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return path


@contextmanager
def start_api(template: Path, log: Path, *parameters: str) -> Iterator[str]:
    """`sam local start-api`; its URL.

    Raises
    ------
    CommandFailed
        It ended, or does not answer.
    """
    port = free_port()
    command: list[Any] = [BIN / "sam", "local", "start-api", "--template", template, "--port", str(port)]
    command += ["--skip-pull-image", "--warm-containers", "LAZY", *parameters]
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=written, stderr=written
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + TIMES_OUT
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise CommandFailed(f"sam local start-api:\n{log.read_text(encoding='utf-8')[-6000:]}")
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    with suppress(urllib.error.HTTPError, OSError), urllib.request.urlopen(f"{url}/health", timeout=TIMES_OUT):
        return True
    return False
