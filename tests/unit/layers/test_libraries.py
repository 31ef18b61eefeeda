"""A library counts as installed under any of the names that it is packed under."""

from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from skylift.libraries import installed_release

pytestmark = pytest.mark.usefixtures("_packages")


@pytest.fixture
def _packages(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name != "xgboost-cpu":
            raise PackageNotFoundError(name)
        return "3.4.1"

    monkeypatch.setattr("importlib.metadata.version", version)


def test_its_other_package_counts() -> None:
    assert installed_release("xgboost") == "3.4.1"


def test_one_that_is_not_installed_has_no_release() -> None:
    found: Any = installed_release("catboost")

    assert found is None
