"""The image, run as strictly as Lambda runs it: another user, nothing but /tmp to write, 512 MB, no /dev/shm."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.images import base_of, built_on
from deploy.os_packages import os_packages
from tests.e2e.conftest import BASE, Step
from tests.e2e.sam import BIN, Built, run
from tests.support.docker import LABELLED, DockerFailed, FunctionContainer, docker
from tests.support.models import compiled_iris_package, iris_package
from tests.support.moto_server import MotoServer
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.sample_events import EVENTS, EXPECTED
from tests.support.waiting import TIMES_OUT

FORMS = {"compiled": compiled_iris_package, "scikit-learn": iris_package}
DOCKERFILE = ROOT / "functions" / "inference" / "Dockerfile"
REQUIREMENTS = ROOT / "functions" / "inference" / "requirements.txt"
PREDICT, HEALTH = EVENTS["http_api_predict"], EVENTS["http_api_health"]

NOT_IN_IT = ("pandas", "pytest", "moto", "training", "skl2onnx")

LISTING = f"""
import importlib.util, json, pathlib, sys
sys.path.insert(0, "/var/task")
task = pathlib.Path("/var/task")
modules = [path for path in task.rglob("*.py")]
compiled = [pathlib.Path(importlib.util.cache_from_source(str(path))) for path in modules]
print(json.dumps({{
    "too much": [name for name in {NOT_IN_IT} if importlib.util.find_spec(name)],
    "tests": [str(path) for path in task.rglob("tests") if path.is_dir()],
    "stale": [str(path) for path in compiled if not path.exists() or path.read_bytes()[4:8] != bytes([1, 0, 0, 0])],
    "modules": len(modules),
}}))
"""

PACKAGES = r"""
if command -v dpkg-query >/dev/null; then dpkg-query --show --showformat '${Package} ${Version}\n'
else rpm --query --all --queryformat '%{NAME} %{VERSION}-%{RELEASE}\n'; fi
"""

NEEDS_SCIKIT_LEARN = """
from sklearn.linear_model import LinearRegression

def handler(event, context):
    return LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0]).predict([[event]]).tolist()
"""


@pytest.fixture(scope="module", params=sorted(FORMS))
def function(request: pytest.FixtureRequest, built: Built, bridge: str, step: Step) -> Iterator[FunctionContainer]:
    """The container with v1 active: served by its compiled form, then by scikit-learn."""
    package = FORMS[request.param]()
    with MotoServer(bridge) as aws:
        aws.registry.publish(package.describe, package.artifacts)
        aws.registry.promote("v1")
        with FunctionContainer(built.image, aws.environment) as started:
            with step(f"the container's first answer, {request.param}"):
                started.invoke(PREDICT)
            yield started


def build(folder: Path, *arguments: str) -> str:
    """Build the image from a checkout; its id."""
    dockerfile = str(folder / DOCKERFILE.relative_to(ROOT))
    return docker(
        "build", "--quiet", "--force-rm", "--file", dockerfile, *arguments, str(folder), seconds=2 * TIMES_OUT
    )


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_sample_event_is_answered_with_its_status_type_body_and_version(
    name: str, function: FunctionContainer
) -> None:
    EXPECTED[name].check(function.invoke(EVENTS[name]))


def test_it_runs_as_strictly_as_lambda_runs_it(function: FunctionContainer) -> None:
    assert function.run("id", "-u") == "993"
    assert function.run("sh", "-c", "touch /tmp/file && rm /tmp/file && echo written") == "written"
    for place in ("/var/task/file", "/opt/file", "/var/lang/file", "/file"):
        with pytest.raises(DockerFailed, match="Read-only file system"):
            function.run("touch", place)
    assert function.run("sh", "-c", "ls -A /dev/shm 2>/dev/null; mount | grep -c shm || true") == "0"
    assert function.memory_limit == 512 * 2**20


def test_nothing_it_writes_is_a_warning(function: FunctionContainer) -> None:
    assert "warn" not in function.log().lower()


def test_it_holds_compiled_modules_and_neither_tests_nor_what_only_training_needs(function: FunctionContainer) -> None:
    found = json.loads(function.run("python", "-c", LISTING))
    assert found["tests"] == []
    assert found["stale"] == []
    assert found["modules"] > 2000
    assert found["too much"] == []


def test_a_function_that_needs_scikit_learn_runs_from_the_same_image_by_its_command(
    built: Built, tmp_path: Path
) -> None:
    (tmp_path / "other.py").write_text(NEEDS_SCIKIT_LEARN, encoding="utf-8")
    tmp_path.chmod(0o755)
    files = {"/var/task/other.py": tmp_path / "other.py"}
    with FunctionContainer(built.image, {}, command="other.handler", files=files) as function:
        assert function.invoke(2.0) == [pytest.approx(5.0)]


def test_a_baked_version_answers_without_aws(built: Built, bridge: str, tmp_path: Path) -> None:
    package = compiled_iris_package()
    for name in ("functions", "layers"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    with MotoServer(bridge) as aws:
        reference = aws.registry.publish(package.describe, package.artifacts).reference
        aws.registry.bake("v1", tmp_path / "build" / "image-models")
        environment = aws.environment | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    image = build(tmp_path)
    try:
        with FunctionContainer(image, environment) as function:
            EXPECTED["http_api_predict"].check(function.invoke(PREDICT))
            health = json.loads(function.invoke(HEALTH)["body"])
    finally:
        docker("rmi", image)
    assert (health["status"], health["ready"], health["model"]["reference"]) == ("degraded", True, str(reference))


def test_an_image_above_its_budget_is_not_built(built: Built) -> None:
    with pytest.raises(DockerFailed) as refused:
        build(ROOT, "--build-arg", "BUDGET_MIB=100")
    assert "returned a non-zero code: 1" in str(refused.value) or "exit code: 1" in str(refused.value)


def test_it_is_built_on_the_base_that_is_here(built: Built) -> None:
    assert base_of(DOCKERFILE) == BASE
    digest = built_on(BASE, [built.image])  # the base is refused where it is another one
    assert digest is None or digest.startswith(f"{BASE}@sha256:")
    here, image = (
        json.loads(docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", name))
        for name in (BASE, built.image)
    )
    assert image[: len(here)] == here


def test_the_packages_of_its_system_are_those_that_its_own_package_manager_lists(
    built: Built, tmp_path: Path, step: Step
) -> None:
    with step("docker save"):
        docker("save", "--output", str(tmp_path / "images.tar"), built.image)
    found = os_packages(tmp_path / "images.tar", built.image)
    listing = docker("run", "--rm", *LABELLED, "--network", "none", "--entrypoint", "sh", built.image, "-c", PACKAGES)
    assert found
    assert {f"{each.name} {each.version}" for each in found} == {
        line for line in listing.splitlines() if not line.startswith("gpg-pubkey ")
    }


def test_only_what_goes_into_the_image_is_sent_to_the_engine(built: Built, tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f"FROM {BASE}\nCOPY . /context\n", encoding="utf-8")
    image = docker("build", "--quiet", "--file", str(dockerfile), str(ROOT))
    listing = "import pathlib; print(*(path for path in pathlib.Path('/context').rglob('*') if path.is_file()))"
    try:
        sent = docker(
            "run", "--rm", *LABELLED, "--network", "none", "--entrypoint", "python", image, "-c", listing
        ).split()
    finally:
        docker("rmi", image)
    code = ("/context/functions/", "/context/layers/skylift/", "/context/training/")
    allowed = (*code, "/context/data/raw/", "/context/build/image-models/")
    assert [path for path in sent if not path.startswith(allowed) or "__pycache__" in path] == []
    assert "/context/functions/inference/handler.py" in sent


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_every_dependency_has_a_hashed_wheel_for_both_processors(architecture: str, tmp_path: Path) -> None:
    wheels = (
        "--only-binary",
        ":all:",
        "--python-platform",
        f"{architecture}-manylinux_2_28",
        "--python-version",
        "3.13",
    )
    target = ("--target", tmp_path, "--dry-run", "--require-hashes", "--requirement", REQUIREMENTS)
    done = run([BIN / "uv", "pip", "install", *wheels, *target], seconds=TIMES_OUT)
    assert done.returncode == 0, done.stderr
