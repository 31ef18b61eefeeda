"""What commands load: in an incident a rollback does not wait for scikit-learn."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest

from tests.support.models import compiled_iris_package
from tests.support.moto_server import MotoServer

TRAINING = {"sklearn", "scipy", "pandas", "joblib", "onnx", "skl2onnx", "moto", "mlflow", "dask"}

SCRIPT = """
import json, sys
from typer.testing import CliRunner
from training.cli.app import app

for command in json.loads(sys.argv[1]):
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def modules_of(commands: Sequence[Sequence[str]], environment: dict[str, str]) -> set[str]:
    """Top-level names of all that a process has imported after running these commands."""
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(commands)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(process.stdout))


@pytest.fixture
def aws() -> Iterator[MotoServer]:
    package = compiled_iris_package()
    with MotoServer() as server:
        for _ in range(2):
            server.registry.promote(server.registry.publish(package.describe, package.artifacts).reference)
        yield server


def test_help_loads_no_numerical_package_and_no_aws() -> None:
    modules = modules_of([["--help"], ["train", "--help"], ["data", "--help"]], {})

    assert "typer" in modules
    assert modules & (TRAINING | {"numpy", "onnxruntime", "botocore", "yaml"}) == set()


def test_lists_of_the_registry_load_no_numerical_package(aws: MotoServer) -> None:
    modules = modules_of([["versions"], ["history"]], aws.environment)

    assert "botocore" in modules
    assert modules & (TRAINING | {"numpy", "onnxruntime"}) == set()


def test_showing_and_moving_to_compiled_versions_loads_no_training_package(aws: MotoServer) -> None:
    modules = modules_of([["show"], ["rollback"], ["promote", "v2"]], aws.environment)

    assert "botocore" in modules
    assert modules & (TRAINING | {"onnxruntime"}) == set()  # versions are scored in a process of their own
    active = aws.registry.active()
    assert active is not None
    assert active.name == "v2"
