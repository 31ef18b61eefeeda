"""The registry is named by the environment, with names that can be part of keys and addresses."""

import pytest
from pydantic import ValidationError

from skylift.settings import RegistrySettings
from tests.conftest import BUCKET, MODEL, STAGE


def test_the_environment_names_bucket_stage_and_model() -> None:
    settings = RegistrySettings()

    assert (settings.bucket, settings.stage, settings.model) == (BUCKET, STAGE, MODEL)


def test_the_stage_is_dev_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKYLIFT_STAGE")

    assert RegistrySettings().stage == "dev"


@pytest.mark.parametrize("setting", ["stage", "model"])
@pytest.mark.parametrize("name", ["", "Dev", "a/b", "-a", "a b", "a" * 64])
def test_a_name_that_cannot_be_part_of_a_key_is_refused(setting: str, name: str) -> None:
    with pytest.raises(ValidationError, match=setting):
        RegistrySettings.model_validate({"bucket": BUCKET, "model": MODEL, setting: name})
