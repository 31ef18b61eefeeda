"""The reference names every key, metric and setting."""

import re

from inference.settings import InferenceSettings
from tests.support.paths import ROOT
from training.config import ModelConfig
from training.metrics.registry import METRICS

REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([^`\n]+)`", REFERENCE))


def test_every_section_of_model_yaml_is_there() -> None:
    keys = {field.alias or name for name, field in ModelConfig.model_fields.items()}

    assert keys - {name.partition(".")[0] for name in NAMED} == set()


def test_every_metric_to_select_by_is_there() -> None:
    assert {metric.name for metric in METRICS.values() if metric.selectable} - NAMED == set()


def test_every_setting_of_the_service_is_there() -> None:
    assert {f"SKYLIFT_{name.upper()}" for name in InferenceSettings.model_fields} - NAMED == set()
