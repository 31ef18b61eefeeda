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


@pytest.mark.parametrize(("stage", "allowed"), [("dev", True), ("prod", False), ("dev-2", False), ("local", False)])
def test_joblib_is_allowed_by_default_in_dev_only(stage: str, allowed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKYLIFT_ALLOW_JOBLIB")

    assert RegistrySettings(bucket=BUCKET, model=MODEL, stage=stage).allow_joblib is allowed


@pytest.mark.parametrize("stage", ["dev", "prod"])
@pytest.mark.parametrize("allowed", [True, False])
def test_the_environment_says_otherwise(stage: str, allowed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYLIFT_ALLOW_JOBLIB", str(allowed).lower())

    assert RegistrySettings(bucket=BUCKET, model=MODEL, stage=stage).allow_joblib is allowed


@pytest.mark.parametrize("setting", ["stage", "model"])
@pytest.mark.parametrize("name", ["", "Dev", "a/b", "-a", "a b", "a" * 64])
def test_a_name_that_cannot_be_part_of_a_key_is_refused(setting: str, name: str) -> None:
    with pytest.raises(ValidationError, match=setting):
        RegistrySettings.model_validate({"bucket": BUCKET, "model": MODEL, setting: name})
