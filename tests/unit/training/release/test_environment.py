"""The releases that a manifest names."""

import platform

import sklearn

from training.release.environment import environment


def test_the_interpreter_and_what_computes_are_named() -> None:
    assert environment()["python"] == platform.python_version()
    assert environment()["scikit-learn"] == sklearn.__version__
    assert {"skylift", "numpy", "onnxruntime"} <= environment().keys()
