"""The Lambda entry: labels of an event of API Gateway end in the bucket, in the terms of the active version."""

import asyncio
import json
import runpy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from skylift.bucket import Bucket
from skylift.monitoring.label_store import LabelStore
from skylift.registry import Registry
from tests.conftest import BUCKET, MODEL
from tests.support.events import http_api_event, invoke
from tests.support.models import iris_package

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BODY = json.dumps({"labels": [{"id": "AbCdEfGh_-012345#0", "label": "virginica"}]})


@pytest.fixture
def handler(aws: None) -> Iterator[Any]:
    """The entry, started as the runtime does it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield runpy.run_module("operations.handler")["handler"]
    asyncio.set_event_loop(None)
    loop.close()


def test_labels_are_kept_in_the_terms_of_the_active_version(handler: Any, registry: Registry, s3: "S3Client") -> None:
    package = iris_package()
    version = registry.publish(package.describe, package.artifacts)
    registry.promote(version.reference)

    answer = invoke(handler, http_api_event("POST", "/labels", BODY))

    assert (answer["statusCode"], json.loads(answer["body"])) == (202, {"labels": 1})
    store = LabelStore(Bucket(BUCKET, client=s3), MODEL)
    target = version.manifest.contract.target
    read = store.read(target, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    assert [label.value for label in read.book] == ["virginica"]


def test_without_an_active_version_the_caller_may_come_back(handler: Any, ssm: Any) -> None:
    ssm.put_parameter(Name="/skylift/test/iris/active", Value="none", Type="String")

    answer = invoke(handler, http_api_event("POST", "/labels", BODY))

    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "2")
    assert json.loads(answer["body"])["type"] == "urn:skylift:problem:no-active-version"
