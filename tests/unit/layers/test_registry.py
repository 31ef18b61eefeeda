"""The registry: promote and roll back."""

from skylift.registry import Registry
from tests.support.models import iris_package


def test_a_promoted_version_is_the_active_one(registry: Registry) -> None:
    package = iris_package()
    version = registry.publish(package.describe, package.artifacts)

    registry.promote("v1")

    assert registry.active() == version.reference


def test_rollback_returns_to_the_last_different_version(registry: Registry) -> None:
    for candidate in ("logistic", "tree"):
        package = iris_package(candidate)
        registry.promote(str(registry.publish(package.describe, package.artifacts).reference))

    assert registry.rollback().name == "v1"
