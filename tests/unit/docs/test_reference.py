"""The reference names every key, metric, code and setting."""

import re

import pytest
from pydantic import BaseModel

from inference import degradation
from inference.settings import InferenceSettings
from skylift import errors
from skylift.errors import NoActiveVersion, SkyliftError
from skylift.http import problems
from tests.support.paths import ROOT
from training.config import Candidate, CardSection, EvaluationSection, GatesSection, ModelConfig
from training.config.table import DataSection, FeatureSection, SplitSection, TargetSection, ValidateSection
from training.metrics.registry import METRICS

REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([^`\n]+)`", REFERENCE))


OF_COMMANDS = {
    errors.CallbackClosed,
    errors.ConfigError,
    errors.DataError,
    errors.TrainingError,
    errors.GateFailed,
    errors.NotMonitored,
    errors.NumberTaken,
    errors.PointerMoved,
    errors.ChallengerMoved,
    errors.ExperimentRefused,
    errors.ExperimentEnded,
    errors.PromotionRefused,
    errors.RetrainingError,
    errors.RetrainKeyReused,
    errors.RetrainLost,
    errors.RetrainNotFound,
    errors.RetrainRunning,
    errors.RegistryError,  # its subclasses are raised
}


def keys_of_the_table() -> set[str]:
    """Keys in the first column; one that begins with a dot continues the key before it."""
    keys = set()
    for cell in re.findall(r"^\| (`.+?) \|", REFERENCE, re.MULTILINE):
        section = ""
        for name in re.findall(r"`([^`]+)`", cell):
            key = section + name if name.startswith(".") else name
            section = key.rpartition(".")[0]
            keys.add(key)
    return keys


def test_every_section_of_model_yaml_is_there() -> None:
    keys = {field.alias or name for name, field in ModelConfig.model_fields.items()}

    assert keys - {name.partition(".")[0] for name in NAMED} == set()


@pytest.mark.parametrize(
    ("section", "model"),
    [
        ("data", DataSection),
        ("target", TargetSection),
        ("split", SplitSection),
        ("features.NAME", FeatureSection),
        ("evaluation", EvaluationSection),
        ("gates", GatesSection),
        ("card", CardSection),
    ],
)
def test_every_key_of_a_section_is_there(section: str, model: type[BaseModel]) -> None:
    assert {f"{section}.{name}" for name in model.model_fields} - keys_of_the_table() == set()


def test_every_key_of_a_candidate_is_there() -> None:
    assert set(Candidate.model_fields) - NAMED == set()


def test_every_bound_of_the_validation_is_on_its_page() -> None:
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")

    assert [name for name in ValidateSection.model_fields if not re.search(rf"\b{name}\b", page)] == []


def test_every_code_of_a_problem_is_there() -> None:
    failures = {(str(status), error.code) for error, (status, _) in problems._STATUS.items()}
    paths = {(str(status), code) for status, (code, _) in problems._HTTP_TITLES.items()}
    rows = re.findall(r"^\| (\d{3}) \| (.+?) \|", REFERENCE, re.MULTILINE)

    assert failures | paths | {("400", "broken-request"), ("500", "internal")} == {
        (status, code) for status, cell in rows for code in re.findall(r"`([^`]+)`", cell)
    }


def test_the_codes_of_health_are_those_of_the_source() -> None:
    """A new error is one that `/health` may have, unless only commands raise it or it answers a request."""
    of_requests = set(problems._STATUS)
    codes = {
        error.code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, SkyliftError) and error not in of_requests | OF_COMMANDS
    }
    late = {value for name, value in vars(degradation).items() if name.isupper() and isinstance(value, str)}

    section = REFERENCE.partition("\n## Codes of /health\n")[2].partition("\n## ")[0]
    assert codes | late | {NoActiveVersion.code} == set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE))


def test_every_metric_to_select_by_is_there() -> None:
    assert {metric.name for metric in METRICS.values() if metric.selectable} - NAMED == set()


def test_every_setting_of_the_service_is_there() -> None:
    assert {f"SKYLIFT_{name.upper()}" for name in InferenceSettings.model_fields} - NAMED == set()
