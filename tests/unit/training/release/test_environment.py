"""The releases that a manifest names."""

import platform

import pytest
import sklearn
from sklearn.ensemble import VotingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from training.release.environment import environment, libraries_of


def test_the_interpreter_and_what_computes_are_named() -> None:
    assert environment()["python"] == platform.python_version()
    assert environment()["scikit-learn"] == sklearn.__version__
    assert {"skylift", "numpy", "onnxruntime"} <= environment().keys()


def test_a_library_is_named_wherever_in_the_model_it_is() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    inner = make_pipeline(lightgbm.LGBMRegressor())

    assert libraries_of(VotingRegressor([("ridge", Ridge()), ("boosted", inner)])) == ["lightgbm"]
    assert environment(["lightgbm"])["lightgbm"] == lightgbm.__version__
    assert "lightgbm" not in environment()


def test_a_model_of_scikit_learn_alone_needs_no_other() -> None:
    assert libraries_of(Ridge()) == []
