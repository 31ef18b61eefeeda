"""A version with a compiled form in the real Lambda runtime: served without scikit-learn, and from the image alone."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from skylift.encoding import RowEncoder
from skylift.references import Reference
from skylift.scoring import predictions
from tests.support.lambda_runtime import LambdaRuntime
from tests.support.models import IRIS_SETOSA, compiled_iris_package, iris_package, trained_iris
from tests.support.moto_server import MotoServer
from tests.support.paths import ROOT

pytestmark = pytest.mark.xdist_group("lambda-runtime-compiled")

PREDICT = json.loads((ROOT / "events" / "http_api_predict.json").read_text(encoding="utf-8"))
HEALTH = json.loads((ROOT / "events" / "http_api_health.json").read_text(encoding="utf-8"))

PROBE = """
import sys

from inference.handler import handler

def probe(event, context):
    if event == "modules":
        return sorted({name.partition(".")[0] for name in sys.modules})
    return handler(event, context)
"""

NOT_NEEDED = {
    "sklearn",
    "scipy",
    "pandas",
    "joblib",
    "boto3",
    "s3transfer",
    "onnx",
    "skl2onnx",
    "training",
    "prometheus_client",
}
NEEDED = {"onnxruntime", "numpy", "botocore", "mangum", "skylift"}
WEB_FRAMEWORK = {"fastapi", "starlette"}


@dataclass(frozen=True, slots=True)
class Function:
    """The service with a back door to what it has imported."""

    runtime: LambdaRuntime

    def predict(self) -> dict[str, Any]:
        """The whole answer to a prediction."""
        answer: dict[str, Any] = self.runtime.invoke(PREDICT).payload
        return answer

    def health(self) -> dict[str, Any]:
        """What `/health` says."""
        document: dict[str, Any] = json.loads(self.runtime.invoke(HEALTH).payload["body"])
        return document

    def modules(self) -> set[str]:
        """Top-level names of all that is imported."""
        return set(self.runtime.invoke("modules").payload)


@pytest.fixture(scope="module")
def probe_root(task_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The task root with the back door."""
    root = shutil.copytree(task_root, tmp_path_factory.mktemp("probe"), dirs_exist_ok=True)
    (root / "probe.py").write_text(PROBE, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def published(aws: MotoServer) -> Reference:
    """v1 with a compiled form, which is active, and v2 without."""
    package, uncompiled = compiled_iris_package(), iris_package()
    reference = aws.registry.publish(package.describe, package.artifacts).reference
    aws.registry.publish(uncompiled.describe, uncompiled.artifacts)
    return aws.registry.promote(reference)


@pytest.fixture(scope="module")
def compiled(aws: MotoServer, published: Reference, probe_root: Path) -> Iterator[Function]:
    """The function with v1 active, after its first answer."""
    with LambdaRuntime(probe_root, "probe.probe", aws.environment | {"SKYLIFT_REFRESH_SECONDS": "3600"}) as runtime:
        function = Function(runtime)
        assert function.predict()["statusCode"] == 200
        yield function


def answers_like_scikit_learn(answer: dict[str, Any]) -> bool:
    """Whether the answer is 200 and what the estimator itself says, within the promise of the parity gate."""
    trained = trained_iris()
    rows = RowEncoder(trained.table.contract).encode([dict(IRIS_SETOSA)])
    (expected,) = predictions(trained.table.contract, trained.estimator.predict_proba(rows))
    (got,) = json.loads(answer["body"])["predictions"]
    return bool(
        answer["statusCode"] == 200
        and got["label"] == expected["label"]
        and got["probabilities"] == pytest.approx(expected["probabilities"], rel=1e-5, abs=1e-5)
    )


def test_it_answers_like_scikit_learn(compiled: Function) -> None:
    assert answers_like_scikit_learn(compiled.predict())


def test_nothing_is_wrong_with_it(compiled: Function, published: Reference) -> None:
    health = compiled.health()

    assert (health["status"], health["problem"]) == ("ok", None)
    assert health["model"]["reference"] == str(published)


def test_scikit_learn_and_all_that_only_training_needs_are_never_imported(compiled: Function) -> None:
    assert compiled.modules() & NOT_NEEDED == set()


def test_the_back_door_sees_what_is_imported(compiled: Function) -> None:
    assert compiled.modules() >= NEEDED


def test_a_cold_start_that_predicts_pays_for_no_web_framework(
    aws: MotoServer, published: Reference, probe_root: Path
) -> None:
    with LambdaRuntime(probe_root, "probe.probe", aws.environment) as runtime:
        function = Function(runtime)

        function.predict()
        assert function.modules() & WEB_FRAMEWORK == set()

        function.health()
        assert function.modules() >= WEB_FRAMEWORK


def test_started_from_the_image_without_aws_it_answers_degraded(
    aws: MotoServer, published: Reference, probe_root: Path, tmp_path: Path
) -> None:
    aws.registry.bake("v1", tmp_path)
    environment = aws.environment | {"SKYLIFT_IMAGE_CACHE": str(tmp_path)}
    aws.stop()
    try:
        with LambdaRuntime(probe_root, "probe.probe", environment) as runtime:
            function = Function(runtime)

            assert answers_like_scikit_learn(function.predict())
            health = function.health()
            assert (health["status"], health["ready"]) == ("degraded", True)
            assert health["model"]["reference"] == str(published)
            assert health["problem"]["code"] == "pointer-unread"
            assert function.modules() & NOT_NEEDED == set()
    finally:
        aws.start_again()


def test_a_version_without_a_compiled_form_does_import_scikit_learn(
    aws: MotoServer, published: Reference, probe_root: Path, tmp_path: Path
) -> None:
    aws.registry.promote("v2")
    try:
        with LambdaRuntime(probe_root, "probe.probe", aws.environment) as runtime:
            function = Function(runtime)

            assert answers_like_scikit_learn(function.predict())
            assert {"sklearn", "joblib"} <= function.modules()
    finally:
        aws.registry.promote("v1")
