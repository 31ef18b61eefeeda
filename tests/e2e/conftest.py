"""What the end-to-end tests share: the base image, the built image, and an AWS that containers reach.

Each step that takes long says so in a line of its own, and none may take longer than it is given. Whatever runs in
containers is gone afterwards, also where a test failed.
"""

import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest

from tests.e2e.sam import Built, sam
from tests.support.docker import bridge_address, containers, docker
from tests.support.events import ROOT
from tests.support.lambda_runtime import emulator_program

BASE = "public.ecr.aws/lambda/python:3.13"
STAND_IN = "skylift-stand-in/lambda-python:3.13"
ARCHITECTURE = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine().lower()]

type Say = Callable[[str], None]
type Step = Callable[[str], AbstractContextManager[None]]


@pytest.fixture(scope="session")
def say(pytestconfig: pytest.Config) -> Say:
    """Writes a line on the terminal, past the capturing of output."""
    capturing = pytestconfig.pluginmanager.get_plugin("capturemanager")

    def line(text: str) -> None:
        with capturing.global_and_fixture_disabled() if capturing else nullcontext():
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    return line


@pytest.fixture(scope="session")
def step(say: Say) -> Step:
    """Says what takes so long, and how long it took."""

    @contextmanager
    def saying(what: str) -> Iterator[None]:
        say(f"  {what} ...")
        started = time.monotonic()
        yield
        say(f"  {what}: {time.monotonic() - started:.1f} s")

    return saying


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left_running() -> Iterator[None]:
    before = containers()
    yield
    if left := containers() - before:
        names = docker("inspect", "--format", "{{.Config.Image}} {{.Config.Cmd}}", *left)
        docker("rm", "--force", "--volumes", *left)
        pytest.fail(f"containers were left behind, and are removed now:\n{names}")


@pytest.fixture(scope="session")
def scratch() -> Path:
    """Where steps write: below `build/`, which the image's context does not hold."""
    folder = ROOT / "build" / "e2e"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def base_image(step: Step, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The Lambda base image; where no registry can be reached, a stand-in under its name as long as tests run."""
    if _is_here(BASE) or _can_be_pulled(step):
        yield
        return
    if not _is_here(STAND_IN):
        script = Path(__file__).parent / "offline" / "lambda-base-image.sh"
        emulator = emulator_program(tmp_path_factory.mktemp("emulator"))
        with step("making a stand-in for the Lambda base image, which cannot be pulled"):
            done = subprocess.run(
                [script, STAND_IN, emulator], check=False, cwd=ROOT, capture_output=True, text=True, timeout=300
            )
        assert done.returncode == 0, done.stderr
    docker("tag", STAND_IN, BASE)
    yield
    docker("rmi", BASE)


def _is_here(image: str) -> bool:
    return (
        subprocess.run(["docker", "image", "inspect", image], check=False, capture_output=True, timeout=30).returncode
        == 0
    )


def _can_be_pulled(step: Step) -> bool:
    with step(f"pulling {BASE}"):
        return subprocess.run(["docker", "pull", BASE], check=False, capture_output=True, timeout=300).returncode == 0


@pytest.fixture(scope="session")
def built(base_image: None, scratch: Path, step: Step, say: Say) -> Built:
    """The real template with its image and zips, for this machine's processor."""
    folder = scratch / "sam"
    with step("sam build"):
        sam("build", "--build-dir", folder, "--parameter-overrides", f"Architecture={ARCHITECTURE}", seconds=400)
    made = Built(folder / "template.yaml")
    megabytes = int(docker("image", "inspect", "--format", "{{.Size}}", made.image)) / 1e6
    say(f"  the image has {megabytes:.0f} MB, with its base")
    return made


@pytest.fixture(scope="session")
def bridge() -> str:
    """This machine's address for containers: an AWS in this process has to listen there."""
    if sys.platform != "linux":
        pytest.skip("needs an engine whose bridge is on this machine: Linux")
    return bridge_address()
