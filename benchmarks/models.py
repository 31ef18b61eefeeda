"""The models that are measured: fitted here, published with their compiled forms, with requests and right answers."""

import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import joblib
import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skylift.challenger import Challenger, challenger_name
from skylift.manifest import MODEL_FILE, Manifest
from skylift.metrics import LeaderboardEntry, Metrics, Spread
from skylift.pointer import pointer_name
from skylift.predictors import SklearnPredictor
from skylift.registry import Registry
from skylift.scoring import Matrix, predictions
from skylift.settings import RegistrySettings
from tests.support.models import iris_config
from tests.support.moto_server import BUCKET, STAGE, MotoServer
from tests.support.paths import ROOT
from training.compile.compilation import CompiledModel, compile_model
from training.config import ModelConfig
from training.config.table import DataSection, FeatureSection, TargetSection
from training.data.encoded import read_table
from training.data.split import split_rows
from training.data.table import Split, Table
from training.evaluation.report import DummyBaseline, Evaluation
from training.job import Trained
from training.release.packaging import pack
from training.search.out_of_fold import OutOfFold

if TYPE_CHECKING:
    import pandas as pd
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

FOREST, LOGISTIC, BOOSTING = "forest-100", "logistic", "boosting-100"
SHADOW_STAGE = "shadow"

_SEED = 42
_TOLERANCE = 1e-5
_SYNTHETIC_ROWS = 1000
_UNMEASURED = {"accuracy": Spread(mean=0, std=0, folds=(0.0,))}
"""How good the models are is not what is measured here."""
_EVENT: dict[str, Any] = json.loads((ROOT / "events" / "http_api_predict.json").read_text(encoding="utf-8"))


class WrongAnswer(AssertionError):
    """A service answered with something other than what scikit-learn gives here."""


@dataclass(frozen=True)
class Model:
    """A fitted model.

    Parameters
    ----------
    name
        Name in the registry.
    trained
        Fitted estimator with its table.
    """

    name: str
    trained: Trained

    def instances(self, count: int) -> list[dict[str, Any]]:
        """Rows of the table as a client sends them; rounded, as people write them."""
        return [self._rows[index % len(self._rows)] for index in range(count)]

    def body(self, count: int) -> bytes:
        """A request body with so many instances."""
        return json.dumps({"instances": self.instances(count)}).encode()

    def event(self, count: int) -> dict[str, Any]:
        """The same as an event of API Gateway."""
        return predict_event(self.body(count))

    def check(self, status: int, body: str | bytes, count: int) -> None:
        """Compare an answer with scikit-learn's.

        Raises
        ------
        WrongAnswer
            It is another one, or none.
        """
        if status != 200:
            raise WrongAnswer(f"{self.name}: status {status}: {body[:300]!r}")
        got = json.loads(body)["predictions"]
        expected = [self._answers[index % len(self._answers)] for index in range(count)]
        if [each["label"] for each in got] != [each["label"] for each in expected]:
            raise WrongAnswer(f"{self.name}: other labels")
        ours, theirs = (np.array([list(each["probabilities"].values()) for each in side]) for side in (got, expected))
        if not np.allclose(ours, theirs, rtol=_TOLERANCE, atol=_TOLERANCE):
            raise WrongAnswer(f"{self.name}: probabilities differ by up to {np.abs(ours - theirs).max():.2g}")

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        return [dict(self.trained.table.instance(int(index))) for index in self.trained.split.holdout]

    @cached_property
    def _answers(self) -> list[dict[str, Any]]:
        table, holdout = self.trained.table, self.trained.split.holdout
        scores = SklearnPredictor(self.trained.estimator, "classification").scores(table.rows[holdout])
        return predictions(table.contract, scores)


class Models:
    """Fits models and publishes them for both services, in a local S3 and SSM.

    Parameters
    ----------
    aws
        Local S3 and SSM to publish in.
    folder
        Folder for the synthetic tables.
    """

    def __init__(self, aws: MotoServer, folder: Path) -> None:
        self._folder = folder
        environment = aws.environment
        options: dict[str, Any] = {
            "endpoint_url": environment["AWS_ENDPOINT_URL"],
            "region_name": environment["AWS_REGION"],
            "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
        }
        self._s3: S3Client = boto3.client("s3", **options)
        self._ssm: SSMClient = boto3.client("ssm", **options)

    def forest(self, trees: int) -> Model:
        """A forest on iris."""
        return self._publish(f"forest-{trees}", iris_config(), _forest(trees))

    def logistic(self) -> Model:
        """A scaler and a logistic regression on iris."""
        return self._publish(
            LOGISTIC, iris_config(), make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        )

    def wide(self, features: int) -> Model:
        """A forest of 100 trees on a synthetic table."""
        informative = min(features, 20)
        rows, targets = make_classification(
            _SYNTHETIC_ROWS,
            features,
            n_informative=informative,
            n_redundant=0,
            n_classes=3,
            n_clusters_per_class=1,
            random_state=_SEED,
        )
        path = self._folder / f"wide-{features}.csv"
        header = ",".join([*(f"f{index:03d}" for index in range(features)), "target"])
        lines = [
            ",".join([*(f"{value:.6f}" for value in row), f"class-{code}"])
            for row, code in zip(rows.tolist(), targets.tolist(), strict=True)
        ]
        path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
        name = f"wide-{features}"
        config = ModelConfig(model=name, data=DataSection(path=path), target=TargetSection(column="target"))
        return self._publish(name, config, _forest(100))

    def boosting(self, iterations: int) -> Model:
        """Histogram boosting on iris: three trees in each iteration."""
        estimator = HistGradientBoostingClassifier(max_iter=iterations, early_stopping=False, random_state=_SEED)
        return self._publish(f"boosting-{iterations}", iris_config(), estimator)

    def plain(self, name: str, table: "pd.DataFrame", **features: FeatureSection) -> Model:
        """A scaler and a logistic regression on a table of two classes, `y`."""
        path = self._folder / f"{name}.csv"
        table.to_csv(path, index=False)
        data, target = DataSection(path=path), TargetSection(column="y")
        config = ModelConfig(model=name, data=data, target=target, features=features)
        return self._publish(name, config, make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)))

    def challenge(self, model: Model) -> None:
        """Put a model's version on trial beside itself, in the shadow of every request of a stage of its own."""
        registry = self._registry(model.name)
        first = registry.version("v1")
        files = {name: registry.artifact(first, name) for name in (MODEL_FILE, *first.manifest.artifacts)}
        describe = partial(_renumbered, first.manifest)
        second = registry.publish(describe, files)
        trial = Challenger(
            id="benchmark",
            reference=second.reference,
            mode="shadow",
            percent=100,
            started=datetime.now(UTC),
            by="benchmarks",
        )
        for name, value in (
            (pointer_name(SHADOW_STAGE, model.name), first.reference),
            (challenger_name(SHADOW_STAGE, model.name), trial),
        ):
            self._ssm.put_parameter(Name=name, Value=str(value), Type="String", Overwrite=True)

    def bake(self, model: Model, folder: Path) -> None:
        """Write a model's active version into an image cache."""
        self._registry(model.name).bake("v1", folder)

    def environment(self, model: Model) -> dict[str, str]:
        """Variables with which both services find a model."""
        return {
            "SKYLIFT_MODEL": model.name,
            "MODEL_PARAMETER": f"/baseline/{model.name}/key",
            "MODEL_BUCKET": BUCKET,
        }

    def _publish(self, name: str, config: ModelConfig, estimator: Any) -> Model:
        config = config.model_copy(update={"model": name})
        table = read_table(config.table)
        split = split_rows(table, holdout=config.split.holdout, seed=config.split.seed)
        estimator.fit(table.rows[split.train], table.targets[split.train])
        compiled = compile_model(estimator, table, split)
        if compiled.data is None:
            raise WrongAnswer(f"{name} has no compiled form: {compiled.outcome.reason}")
        trained = Trained(
            config=config,
            table=table,
            split=split,
            estimator=estimator,
            compiled=compiled,
            selected=name,
            select_by="accuracy",
            leaderboard=(
                LeaderboardEntry(candidate=name, estimator=type(estimator).__name__, params={}, scores=_UNMEASURED),
            ),
            metrics=Metrics(cross_validated=_UNMEASURED, holdout={}),
            gates=(),
            notes=(),
            evaluation=_unknown(table, split, name),
            out_of_fold=OutOfFold.joined([(np.arange(len(split.train)), _scores(compiled, table, split))]),
        )
        package = pack(trained)
        registry = self._registry(name)
        registry.publish(package.describe, package.artifacts)
        registry.promote("v1")
        self._publish_for_baseline(name, trained)
        return Model(name, trained)

    def _publish_for_baseline(self, name: str, trained: Trained) -> None:
        contract, buffer = trained.table.contract, io.BytesIO()
        bundle = {
            "model": trained.estimator,
            "features": [feature.name for feature in contract.features],
            "classes": [str(label) for label in contract.target.classes],
        }
        joblib.dump(bundle, buffer)
        key = f"baseline/{name}/model.joblib"
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=buffer.getvalue())
        self._ssm.put_parameter(Name=f"/baseline/{name}/key", Value=key, Type="String")

    def _registry(self, name: str) -> Registry:
        return Registry.open(RegistrySettings(bucket=BUCKET, stage=STAGE, model=name), s3=self._s3, ssm=self._ssm)


def predict_event(body: bytes) -> dict[str, Any]:
    """An event of API Gateway with a request for predictions."""
    headers = _EVENT["headers"] | {"content-length": str(len(body))}
    return _EVENT | {"body": body.decode(), "headers": headers}


def _renumbered(manifest: Manifest, version: int) -> Manifest:
    return manifest.model_copy(update={"version": version})


def _scores(compiled: CompiledModel, table: Table, split: Split) -> Matrix:
    """Scores of the training rows, which stand for those of folds: nothing here is judged by them."""
    return compiled.predictor.scores(table.rows[split.train])


def _forest(trees: int) -> RandomForestClassifier:
    return RandomForestClassifier(trees, random_state=_SEED)


def _unknown(table: Table, split: Split, name: str) -> Evaluation:
    """An evaluation that says nothing: only speed is measured here."""
    baseline = DummyBaseline(strategy="prior", metric="accuracy", value=0, challenger=0, beaten=True)
    return Evaluation(
        task=table.contract.task,
        selected=name,
        select_by="accuracy",
        rows=len(split.holdout),
        train_rows=len(split.train),
        folds=0,
        level=0.95,
        resamples=0,
        metrics={},
        baseline=baseline,
    )
