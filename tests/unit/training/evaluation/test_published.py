"""The evaluation of a version is read as it was published, or refused."""

from typing import TYPE_CHECKING

import pytest

from skylift.errors import IntegrityError
from skylift.registry import Registry
from tests.conftest import BUCKET
from tests.support.manifests import draft
from tests.support.models import iris_package, trained_iris
from training.evaluation.published import published_evaluation
from training.evaluation.report import EVALUATION_FILE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_it_is_that_of_the_training(registry: Registry) -> None:
    package = iris_package()
    version = registry.publish(package.describe, package.artifacts)

    assert published_evaluation(registry, version) == trained_iris().evaluation


def test_a_version_of_an_older_release_has_none(registry: Registry) -> None:
    older = draft()

    assert published_evaluation(registry, registry.publish(older.describe, older.artifacts)) is None


def test_an_altered_one_is_refused(registry: Registry, s3: "S3Client") -> None:
    package = iris_package()
    version = registry.publish(package.describe, package.artifacts)
    s3.put_object(Bucket=BUCKET, Key=f"models/iris/v1/{EVALUATION_FILE}", Body=b"{}")

    with pytest.raises(IntegrityError, match=r"evaluation\.json"):
        published_evaluation(registry, version)
