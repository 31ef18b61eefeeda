"""The whole service over an AWS in memory: what an operator moves, and what a client sees."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from moto import mock_aws

from inference.app import App
from inference.host import ModelHost
from inference.settings import InferenceSettings
from skylift.bucket import Bucket
from skylift.challenger import Challenger, challenger_name
from skylift.predictors import load_predictor
from skylift.references import NOTHING, Reference
from skylift.registry import Registry
from skylift.served import ServedParameters
from skylift.settings import RegistrySettings
from skylift.store import VersionStore
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.asgi_client import HttpClient
from tests.support.aws_clients import create_bucket, every_operation, shared_clients
from tests.support.fakes import Clock
from tests.support.models import IRIS_SETOSA, uncompiled
from tests.support.stored import placed
from tests.support.tables import learned
from training.release.packaging import Package, pack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

REFRESH_SECONDS = 15.0

MIXED_TABLE = "size,rooms,area,lift,rent\n" + "".join(
    f"{20 + row * 1.5},{1 + row % 5},{('north', 'south', 'old town')[row % 3]},"
    f"{'' if row % 7 == 0 else ('true', 'false')[row % 2]},{('low', 'high')[row // 20]}\n"
    for row in range(40)
)
"""Numbers, integers, categories, booleans of which some are missing, and two classes."""


@dataclass
class Service:
    """A serving environment with the service's AWS clients, beside an operator with others.

    Attributes
    ----------
    s3, ssm
        The service's own clients: where tests inject faults.
    registry, bucket
        The operator's.
    """

    registry: Registry
    bucket: "S3Client"
    parameters: "SSMClient"
    model: str = MODEL

    def __post_init__(self) -> None:
        self.s3, self.ssm = shared_clients("service")
        self.clock = Clock()
        self.settings = InferenceSettings(
            bucket=BUCKET, stage=STAGE, model=self.model, allow_joblib=True, refresh_seconds=REFRESH_SECONDS
        )
        self.host = ModelHost(
            ServedParameters(STAGE, self.model, client=self.ssm),
            VersionStore(BUCKET, self.model, client=self.s3),
            refresh_seconds=self.settings.refresh_seconds,
            max_instances=self.settings.max_instances,
            allow_joblib=self.settings.allow_joblib,
            clock=self.clock,
        )

    @cached_property
    def app(self) -> App:
        return App(self.settings, self.host, Bucket(BUCKET, client=self.s3))

    @cached_property
    def client(self) -> HttpClient:
        return HttpClient(self.app)

    def publish(self, package: Package) -> Reference:
        """Publish, as training does."""
        return placed(package)

    def release(self, package: Package) -> Reference:
        """Publish and promote."""
        return self.registry.promote(self.publish(package))

    def set_pointer(self, value: str) -> None:
        """Write into the pointer past every check."""
        name = f"/skylift/{STAGE}/{self.model}/active"
        self.parameters.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def challenge(self, challenger: Challenger | None) -> None:
        """Write the parameter of the challenger past every check."""
        name, value = challenger_name(STAGE, self.model), str(challenger) if challenger else NOTHING
        self.parameters.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def read_object(self, version: int, name: str) -> bytes:
        key = f"models/{self.model}/v{version}/{name}"
        return self.bucket.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def write_object(self, version: int, name: str, data: bytes) -> None:
        """Overwrite a stored file, which nobody should."""
        self.bucket.put_object(Bucket=BUCKET, Key=f"models/{self.model}/v{version}/{name}", Body=data)

    def delete_object(self, version: int, name: str) -> None:
        every_operation().delete_object(Bucket=BUCKET, Key=f"models/{self.model}/v{version}/{name}")

    def pass_refresh(self) -> None:
        """Let as much time pass as the service may take to notice a new version, longest backoff included."""
        self.clock.advance(REFRESH_SECONDS * 17)

    def version(self) -> str | None:
        """Which version answers a prediction now; None where none does."""
        response = self.client.predict(IRIS_SETOSA)
        return str(response.headers["x-model-version"]) if response.status_code == 200 else None


def standing(package: Package, model: str = MODEL) -> HttpClient:
    """A client of a service that never asks AWS again: its clock stands still."""
    s3, ssm = shared_clients("operator")
    with mock_aws():
        create_bucket(BUCKET)
        registry = Registry.open(
            RegistrySettings(bucket=BUCKET, stage=STAGE, model=model, allow_joblib=True),
            s3=s3,
            ssm=ssm,
            load=load_predictor,
        )
        service = Service(registry, s3, ssm, model)
        service.release(package)
        service.host.wait_until_loaded()
    return service.client


def mixed(folder: Path) -> HttpClient:
    """The same of a forest on `MIXED_TABLE`."""
    forest = {"name": "forest", "estimator": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 5}}
    trusted = MIXED_TABLE.partition("\n")[0].split(",")
    trained = learned(folder, MIXED_TABLE, forest, target="rent", validate={"trusted": trusted})
    return standing(pack(uncompiled(trained)), "table")
