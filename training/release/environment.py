"""The releases that a model was made with, and needs to be served."""

import platform
from importlib.metadata import version as installed_version

from skylift.version import __version__

_PACKAGES = ("scikit-learn", "numpy", "scipy", "joblib", "onnx", "onnxruntime", "skl2onnx")


def environment() -> dict[str, str]:
    """Releases of Python, of Skylift and of the packages that decide what a model is, by name."""
    releases = {name: installed_version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), "skylift": __version__, **releases}
