"""Fixtures of every test: an AWS in memory, never a real one, and nothing of the machine that runs them."""

import gc
import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from moto import mock_aws

from skylift.pointer import ActivePointer
from skylift.predictors import load_predictor
from skylift.registry import Registry
from skylift.settings import RegistrySettings
from skylift.store import VersionStore
from tests.support.aws_clients import create_bucket, shared_clients
from tests.support.contracts import modest
from tests.support.faults import unhook_all
from tests.support.quick_moto import quicken_moto

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

BUCKET = "models-test"
STAGE = "test"
MODEL = "iris"

_OF_PROGRAMS = ("AWS_", "GIT_", "LOKY_", "MLFLOW_", "POWERTOOLS_", "SKYLIFT_")
_OF_TERMINALS = {"CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
_OF_THE_NETWORK = {"ALL_PROXY", "FTP_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}


def pytest_configure() -> None:
    """Forget what the machine sets for programs, before one is imported; processes that tests start inherit it."""
    for name in list(os.environ):
        if name.startswith(_OF_PROGRAMS) or name.upper() in _OF_TERMINALS | _OF_THE_NETWORK:
            del os.environ[name]
    os.environ |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "LOKY_MAX_CPU_COUNT": "1",  # a search starts no processes because the machine is slow
        # On cores that tests share, a second thread of a numerical library is mostly waited for.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    quicken_moto()
    # Hypothesis would read every module for values to try: for seconds, and which ones, would depend on the worker.
    providers._get_local_constants = Constants
    settings.register_profile("modest", modest)
    settings.load_profile("modest")


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Take one worker more than there are cores: some tests wait, for processes and for limits of time."""
    return (yield) + 1


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let each worker begin elsewhere in a folder: what one has compiled, the others need not."""
    report = yield
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1 and report.result and isinstance(collector, pytest.Directory):
        first = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")) * len(report.result) // workers
        report.result[:] = report.result[first:] + report.result[:first]
    return report


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Bring all workers to one order, and begin with the files that take longest: no worker ends with one of them."""
    items.sort(key=lambda item: str(item.path))
    yield
    items.sort(key=lambda item: "integration" not in item.path.parts)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Leave what is imported out of garbage collections, and collect less often: tests keep little."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000)
        gc.enable()


@pytest.fixture(autouse=True)
def _no_real_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that open nothing, no run store of the machine, and no setting of it or of another test."""
    for name in (
        "AWS_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_ENDPOINT_URL",
        "MLFLOW_TRACKING_URI",
        "SKYLIFT_STACK",
        "SKYLIFT_REFRESH_SECONDS",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "SKYLIFT_BUCKET": BUCKET,
        "SKYLIFT_STAGE": STAGE,
        "SKYLIFT_MODEL": MODEL,
        "SKYLIFT_ALLOW_JOBLIB": "true",  # most versions of the tests are not compiled
        "SKYLIFT_TRACK": "false",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def aws(_no_real_aws: None) -> Iterator[None]:
    """S3 with the bucket, and SSM, in memory."""
    with mock_aws():
        create_bucket(BUCKET)
        yield
        unhook_all()


@pytest.fixture
def s3(aws: None) -> "S3Client":
    """The operator's S3 client."""
    return shared_clients("operator").s3


@pytest.fixture
def ssm(aws: None) -> "SSMClient":
    """The operator's SSM client."""
    return shared_clients("operator").ssm


@pytest.fixture
def store(s3: "S3Client") -> VersionStore:
    """The versions of iris."""
    return VersionStore(BUCKET, MODEL, client=s3)


@pytest.fixture
def pointer(ssm: "SSMClient") -> ActivePointer:
    """The pointer of iris."""
    return ActivePointer(STAGE, MODEL, client=ssm)


@pytest.fixture
def loaded_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands load published models in this process, not in one of their own, which takes a second or two each."""
    for module in ("skylift.sandbox", "training.release.folder"):
        monkeypatch.setattr(f"{module}.SandboxedPredictor", load_predictor)


@pytest.fixture
def registry(s3: "S3Client", ssm: "SSMClient") -> Registry:
    """The registry of iris; it loads models in this process, which saves most of the time."""
    settings = RegistrySettings(bucket=BUCKET, stage=STAGE, model=MODEL)
    return Registry.open(settings, s3=s3, ssm=ssm, load=load_predictor)
