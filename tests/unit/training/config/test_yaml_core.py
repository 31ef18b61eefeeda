"""`model.yaml` is YAML 1.2: the words of version 1.1 are texts."""

import math

import pytest
import yaml
from ruamel.yaml import YAML

from training.config.yaml_core import load_yaml

SCALARS = {
    "no": "no",
    "Yes": "Yes",
    "on": "on",
    "y": "y",
    "true": True,
    "FALSE": False,
    "1e-3": 0.001,
    "1E5": 1e5,
    "-.5": -0.5,
    "5.": 5.0,
    "12": 12,
    "-7": -7,
    "0o17": 15,
    "0x1F": 31,
    "null": None,
    "~": None,
    "": None,
    ".inf": math.inf,
    "12:30": "12:30",
    "1_000": "1_000",
    "0b11": "0b11",
    "'1'": "1",
}


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_scalars_are_those_of_the_core_schema(text: str, value: object) -> None:
    read = load_yaml(f"key: {text}")["key"]

    assert (type(read), read) == (type(value), value)


def test_a_leading_zero_is_not_octal_and_a_date_is_a_text() -> None:
    assert load_yaml("[010, 2026-01-01]") == [10, "2026-01-01"]


@pytest.mark.parametrize("text", ["no", "true", "1e-3", "12", "0o17", "null", "12:30", "y"])
def test_dvc_reads_the_same_parameters(text: str) -> None:
    assert YAML(typ="safe").load(f"key: {text}") == load_yaml(f"key: {text}")


def test_a_repeated_key_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="'model' is repeated"):
        load_yaml("model: a\nmodel: b")


def test_anchors_and_merges_are_read() -> None:
    assert load_yaml("a: &a {x: 1}\nb: {<<: *a, y: 2}")["b"] == {"x": 1, "y": 2}


def test_objects_of_python_are_not() -> None:
    with pytest.raises(yaml.YAMLError):
        load_yaml("!!python/object/apply:os.getcwd []")
