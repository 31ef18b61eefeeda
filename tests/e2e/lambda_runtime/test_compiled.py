"""A version with a compiled form in the real Lambda runtime: served without scikit-learn, and from the image alone."""

import json
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
from tests.support.probes import NOT_NEEDED, PROBED, imported, with_probe

PREDICT = json.loads((ROOT / "events" / "http_api_predict.json").read_text(encoding="utf-8"))
HEALTH = json.loads((ROOT / "events" / "http_api_health.json").read_text(encoding="utf-8"))


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


@pytest.fixture(scope="module")
def probe_root(task_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The task root with the back door."""
    return with_probe(task_root, tmp_path_factory.mktemp("probe"))


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
    with LambdaRuntime(probe_root, PROBED, aws.environment | {"SKYLIFT_REFRESH_SECONDS": "3600"}) as runtime:
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


def test_started_from_the_image_without_aws_it_answers_degraded(
    aws: MotoServer, published: Reference, probe_root: Path, tmp_path: Path
) -> None:
    aws.registry.bake("v1", tmp_path)
    environment = aws.environment | {"SKYLIFT_IMAGE_CACHE": str(tmp_path)}
    aws.stop()
    try:
        with LambdaRuntime(probe_root, PROBED, environment) as runtime:
            function = Function(runtime)

            assert answers_like_scikit_learn(function.predict())
            health = function.health()
            assert (health["status"], health["ready"]) == ("degraded", True)
            assert health["model"]["reference"] == str(published)
            assert health["problem"]["code"] == "pointer-unread"
            assert imported(runtime) & NOT_NEEDED == set()
    finally:
        aws.start_again()


def test_a_version_without_a_compiled_form_does_import_scikit_learn(
    aws: MotoServer, published: Reference, probe_root: Path, tmp_path: Path
) -> None:
    aws.registry.promote("v2")
    try:
        with LambdaRuntime(probe_root, PROBED, aws.environment) as runtime:
            function = Function(runtime)

            assert answers_like_scikit_learn(function.predict())
            assert {"sklearn", "joblib"} <= imported(runtime)
    finally:
        aws.registry.promote("v1")
