"""What the end-to-end tests share: the base image, the built image, and an AWS that containers reach.

Each step that takes long says so in a line of its own, and none may take longer than it is given. Whatever runs in
containers is gone afterwards, also where a test failed.
"""

import hashlib
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path

import pytest
import yaml

from tests.e2e.aws import LocalAws
from tests.e2e.sam import BUILT, Built, run
from tests.e2e.stack import Stack
from tests.support.docker import DockerFailed, bridge_address, docker, own_containers
from tests.support.lambda_runtime import emulator_program
from tests.support.models import IRIS_CONFIG
from tests.support.paths import ROOT
from tests.support.waiting import TIMES_OUT

BASE = "public.ecr.aws/lambda/python:3.13"
STAND_IN_SCRIPT = Path(__file__).parent / "offline" / "lambda-base-image.sh"
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
def _nothing_is_left() -> Iterator[None]:
    yield
    if left := own_containers():
        docker("container", "rm", "--force", "--volumes", *left)
    assert not left, f"left behind, and removed now: {left}"


@pytest.fixture(scope="session")
def scratch() -> Path:
    """Where steps write: below `build/`, which the image's context does not hold."""
    folder = ROOT / "build" / "e2e"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def base_image(step: Step, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The Lambda base image; where no registry can be reached, a stand-in under its name as long as tests run."""
    stand_in = f"skylift-stand-in/lambda-python:{hashlib.sha256(STAND_IN_SCRIPT.read_bytes()).hexdigest()[:12]}"
    found = _image_id(BASE)
    if (found and found != _image_id(stand_in)) or _can_be_pulled(step):
        yield
        return
    if not _image_id(stand_in):
        emulator = emulator_program(tmp_path_factory.mktemp("emulator"))
        with step("making a stand-in for the Lambda base image, which cannot be pulled"):
            done = run([STAND_IN_SCRIPT, stand_in, emulator], seconds=2 * TIMES_OUT)
        assert done.returncode == 0, done.stderr
    docker("tag", stand_in, BASE)
    yield
    docker("rmi", BASE)


def _image_id(image: str) -> str:
    """The id of an image that is here; empty where it is not."""
    return docker("images", "--quiet", "--no-trunc", image)


def _can_be_pulled(step: Step) -> bool:
    with step(f"pulling {BASE}"), suppress(DockerFailed):
        docker("pull", BASE)
        return True
    return False


@pytest.fixture(scope="session")
def release(base_image: None, scratch: Path, step: Step) -> Path:
    """A release for this machine's processor: the real template with its image and zips."""
    folder = scratch / "release"
    arguments = ["--stage", "dev", "--set", f"Architecture={ARCHITECTURE}", "--output", str(folder)]
    with step("python -m deploy package"):
        done = run([sys.executable, "-m", "deploy", "package", *arguments], seconds=3 * TIMES_OUT)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def built(release: Path, say: Say) -> Built:
    """What `sam build` made for the release."""
    made = Built(BUILT)
    megabytes = int(docker("image", "inspect", "--format", "{{.Size}}", made.image)) / 1e6
    say(f"  the image has {megabytes:.0f} MB, with its base")
    return made


@pytest.fixture(scope="session")
def bridge() -> str:
    """This machine's address for containers: an AWS in this process has to listen there."""
    if sys.platform != "linux":
        pytest.skip("needs an engine whose bridge is on this machine: Linux")
    return bridge_address()


@pytest.fixture(scope="session")
def local_aws(scratch: Path, bridge: str, step: Step) -> Iterator[LocalAws]:
    """An AWS that enforces IAM and runs functions in containers."""
    with ExitStack() as running:
        with step("starting the local AWS"):
            started = running.enter_context(LocalAws(scratch, bridge))
        yield started


@pytest.fixture(scope="session")
def bootstrap(local_aws: LocalAws) -> dict[str, str]:
    """Outputs of bootstrap.yaml for dev."""
    template = (ROOT / "bootstrap.yaml").read_text(encoding="utf-8")
    return local_aws.make_stack("skylift-bootstrap-dev", template, Stage="dev", Repository="acme/models")


@pytest.fixture(scope="session")
def stack(release: Path, local_aws: LocalAws, bootstrap: dict[str, str], step: Step) -> Stack:
    """The real template, deployed; what tests of it change, later ones find."""
    switched_on = {"Labels": "true", "Retraining": "true", "Batch": "true", "BatchConcurrency": "2"}
    deployed = Stack(local_aws, release, bootstrap, Architecture=ARCHITECTURE, RefreshSeconds="1", **switched_on)
    with step("python -m deploy up"):
        deployed.deploy()
    return deployed


@pytest.fixture(scope="session")
def quick_config(scratch: Path) -> Path:
    """The shipped model.yaml with one quick candidate: what it publishes differs from what the shipped one does."""
    document = yaml.safe_load(IRIS_CONFIG.read_text(encoding="utf-8"))
    document["data"]["path"] = str((IRIS_CONFIG.parent / document["data"]["path"]).resolve())
    document["candidates"] = document["candidates"][:1]
    document["gates"]["max_regression"] = 100  # worse on purpose: the tests need versions, not good ones
    path = scratch / "model.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path
