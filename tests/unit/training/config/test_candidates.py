"""Estimators in `model.yaml` may hold others; they are read, shown and refused like all else there."""

from pathlib import Path

import pytest

from skylift.errors import ConfigError
from training.config import load_config
from training.config.candidates import Candidate, Nested, in_words

HEAD = "model: m\ndata: {path: t.csv}\ntarget: {column: y}\n"


def test_an_estimator_is_read_wherever_it_stands() -> None:
    inner = {"estimator": "sklearn.svm.SVC", "params": {"C": 2}}

    candidate = Candidate.model_validate(
        {"name": "c", "estimator": "a.B", "params": {"one": inner, "some": ["passthrough", inner], "plain": {0: 1}}}
    )

    assert isinstance(candidate.params["one"], Nested)
    assert candidate.params["some"] == ["passthrough", candidate.params["one"]]
    assert candidate.params["plain"] == {0: 1}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, None),
        ([1, "a"], [1, "a"]),
        ([[1, 2]], ["[1, 2]"]),
        ({0: 1}, "{0: 1}"),
        (Nested(estimator="sklearn.svm.SVC", params={"C": 2}), "SVC(C=2)"),
        ([Nested(name="v", estimator="sklearn.svm.SVC")], ["SVC()"]),
    ],
    ids=str,
)
def test_a_parameter_is_shown_in_words(value: object, words: object) -> None:
    assert in_words(value) == words


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{estimator: sklearn.svm.SVC, parms: {C: 1}}", "base.parms: unknown key"),
        ("{estimator: SVC}", "base.estimator: holds 'SVC', expected the import path of a class"),
        ("[{estimator: sklearn.svm.SVC, parms: {C: 1}}]", "base.0.parms: unknown key"),
    ],
)
def test_a_fault_within_names_its_place(tmp_path: Path, written: str, problem: str) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(f"{HEAD}candidates:\n  - name: c\n    estimator: a.B\n    params:\n      base: {written}\n")

    with pytest.raises(ConfigError, match=rf"line 8: candidates.0.params.{problem}"):
        load_config(path)
