"""The service's settings."""

import pytest
from pydantic import ValidationError

from inference.settings import InferenceSettings


def test_settings_come_from_the_environment_with_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYLIFT_BUCKET", "models-of-team-a")
    monkeypatch.setenv("SKYLIFT_REFRESH_SECONDS", "0")

    settings = InferenceSettings()

    assert (settings.bucket, settings.refresh_seconds) == ("models-of-team-a", 0)


def test_only_bucket_and_model_have_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKYLIFT_STAGE")

    settings = InferenceSettings(bucket="models", model="iris")

    assert (settings.stage, settings.refresh_seconds, settings.max_instances) == ("dev", 15, 1000)


@pytest.mark.parametrize("name", ["SKYLIFT_BUCKET", "SKYLIFT_MODEL"])
def test_a_setting_without_default_must_be_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)

    with pytest.raises(ValidationError, match=name.removeprefix("SKYLIFT_").lower()):
        InferenceSettings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SKYLIFT_REFRESH_SECONDS", "-1"),
        ("SKYLIFT_MAX_INSTANCES", "0"),
        ("SKYLIFT_LOG_LEVEL", "LOUD"),
        ("SKYLIFT_CAPTURE_RATE", "1.5"),
        ("SKYLIFT_CAPTURE_RATE", "nan"),
        ("SKYLIFT_MODEL", "../other"),
        ("SKYLIFT_STAGE", "Prod/eu"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError):
        InferenceSettings()
