"""A fault of `model.yaml` is told in plain words: its line, its key, what it holds, and what is expected."""

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from skylift.errors import ConfigError
from training.config import ModelConfig, load_config

WHOLE: dict[str, Any] = {
    "model": "wine",
    "data": {"path": "wine.csv", "rename": {"a": "b"}, "exclude": {"a": ["x"]}},
    "target": {"column": "kind", "labels": {"a": "b"}, "rare": {}},
    "split": {},
    "features": {"a": {}},
    "validate": {},
    "candidates": [
        {
            "name": "a",
            "estimator": "b.C",
            "params": {"estimator": {"estimator": "d.E"}},
            "search": {"strategy": "random", "parameters": {"C": {"low": 1, "high": 2}}},
        }
    ],
    "decision": {"metric": "f1"},
    "intervals": {"level": 0.9},
    "sets": {"level": 0.9},
    "evaluation": {},
    "gates": {"accuracy": {"min": 0.5}},
    "card": {},
}
WRONG: tuple[Any, ...] = ({"x": {"y": 1}}, [[["x"]]], "\x01", -1.5, True, None)
"""A value of each kind of YAML: every key refuses some of them."""

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the other takes longer than the test


def told(folder: Path, document: object) -> ConfigError | None:
    path = folder / "model.yaml"
    text = document if isinstance(document, str) else yaml.dump(document, Dumper=DUMPER)
    path.write_text(text, encoding="utf-8")
    try:
        load_config(path)
    except ConfigError as error:
        return error
    return None


def places() -> Iterator[tuple[str | int, ...]]:
    """Every key of every section, in a document that has each section."""
    schema = ModelConfig.model_json_schema()
    sections = {
        (): "ModelConfig",
        ("data",): "DataSection",
        ("target",): "TargetSection",
        ("target", "rare"): "RareSection",
        ("split",): "SplitSection",
        ("features", "a"): "FeatureSection",
        ("validate",): "ValidateSection",
        ("candidates", 0): "Candidate",
        ("candidates", 0, "params", "estimator"): "Nested",
        ("candidates", 0, "search"): "SearchSpec",
        ("candidates", 0, "search", "parameters", "C"): "Distribution",
        ("decision",): "DecisionSection",
        ("intervals",): "ConformalSection",
        ("sets",): "ConformalSection",
        ("evaluation",): "EvaluationSection",
        ("gates",): "GatesSection",
        ("gates", "accuracy"): "Bound",
        ("card",): "CardSection",
    }
    assert {*sections.values()} == {
        "ModelConfig",
        *(name for name, definition in schema["$defs"].items() if "properties" in definition and name != "S3Url"),
    }
    for place, name in sections.items():
        known = schema if name == "ModelConfig" else schema["$defs"][name]
        yield from ((*place, key) for key in known["properties"])


def changed(place: tuple[str | int, ...], value: object) -> dict[str, Any]:
    document: Any = deepcopy(WHOLE)
    inner = document
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    return dict(document)


@pytest.mark.parametrize("place", list(places()), ids=lambda place: ".".join(map(str, place)))
def test_a_wrong_value_of_any_key_is_told_in_plain_words(tmp_path: Path, place: tuple[str | int, ...]) -> None:
    errors = [error for value in WRONG if (error := told(tmp_path, changed(place, value)))]

    assert errors, "some value is wrong for each key"
    for error in errors:
        assert re.search(r"model\.yaml, line \d+: [^ ]+: ", error.message)
        assert not re.search(
            r"Input should|pattern|instance of|valid |Section|Spec\b|Distribution|Candidate\b|Bound\b|tuple|dict|None",
            error.message,
        )
        assert error.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: Wine\n", "line 1: model: holds 'Wine', expected up to 63 of a-z, 0-9 and -, not - first"),
        ("data: wine.csv\n", "line 1: data: holds 'wine.csv', expected the keys path, drop, rename"),
        ("data:\n", "line 1: data: is empty, expected the keys path"),
        ("data:\n  path: 5\n", "line 2: data.path: holds 5, expected a path, or s3://bucket/key"),
        ("data: {path: s3://x}\n", "line 1: data.path: 's3://x' should be s3://bucket/key of one object"),
        ("split:\n  holdout: 2\n", "line 2: split.holdout: holds 2, expected a number above 0 and below 0.9"),
        ("split:\n  seed: lucky\n", "line 2: split.seed: holds 'lucky', expected a whole number from 0 on and below"),
        ("target:\n  column: y\n  task: cluster\n", "line 3: target.task: holds 'cluster', expected one of 'class"),
        ("features:\n  a:\n    missing: 7\n", "line 3: features.a.missing: holds 7, expected true or false"),
        ("data:\n  path: a\n  drop: Id\n", "line 3: data.drop: holds 'Id', expected a list: a text"),
        ("data:\n  path: a\n  delimiter: ab\n", "line 3: data.delimiter: holds 'ab', expected one sign, or whitespace"),
    ],
)
def test_what_is_found_and_what_is_expected(tmp_path: Path, text: str, message: str) -> None:
    rest = {"model": "m", "data": {"path": "a"}, "target": {"column": "y"}}
    missing = {key: value for key, value in rest.items() if not text.startswith(key)}

    error = told(tmp_path, text + yaml.safe_dump(missing))

    assert error
    assert message in error.message


@pytest.mark.parametrize(
    ("place", "hint"),
    [
        (("gate",), "did you mean 'gates'?"),
        (("data", "delimeter"), "did you mean 'delimiter'?"),
        (("features", "a", "units"), "did you mean 'unit'?"),
        (("candidates", 0, "parameters"), "did you mean 'params'?"),
        (("split", "xyzzy"), "there are: holdout, seed, time, group"),
    ],
)
def test_an_unknown_key_has_the_nearest_known_one(tmp_path: Path, place: tuple[str | int, ...], hint: str) -> None:
    error = told(tmp_path, changed(place, {}))

    assert error
    assert "unknown key" in error.message
    assert error.hint == hint


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("numbr", "did you mean 'number'?"),
        ("date", "did you mean 'datetime'?"),
        ("string", "docs/reference.md lists the keys of model.yaml"),
    ],
)
def test_a_word_that_is_not_allowed_has_the_nearest_one_that_is(tmp_path: Path, kind: str, hint: str) -> None:
    document = {"model": "m", "data": {"path": "a"}, "target": {"column": "y"}, "features": {"a": {"kind": kind}}}

    error = told(tmp_path, document)

    assert error
    assert error.hint == hint


def test_a_missing_key_says_what_to_write(tmp_path: Path) -> None:
    error = told(tmp_path, "model: m\ntarget: {}\ndata: {path: a}\n")

    assert error
    assert "line 2: target.column: missing" in error.message
    assert error.hint == "write column: a text"
