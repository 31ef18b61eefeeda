"""Services under test."""

import asyncio
import runpy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from inference import host as host_module
from skylift.observability import logger
from skylift.registry import Registry
from tests.support.asgi_client import HttpClient
from tests.support.fakes import CurrentStdout
from tests.support.models import iris_package
from tests.support.waiting import TIMES_OUT
from tests.support.whole_service import Service, standing
from tests.support.whole_service import mixed as mixed_table

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient


@pytest.fixture
def service(registry: Registry, s3: "S3Client", ssm: "SSMClient") -> Service:
    """A service that was not started yet, and no version."""
    return Service(registry, s3, ssm)


@pytest.fixture
def serving(service: Service) -> Service:
    """A service that serves iris v1."""
    service.set_pointer(str(service.publish(iris_package())))
    service.host.wait_until_loaded()
    return service


@pytest.fixture
def lambda_handler(serving: Service) -> Iterator[Any]:
    """The Lambda entry, started as the runtime does it, with iris v1 active."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield runpy.run_module("inference.handler")["handler"]
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(scope="module")
def iris() -> HttpClient:
    """Iris v1, served for all tests of a module."""
    return standing(iris_package())


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> HttpClient:
    """A forest on a table with every kind of column, served in the same way."""
    return mixed_table(tmp_path_factory.mktemp("mixed"))


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests wait for a refresh until it is done, however slow the machine is."""
    monkeypatch.setattr(host_module, "REQUEST_WAIT_SECONDS", TIMES_OUT)
    monkeypatch.setattr(host_module, "FIRST_WAIT_SECONDS", TIMES_OUT)


@pytest.fixture(autouse=True)
def _logs_to_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pytest capture what the logger writes."""
    monkeypatch.setattr(logger.registered_handler, "stream", CurrentStdout())
