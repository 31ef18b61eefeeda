"""Small trained models, made once per test process."""

from dataclasses import replace
from functools import cache

from skylift.manifest import MODEL_FILE, Artifact, Compiled, Manifest
from skylift.predictors import SklearnPredictor
from skylift.references import sha256
from tests.support.paths import ROOT
from training.config import Candidate, ModelConfig, load_config
from training.job import Trained, train
from training.release.packaging import Package, pack

IRIS_CONFIG = ROOT / "training" / "model.yaml"

IRIS_SETOSA = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}

CANDIDATES = {
    "logistic": Candidate(
        name="logistic", estimator="sklearn.linear_model.LogisticRegression", params={"max_iter": 1000}
    ),
    "tree": Candidate(name="tree", estimator="sklearn.tree.DecisionTreeClassifier", params={"max_depth": 3}),
}


@cache
def iris_config() -> ModelConfig:
    """The shipped configuration."""
    return load_config(IRIS_CONFIG)


@cache
def trained_iris(candidate: str = "logistic") -> Trained:
    """Iris, trained with one quick candidate."""
    return train(iris_config().model_copy(update={"candidates": (CANDIDATES[candidate],), "select_by": "accuracy"}))


@cache
def iris_package(candidate: str = "logistic") -> Package:
    """Iris, ready to publish; the shipped gates passed."""
    return _described_once(pack(uncompiled(trained_iris(candidate))))


def uncompiled(trained: Trained) -> Trained:
    """The same model, of which no compiled form passed."""
    reference = SklearnPredictor(trained.estimator, trained.table.contract.task)
    outcome = Compiled(reason="left out")
    return replace(trained, compiled=replace(trained.compiled, data=None, outcome=outcome, predictor=reference))


@cache
def compiled_iris_package(candidate: str = "logistic") -> Package:
    """Iris, ready to publish with its compiled form."""
    return _described_once(pack(trained_iris(candidate)))


def _described_once(package: Package) -> Package:
    """The package, which looks up once per number what is installed and what time it is."""
    return replace(package, describe=cache(package.describe))


def changed(package: Package, **fields: object) -> Package:
    """The package with fields of its manifest replaced."""

    def describe(version: int) -> Manifest:
        return package.describe(version).model_copy(update=fields)

    return Package(describe, package.artifacts)


def with_model(data: bytes) -> Package:
    """Iris, uncompiled, with another `model.joblib`."""
    package = iris_package()
    listed = Artifact(sha256=sha256(data), bytes=len(data))
    files = package.describe(1).artifacts | {MODEL_FILE: listed}
    return changed(Package(package.describe, package.artifacts | {MODEL_FILE: data}), artifacts=files)
