"""The schema by which editors complete and check a model.yaml."""

from typing import Any

import jsonschema
import pytest

from tests.support.paths import ROOT
from tests.unit.training.config.test_faults import WHOLE
from training.config.schema import SCHEMA_FILE, json_schema, to_bytes
from training.config.yaml_core import load_yaml

CHECK = jsonschema.Draft202012Validator(json_schema())
SHORT: dict[str, Any] = {"model": "wine", "data": {"path": "wine.csv"}, "target": {"column": "kind"}}


def faults(document: object) -> list[str]:
    return [error.message for error in CHECK.iter_errors(document)]


def test_its_file_is_current() -> None:
    assert SCHEMA_FILE.read_bytes() == to_bytes(), "write it again: python -m training.config.schema"


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_the_example_names_it_in_its_first_line() -> None:
    first, *_ = (ROOT / "training" / "model.yaml").read_text(encoding="utf-8").splitlines()

    assert first == f"# yaml-language-server: $schema={SCHEMA_FILE.name}"


@pytest.mark.parametrize(
    "document",
    [
        load_yaml((ROOT / "training" / "model.yaml").read_bytes()),
        WHOLE,
        SHORT | {"data": {"path": "a.csv", "missing": ["NA", -999], "exclude": {"status": [2, True]}}},
        SHORT | {"features": {"size": {"categories": [1, 2, "big"]}}},
        SHORT | {"gates": {"log_loss": None, "max_regression": 0.1}},
        SHORT | {"candidates": [{"name": "a", "estimator": "b.C", "search": {"C": {"low": 1, "high": 2}}}]},
    ],
    ids=["example", "whole", "numbers-as-words", "numbers-as-categories", "no-gate", "search-in-short"],
)
def test_what_is_right_passes(document: object) -> None:
    assert faults(document) == []


@pytest.mark.parametrize(
    "document",
    [
        {"model": "wine"},
        SHORT | {"model": "Wine"},
        SHORT | {"colour": "red"},
        SHORT | {"gates": {"acuracy": {"min": 0.5}}},
        SHORT | {"select_by": "acuracy"},
        SHORT | {"features": {"a": {"kind": "float"}}},
        SHORT | {"split": {"holdout": 2}},
    ],
    ids=str,
)
def test_what_is_wrong_is_shown(document: object) -> None:
    assert faults(document)


def test_every_key_of_a_section_has_a_meaning() -> None:
    sections = json_schema()["$defs"]

    silent = [
        f"{name}.{key}"
        for name, section in sections.items()
        for key, schema in section.get("properties", {}).items()
        if not schema.get("description") and name != "Bound"
    ]

    assert silent == []
