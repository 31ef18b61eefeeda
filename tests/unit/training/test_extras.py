"""What is installed is imported; what is not is named with the extra that installs it."""

import json

import pytest

from skylift.errors import ConfigError
from training.extras import require


def test_an_installed_module_is_imported() -> None:
    assert require("json", purpose="reading JSON") is json


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.part"])
def test_a_missing_one_is_named_with_its_purpose_and_its_extra(module: str) -> None:
    with pytest.raises(ConfigError, match="guessing needs no_such_package, which is not installed here") as caught:
        require(module, purpose="guessing", extra="oracle")

    assert caught.value.hint.endswith("-e '.[oracle]'")
